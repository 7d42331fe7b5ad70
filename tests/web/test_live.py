"""The moving part of the board."""

from __future__ import annotations

from datetime import timedelta

from bot.web.board import Progress
from bot.web.desk_board import DeskBoard
from bot.web.live import Live
from tests.web.house import BO, House, Visitor


class Counting(DeskBoard):
    """Counts how often it is asked; each time takes half a second of the test's clock."""

    asked = 0
    seconds = 0.0

    def progress(self) -> Progress:
        """As before."""
        self.asked += 1
        self.seconds += 0.5
        return super().progress()


def test_the_moving_part_shows_what_arrived_since(house: House, ada: Visitor) -> None:
    before = ada.open("/fragment").text
    house.hear("My parcel is lost")

    after = house.visitor().open("/fragment").text

    assert "My parcel is lost" not in before
    assert "My parcel is lost" in after


def test_nothing_is_sent_again_while_nothing_moves(house: House, ada: Visitor) -> None:
    house.hear("My parcel is lost")
    first = ada.client.get("/fragment")

    again = ada.client.get("/fragment", headers={"If-None-Match": first.headers["etag"]})

    assert (first.status_code, again.status_code, again.text) == (200, 304, "")


def test_what_a_visitor_did_is_seen_at_once(house: House, ada: Visitor) -> None:
    case_id = house.hear("My parcel is lost")
    first = ada.client.get("/fragment")
    ada.press(case_id, "claim")

    after = ada.client.get("/fragment", headers={"If-None-Match": first.headers["etag"]})

    assert after.status_code == 200
    assert "with <bdi>Ada</bdi>" in after.text


def test_overdue_promises_stand_above_the_queues(house: House, ada: Visitor) -> None:
    case_id = house.hear("My parcel is lost")
    house.board.promise(case_id, BO, house.clock() + timedelta(minutes=5), action_id="p1")
    before = ada.open("/").text
    house.clock.advance(minutes=20)

    after = ada.open("/").text

    assert "Overdue promises" not in before
    assert f"Overdue promises Case #{case_id} deliveries due 15 min ago made by Bo waits for logistics" in after


def test_all_watchers_share_a_picture_and_each_has_forms_of_their_own(house: House, ada: Visitor) -> None:
    house.hear("My parcel is lost")
    other = Visitor(ada.site)

    mine, theirs = (visitor.open("/fragment").forms["/case/1/claim"] for visitor in (ada, other))

    assert mine["token"] != theirs["token"]
    assert mine["nonce"] != theirs["nonce"]


def test_a_picture_is_kept_five_times_as_long_as_it_took_to_draw(house: House) -> None:
    board = Counting(house.parts)
    live = Live(board, clock=lambda: board.seconds)

    live.recent()
    board.seconds += 2.4
    live.recent()
    asked_before = board.asked
    board.seconds += 0.2
    live.recent()

    assert (asked_before, board.asked) == (1, 2)


def test_a_page_that_is_opened_shows_the_present(house: House) -> None:
    board = Counting(house.parts)
    live = Live(board, clock=lambda: board.seconds)

    for _ in range(3):
        live.fresh()

    assert board.asked == 3


def test_a_claim_in_slack_shows_on_the_board(house: House, ada: Visitor) -> None:
    case_id = house.hear("My parcel is lost")

    house.board.claim(case_id, BO, action_id="slack:1")

    assert "with Bo" in ada.open("/fragment").text
