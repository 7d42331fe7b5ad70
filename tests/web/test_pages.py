"""What the pages show, on a real database."""

from __future__ import annotations

import pytest
from sqlalchemy import text as sql

from bot.domain import Author, Tag
from bot.errors import StorageError
from bot.views import CaseView, QueueCounts
from bot.web import live, pages
from bot.web.board import LedgerTotals
from bot.web.desk_board import DeskBoard
from tests.web.house import ADA, BO, Forms, House, Visitor


def _rows(page: Forms, kind: str) -> int:
    return sum(tag == "li" and (values.get("class") or "").split()[:1] == [kind] for tag, values in page.tags)


def test_the_board_has_a_column_for_every_queue_also_for_an_empty_one(house: House, ada: Visitor) -> None:
    house.hear("My parcel is lost", reason="where_is_it")

    page = ada.open("/")

    assert "care 0 open 0 unclaimed 0 overdue Nothing waits here." in page.text
    assert "deliveries 1 open 1 unclaimed 0 overdue" in page.text


def test_a_card_says_who_where_what_why_how_sure_when_due_and_whose(house: House, ada: Visitor) -> None:
    author = Author("p", "@priya", "Priya", 1200)
    case_id = house.hear("My parcel is lost", confidence=0.62, review="62 % is little", author=author)
    house.board.claim(case_id, BO, action_id="1")
    house.clock.advance(minutes=10)

    text = ada.open("/").text

    assert "complaint #1 My parcel is lost Priya posts 10 min ago" in text
    assert "Where is it?" in text
    assert "by logistics 62 % sure with Bo check due in 50 min" in text


def test_a_case_past_its_time_is_shown_as_overdue(house: House, ada: Visitor) -> None:
    house.hear("My parcel is lost")
    house.clock.advance(minutes=75)

    page = ada.open("/")

    assert "overdue 15 min" in page.text
    assert "1 open 1 unclaimed 1 overdue" in page.text


