"""Root-cause notes on the ledger's page: read by everybody, written by supervisors."""

from __future__ import annotations

import pytest

from bot.domain import Actor
from tests.web.house import House, Visitor

EVE = Actor("board:eve", "Eve", is_supervisor=True)
CAUSE = "the carrier scans <b>late</b>"


def write(visitor: Visitor, reason: str, text: str) -> int:
    fields = visitor.open("/ledger").forms["/ledger/note"] | {"reason": [reason], "text": [text]}
    status: int = visitor.post("/ledger/note", fields).status_code
    return status


def test_a_supervisor_notes_a_cause_and_everybody_reads_it(house: House, ada: Visitor) -> None:
    eve = house.visitor(EVE)

    status = write(eve, "where_is_it", CAUSE)

    assert status == 303
    assert f"Noted on where_is_it: {CAUSE}" in eve.open("/ledger").text
    assert f"{CAUSE} Eve," in ada.open("/ledger").text


def test_an_empty_note_takes_the_last_back(house: House) -> None:
    eve = house.visitor(EVE)
    write(eve, "where_is_it", CAUSE)

    write(eve, "where_is_it", "")

    assert "Nobody has noted yet" in eve.open("/ledger").text


@pytest.mark.parametrize(
    ("reason", "text", "sentence"),
    [("nothing", CAUSE, "there is no reason 'nothing'"), ("where_is_it", "a" * 300, "at most 280 characters")],
)
def test_a_note_that_cannot_be_says_why(house: House, reason: str, text: str, sentence: str) -> None:
    eve = house.visitor(EVE)

    write(eve, reason, text)

    assert sentence in eve.open("/ledger").text
    assert house.board.notes() == {}


def test_an_agent_has_no_form_and_cannot_write_past_it(house: House, ada: Visitor) -> None:
    token = house.visitor(EVE)
    case_id = house.hear("text")
    mine = ada.form(case_id, "claim")

    ada.post("/ledger/note", {"token": mine["token"], "reason": ["where_is_it"], "text": [CAUSE]})

    assert "/ledger/note" not in ada.open("/ledger").forms
    assert "/ledger/note" in token.open("/ledger").forms
    assert house.board.notes() == {}
