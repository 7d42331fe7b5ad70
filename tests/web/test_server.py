"""Starting and stopping the board."""

from __future__ import annotations

import socket
import threading
from http.client import HTTPConnection

import pytest

from bot.errors import EarmarkError
from bot.web.server import BoardServer
from tests.web.house import House


def _get(host: str, port: int) -> int:
    connection = HTTPConnection(host, port, timeout=10)
    connection.request("GET", "/health")
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_board_answers_on_any_free_port_until_it_is_stopped(house: House) -> None:
    server = BoardServer(house.site())

    host, port = server.start()
    status = _get(host, port)
    server.stop()

    assert (host, status) == ("127.0.0.1", 200)
    with pytest.raises(ConnectionRefusedError):
        _get(host, port)


def test_a_taken_port_is_one_sentence(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(EarmarkError) as refusal:
            BoardServer(house.site(), port=port).start()

    assert str(refusal.value) == (
        f"the board cannot listen on 127.0.0.1:{port} (Address already in use);"
        " choose another port with --port or web.port"
    )


def test_the_port_is_free_again_after_the_stop(house: House) -> None:
    first = BoardServer(house.site())
    host, port = first.start()
    _get(host, port)
    first.stop()

    second = BoardServer(house.site(), port=port)
    second.start()
    status = _get(host, port)
    second.stop()

    assert status == 200


def test_stopping_does_not_wait_for_a_browser_that_stays_connected(house: House) -> None:
    server = BoardServer(house.site())
    host, port = server.start()
    connection = HTTPConnection(host, port, timeout=10)
    connection.request("GET", "/health")
    connection.getresponse().read()

    server.stop()

    assert "board" not in {thread.name for thread in threading.enumerate()}
    connection.close()


def test_stopping_twice_or_before_starting_is_no_mistake(house: House) -> None:
    server = BoardServer(house.site())

    server.stop()
    server.start()
    server.stop()
    server.stop()

    assert "board" not in {thread.name for thread in threading.enumerate()}


def test_a_host_name_that_is_none_is_one_sentence(house: House) -> None:
    with pytest.raises(EarmarkError, match=r"cannot listen on 192\.0\.2\.1:0"):
        BoardServer(house.site(), host="192.0.2.1").start()