def test_a_long_queue_shows_its_first_cards_and_links_to_the_rest(
    house: House, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CARDS_MAX", 2)
    for number in range(5):
        house.hear(f"Parcel {number}")

    page = ada.open("/")

    assert _rows(page, "card") == 2
    assert "and 3 more" in page.text


def test_the_totals_on_top_of_the_board_agree_with_the_ledger(house: House, ada: Visitor) -> None:
    house.hear("Lost", tags=(Tag.COMPLAINT, Tag.REQUEST))
    house.hear("Lovely", tags=(Tag.PRAISE,), reason="praise")
    house.hear("Nothing to us", tags=())

    text = ada.open("/").text

    assert "Mentions 3 Tagged 2 Other 1 Waiting 0 Cases 2" in text
    assert "Live tags 3 TAG balance 3 agrees" in text


def test_a_queue_is_listed_by_pages(house: House, ada: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE_CASES", 2)
    for number in range(5):
        house.hear(f"Parcel {number}")

    found = [ada.open(f"/queue/deliveries?page={number}") for number in (1, 2, 3, 4)]

    assert [_rows(page, "row") for page in found] == [2, 2, 1, 0]
    assert [[word in page.text for word in ("Previous", "Next")] for page in found] == [
        [False, True],
        [True, True],
        [True, False],
        [True, False],
    ]


QUERIES = {
    "": "lost late claimed",  # what waits
    "?state=open": "lost late",
    "?state=claimed": "claimed",
    "?state=closed": "solved",
    "?state=all": "lost late claimed solved",
    "?tag=request": "lost",
    "?overdue": "late",
    "?state=all&tag=complaint&overdue": "late",  # a closed case is never overdue
    "?state=nonsense&tag=nonsense&page=nonsense": "lost late claimed",
    "?page=-1": "lost late claimed",
    "?page=99999999999999999999": "lost late claimed",
    "?page=\u0663": "lost late claimed",  # a digit, but none of ours
}


def test_a_queue_can_be_filtered(house: House, ada: Visitor) -> None:
    cases = {"late": house.hear("late"), "solved": house.hear("solved")}
    house.board.resolve(cases["solved"], ADA, action_id="1")
    house.clock.advance(minutes=70)
    cases |= {"lost": house.hear("lost", tags=(Tag.REQUEST,)), "claimed": house.hear("claimed")}
    house.board.claim(cases["claimed"], ADA, action_id="2")

    links = {query: _links(ada.open(f"/queue/deliveries{query}")) for query in QUERIES}

    for query, shown in QUERIES.items():
        found = {name for name, case_id in cases.items() if f"/case/{case_id}" in links[query]}
        assert found == set(shown.split()), query


def _links(page: Forms) -> set[str]:
    return {values["href"] or "" for tag, values in page.tags if tag == "a"}


def test_a_case_shows_its_texts_why_it_is_here_who_caused_it_and_its_journals(house: House, ada: Visitor) -> None:
    author = Author("p", "@priya", "Priya", 1200)
    case_id = house.hear("My parcel is lost", author=author, confidence=0.62, review="62 % is little")
    house.clock.advance(minutes=5)
    house.hear("And nobody answers", author=author, reason="service_failure")

    text = ada.open(f"/case/{case_id}").text

    assert "My parcel is lost" in text
    assert "And nobody answers" in text
    assert "Writer Priya @priya 1,200 followers" in text
    assert "complaint, 62 % sure 62 % is little" in text
    assert _view(house, case_id).why in text
    assert "Caused by logistics Liability contacts: it is the default of the reason" in text
    assert "Due 2 Mar 2026, 11:00 UTC" in text
    assert "Counted: 1 complaint tag and 1 contact, charged to logistics as liability contacts." in text
    assert (
        "Work expected, not spent yet: 5 min and £2.50 (estimated), charged to logistics as liability contacts." in text
    )


def _view(house: House, case_id: int) -> CaseView:
    view = house.board.view(case_id)
    assert view is not None
    return view


def test_a_case_that_came_back_links_to_the_one_before(house: House, ada: Visitor) -> None:
    author = Author("p", "@priya")
    first = house.hear("My parcel is lost", author=author)
    house.board.resolve(first, ADA, action_id="1")
    house.clock.advance(days=2)
    second = house.hear("It is lost again, unbelievable", author=author)

    page = ada.open(f"/case/{second}")

    assert "back after it was resolved of case 1" in page.text
    assert f"/case/{first}" in _links(page)


def test_the_ledger_page_adds_up_and_says_on_what_basis(house: House, ada: Visitor) -> None:
    house.hear("Lost", reason="where_is_it")
    done = house.hear("Late", reason="delay_cancel")
    house.board.resolve(done, ADA, action_id="1")

    text = ada.open("/ledger").text

    assert "Management accounts, memo money" in text
    assert "Placeholder rate." in text
    assert "complaint 2 2 agree praise 0 0 agree request 0 0 agree All 2 2 agree" in text
    assert "5 journals : every sum and every hash holds".replace(" :", ":") in text
    assert "£4.00 £4.00 estimated + £0.00 measured 2 contacts £2.50 expected, not spent" in text
    assert "operations 1 £4.00 £0.00 £0.00 logistics 1 £0.00 £0.00 £2.50" in text


def test_a_ledger_that_does_not_agree_says_so(house: House, ada: Visitor) -> None:
    house.hear("Lost", tags=(Tag.COMPLAINT,))
    with house.database.begin() as connection:
        connection.execute(sql("UPDATE tag SET is_live = 0"))

    text, board = ada.open("/ledger").text, ada.open("/").text

    assert "complaint 0 1 differ by 1" in text
    assert "All 0 1 do not agree" in text
    assert "Live tags 0 TAG balance 1 differs" in board


def test_a_tampered_ledger_is_found_out_on_its_page(house: House, ada: Visitor) -> None:
    house.hear("Lost")
    with house.database.begin() as connection:
        for (name,) in connection.execute(sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(sql(f"DROP TRIGGER {name}"))
        connection.execute(sql("UPDATE ledger_line SET amount = amount * 2 WHERE commodity = 'GBP'"))

    text = ada.open("/ledger").text

    assert "Journal 2 does not check: payload" in text


def test_a_large_ledger_is_verified_when_somebody_asks(
    house: House, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "JOURNALS_VERIFIED_MAX", 1)
    house.hear("Lost")

    page, asked = ada.open("/ledger"), ada.open("/ledger?verify")

    assert "Verify 2 journals now" in page.text
    assert "every sum and every hash holds" in asked.text


def test_what_the_tagger_was_unsure_of_is_listed_with_why(house: House, ada: Visitor) -> None:
    house.hear("Sure", confidence=0.95)
    house.hear("Hm", confidence=0.5, review="complaint and praise are about as likely")

    page = ada.open("/review")

    assert _rows(page, "row") == 1
    assert "complaint and praise are about as likely" in page.text


def test_the_channels_page_shows_polls_errors_and_what_was_skipped(house: House, ada: Visitor) -> None:
    before = ada.open("/channels").text
    house.skip("line 17", "it is no JSON")
    house.clock.advance(minutes=3)

    text = ada.open("/channels").text

    assert "posts replay Not polled yet" in before
    assert "posts replay Listening Last poll 3 min ago Last mention never" in text
    assert "posts line 17 it is no JSON 3 min ago" in text


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/nowhere", "There is no such page here."),
        ("/queue/nobody", "There is no queue of that name in the config."),
        ("/case/7", "There is no case 7."),
        ("/case/99999999999999999999", "There is no case 99999999999999999999."),
        ("/case/x", "There is no such page here."),
        ("/static/nothing.css", "There is no such page here."),
        ("/static/../app.py", "There is no such page here."),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(ada: Visitor, path: str, sentence: str) -> None:
    answer = ada.client.get(path)

    assert answer.status_code == 404
    assert sentence in Forms(answer.text).text


class Unreachable(DeskBoard):
    def queue_counts(self) -> list[QueueCounts]:
        raise StorageError("the database does not answer; start it")

    def totals(self) -> LedgerTotals:
        raise ZeroDivisionError("secret detail")


def test_a_database_that_does_not_answer_is_said_in_a_sentence(house: House) -> None:
    house.board = Unreachable(house.parts)

    answer = house.visitor().client.get("/")

    assert answer.status_code == 503
    assert "the database does not answer; start it" in answer.text


def test_a_mistake_of_ours_shows_a_sentence_and_no_detail(house: House) -> None:
    house.board = Unreachable(house.parts)

    answer = house.visitor().client.get("/ledger")

    assert answer.status_code == 500
    assert "Something went wrong on our side." in answer.text
    assert "secret detail" not in answer.text
    assert "content-security-policy" in answer.headers


def test_only_the_demo_says_that_its_data_is_sample_data(house: House) -> None:
    demo, real = house.visitor(is_demo=True).open("/").text, house.visitor().open("/").text

    assert "Sample data." in demo
    assert "Sample data." not in real


def test_static_files_may_be_kept_and_pages_may_not(ada: Visitor) -> None:
    link = next(values for tag, values in ada.open("/").tags if tag == "link" and values["rel"] == "stylesheet")

    style, page = ada.client.get(link["href"] or ""), ada.client.get("/")

    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert page.headers["cache-control"] == "no-store"


def test_every_page_has_its_landmarks_one_heading_and_labels_for_its_controls(house: House, ada: Visitor) -> None:
    house.hear("Lost", confidence=0.5, review="unsure")

    for path in ("/", "/queue/deliveries", "/case/1", "/review", "/ledger", "/channels"):
        tags = ada.open(path).tags
        names = [tag for tag, _ in tags]
        assert (names.count("main"), names.count("h1"), names.count("header") >= 1, "nav" in names) == (
            1,
            1,
            True,
            True,
        )
        ids = [values["id"] for _, values in tags if "id" in values]
        assert len(ids) == len(set(ids))
        labelled = {word for _, values in tags for word in (values.get("aria-labelledby") or "").split()}
        assert labelled <= set(ids)
