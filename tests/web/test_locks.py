"""What keeps other people's pages from pressing our buttons."""

from __future__ import annotations

import pytest

from bot.domain import CaseState
from bot.web.security import FORM_BYTES_MAX, Guard, allowed_hosts
from tests.web.house import House, Visitor


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.org",
        "http://127.0.0.1:9999",  # another port is another site
        "http://localhost",  # we were called 127.0.0.1
        "null",  # a sandboxed frame
        "",  # no browser
    ],
)
def test_a_form_from_another_site_is_refused(house: House, ada: Visitor, origin: str) -> None:
    case_id = house.hear("text")

    answer = ada.send(case_id, "claim", ada.form(case_id, "claim"), Origin=origin)

    assert answer.status_code == 403
    assert "came from another site" in answer.text
    assert _state(house, case_id) is CaseState.OPEN


def test_a_form_without_our_token_is_refused(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")
    fields = ada.form(case_id, "claim")

    answers = [ada.send(case_id, "claim", fields | {"token": [token]}) for token in ("", "0" * 64, "\u00e9")]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert _state(house, case_id) is CaseState.OPEN


def test_a_token_of_another_session_is_refused(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")
    stranger = Visitor(ada.site)
    stranger.open("/")

    answer = stranger.send(case_id, "claim", ada.form(case_id, "claim"))

    assert answer.status_code == 403
    assert _state(house, case_id) is CaseState.OPEN


def test_a_form_without_the_cookie_is_refused(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")
    fields = ada.form(case_id, "claim") | {"token": [Guard().token("")]}
    ada.client.cookies.clear()

    answer = ada.send(case_id, "claim", fields)

    assert answer.status_code == 403


def test_a_made_up_nonce_is_refused(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")

    answer = ada.press(case_id, "claim", nonce=["again"])

    assert answer.status_code == 400
    assert _state(house, case_id) is CaseState.OPEN


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "evil@localhost", ""])
def test_a_host_name_that_is_not_ours_is_refused(ada: Visitor, host: str) -> None:
    answer = ada.client.get("/", headers={"Host": host})

    assert answer.status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST", "[::1]:8765"])
def test_this_machine_may_be_called_by_all_its_names(ada: Visitor, host: str) -> None:
    answer = ada.client.get("/health", headers={"Host": host})

    assert answer.status_code == 200


def test_the_configured_host_is_ours_too() -> None:
    assert allowed_hosts("Board.Example.org") == ["127.0.0.1", "[::1]", "board.example.org", "localhost"]


@pytest.mark.parametrize("path", ["/", "/fragment", "/ledger", "/nowhere", "/static/board.css", "/health"])
def test_every_answer_carries_the_security_headers(ada: Visitor, path: str) -> None:
    headers = ada.client.get(path).headers

    assert headers["content-security-policy"] == (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"


def test_no_page_needs_what_the_policy_forbids(house: House, ada: Visitor) -> None:
    house.hear("text")

    for path in ("/", "/queue/deliveries", "/case/1", "/ledger", "/review", "/channels"):
        for tag, values in ada.open(path).tags:
            assert tag != "style"
            assert "style" not in values
            assert not [name for name in values if name.startswith("on")]
            assert tag != "script" or (values["src"] or "").startswith("/static/")


def test_the_session_cookie_stays_with_this_site_and_out_of_reach_of_scripts(ada: Visitor) -> None:
    first, second = ada.client.get("/"), ada.client.get("/")

    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=strict" in first.headers["set-cookie"]
    assert "set-cookie" not in second.headers


def test_a_form_longer_than_any_of_ours_is_refused_before_it_is_read(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")

    answer = ada.press(case_id, "retag", reason=["x" * FORM_BYTES_MAX])

    assert answer.status_code == 413


def test_only_forms_are_read(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")

    answer = ada.client.post(f"/case/{case_id}/claim", json={}, headers={"Origin": "http://127.0.0.1"})

    assert answer.status_code == 415


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=1&" * 100])
def test_a_form_that_cannot_be_read_is_refused(house: House, ada: Visitor, body: bytes) -> None:
    case_id = house.hear("text")
    headers = {"Origin": "http://127.0.0.1", "Content-Type": "application/x-www-form-urlencoded"}

    answer = ada.client.post(f"/case/{case_id}/claim", content=body, headers=headers)

    assert answer.status_code == 400


def test_a_button_cannot_be_pressed_by_opening_an_address(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")

    answer = ada.client.get(f"/case/{case_id}/claim")

    assert answer.status_code == 405
    assert _state(house, case_id) is CaseState.OPEN


def test_a_message_for_the_next_page_cannot_be_forged() -> None:
    guard = Guard()
    sealed = guard.seal("It is yours.")

    assert guard.unseal(sealed) == "It is yours."
    assert guard.unseal(sealed.replace("S", "T", 1) if "S" in sealed else f"A{sealed}") == ""
    assert Guard().unseal(sealed) == ""
    assert guard.unseal("") == ""


def _state(house: House, case_id: int) -> CaseState:
    view = house.board.view(case_id)
    assert view is not None
    return view.state
