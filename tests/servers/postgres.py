"""A PostgreSQL of a test's own, which it may crash and restart. The one that all tests share must go on."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest

INSTALLED = Path("/usr/lib/postgresql")
LIMIT_S = 120
"""How long a start or a stop may take on a busy machine; pg_ctl says so itself where it takes longer."""


class OwnPostgres:
    """One server, with an empty database ``postgres`` at ``url``; :meth:`tool` can make others."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._data = folder / "data"
        self._programs = programs
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        self._run("initdb", "-A", "trust", "-U", "postgres", "-N", "-D", str(self._data))

    def url_of(self, database: str) -> str:
        """The address of one of its databases."""
        return f"{self.url.removesuffix('/postgres')}/{database}"

    def tool(self, program: str, *arguments: str) -> None:
        """Run a client program of the server's own version, such as ``pg_dump``, on what it is told.

        Raises:
            CalledProcessError: it failed; what it said is in ``stderr``.
        """
        where = ["--host=127.0.0.1", f"--port={self._port}", "--username=postgres"]
        command = [str(self._programs / program), *where, *arguments]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)  # noqa: S603  # the command is ours

    def start(self) -> None:
        """Come up, and answer."""
        # The last of these is how long a server that ends waits for a client that has connected and says nothing, by
        # default a minute: a crash beside such clients was measured to take 5.1 s with it, and 20.1 s with 20 s.
        wanted = ("listen_addresses=127.0.0.1", "shared_buffers=32MB", "authentication_timeout=5s")
        options = " ".join((f"-p {self._port} -k {self._data}", *(f"-c {each}" for each in wanted)))
        self._control("-w", "-l", str(self._data / "log"), "-o", options, "start")

    def crash(self) -> None:
        """End at once, as a power cut would have it."""
        self._control("-m", "immediate", "stop")

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-t", str(LIMIT_S), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else None
        subprocess.run(  # noqa: S603  # a program of the installed server, on words of this file; there is no shell
            [str(self._programs / program), *arguments],
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
            timeout=LIMIT_S + 30,
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A server that runs until the end of the block."""
    found = sorted(INSTALLED.glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[4].partition(".")[0]))
    if not found:
        pytest.skip(f"optional: no PostgreSQL is installed under {INSTALLED}")
    folder = Path(mkdtemp(prefix="earmark-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = OwnPostgres(folder, found[-1].parent)
    try:
        server.start()
        yield server
    finally:
        server.crash()
        shutil.rmtree(folder)
