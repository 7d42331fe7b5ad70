"""The board in a real browser: what arrives is seen, what is pressed is done, what is hostile does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from bot.domain import CaseState
from bot.web.server import BoardServer
from tests.web.house import House

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def address(house: House) -> Iterator[str]:
    server = BoardServer(house.site())
    host, port = server.start()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh window; whatever the browser complains about fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    window = context.new_page()
    complaints: list[str] = []
    window.on("console", lambda message: complaints.append(message.text))
    window.on("pageerror", lambda error: complaints.append(str(error)))
    window.on("dialog", lambda dialog: complaints.append(dialog.message))
    yield window
    context.close()
    assert complaints == []


def test_a_card_arrives_without_a_reload_and_is_claimed_in_place(house: House, address: str, page: Page) -> None:
    page.goto(f"{address}/")
    page.evaluate("window.sameDocument = true")

    case_id = house.hear("My parcel is lost")
    page.get_by_text("My parcel is lost").wait_for()
    page.get_by_role("button", name=f"Claim case {case_id}").click()
    page.get_by_text("You have claimed this case.").wait_for()
    page.get_by_text("with Ada").wait_for()

    view = house.board.view(case_id)
    assert view is not None
    assert (view.state, view.owner) == (CaseState.CLAIMED, "board:ada")
    assert page.evaluate("window.sameDocument") is True


def test_new_cards_leave_the_focus_where_it_was(house: House, address: str, page: Page) -> None:
    house.hear("The first one")
    page.goto(f"{address}/")
    page.get_by_role("link", name="The first one").focus()

    house.clock.advance(minutes=-5)  # due earlier, so it is put before the other
    house.hear("The second one")
    page.get_by_text("The second one").wait_for()

    assert page.evaluate("document.activeElement.textContent.trim()") == "The first one"


def test_hostile_text_runs_nothing_and_breaks_no_layout(house: House, address: str, page: Page) -> None:
    house.hear(
        "<img src=/nothing onerror=alert(1)><script>alert(2)</script>" + "x" * 10_000, confidence=0.5, review="?"
    )

    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        for path in ("/", "/queue/deliveries", "/case/1", "/review"):
            page.goto(f"{address}{path}")
            page.get_by_text("alert(2)").first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)


def test_the_theme_that_was_chosen_is_kept(address: str, page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{address}/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.get_by_role("button", name="Switch between light and dark").click()
    page.goto(f"{address}/ledger")

    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_a_case_can_be_retagged_with_the_keyboard(house: House, address: str, page: Page) -> None:
    case_id = house.hear("How do I change my address?")
    page.goto(f"{address}/case/{case_id}")

    page.get_by_text("Retag", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_label("request", exact=True).check()
    page.get_by_label("main tag: request").check()
    page.get_by_label("Reason").select_option("how_to")
    page.get_by_role("button", name="Correct the tags").press("Enter")
    page.get_by_text("Thank you, the tags are corrected.").wait_for()

    view = house.board.view(case_id)
    assert view is not None
    assert (view.tag, view.reason) == ("request", "how_to")
