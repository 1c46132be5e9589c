"""A PostgreSQL server of a test's own: Debian's binaries, a directory under /tmp, one loopback port, nothing left."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.doubles.free_port import free_port

__all__ = ["MISSING", "Postgres", "postgres_binaries", "running_postgres"]

MISSING = "no PostgreSQL server is installed (Debian's package is called postgresql)"

_INSTALLED = Path("/usr/lib/postgresql")
_USER = "acknet"
_START_SECONDS = 60.0


def postgres_binaries() -> Path | None:
    """Return the directory of the newest server's binaries; None where there is none."""
    found = [path.parent for path in _INSTALLED.glob("*/bin/initdb")]
    found.sort(key=lambda path: [int(part) for part in path.parent.name.split(".") if part.isdigit()])
    if found:
        return found[-1]
    beside = shutil.which("initdb")
    return Path(beside).resolve().parent if beside else None


class Postgres:
    """A server that can be stopped, killed, frozen and started again; ``password`` is that of its one user."""

    password = "p@ss:w/rd-of-the-test"

    def __init__(self, binaries: Path, directory: Path) -> None:
        self._binaries = binaries
        self._data = directory / "data"
        self._log = directory / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        # PostgreSQL refuses to run as root.
        self._as_user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if self._as_user:
            account = pwd.getpwnam("postgres")
            os.chown(directory, account.pw_uid, account.pw_gid)
        self.port = free_port()
        secret = directory / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)
        self._run(
            "initdb", "--no-sync", "--auth=scram-sha-256", f"--username={_USER}", f"--pwfile={secret}",
            "--encoding=UTF8", "--locale=C.UTF-8", f"--pgdata={self._data}",
        )  # fmt: skip

    def start(self) -> None:
        """Start the server and wait until it lets clients in."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": "60",
            "shared_buffers": "16MB",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, *options],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_user,
            )
        give_up_at = time.monotonic() + _START_SECONDS
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > give_up_at:
                    raise AssertionError(f"PostgreSQL did not start:\n{self._log.read_text()}") from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Shut the server down; clients lose their connections."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=60)
            self._process = None

    def kill(self) -> None:
        """Kill the server and all its backends with SIGKILL; the next start recovers."""
        if self._process is None:
            return
        # Still first, so that no backend is born between being listed and being killed.
        _signal(self._process.pid, signal.SIGSTOP)
        everyone = [*self._backends(), self._process.pid]
        for process in everyone:
            _signal(process, signal.SIGKILL)
        self._process.wait()
        self._process = None
        # A server starts only when the last of them has let go of the shared memory.
        while any(map(_is_running, everyone)):
            time.sleep(0.01)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Have the server and its backends stand still, with their connections open."""
        assert self._process is not None
        everyone = [self._process.pid, *self._backends()]
        for process in everyone:
            _signal(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in everyone:
                _signal(process, signal.SIGCONT)

    def url(self, database: str, *, password: str | None = None) -> str:
        """Return the connection URI of a database."""
        secret = (self.password if password is None else password).replace("@", "%40").replace("/", "%2F")
        return f"postgresql://{_USER}:{secret.replace(':', '%3A')}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database and return its connection URI."""
        self._databases += 1
        name = f"test{self._databases}"
        self.execute(f"CREATE DATABASE {name}", "postgres")
        return self.url(name)

    def execute(self, statement: str, database: str) -> list[tuple[object, ...]]:
        """Run one statement and return its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _backends(self) -> list[int]:
        """Return the server's children, each of which PostgreSQL gives a session of its own."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(child) for child in children.read_text().split()]

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._binaries / program, *arguments], capture_output=True, text=True, check=False, **self._as_user
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


def _signal(process: int, which: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # a backend ends when its client does
        os.kill(process, which)


def _is_running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a server for as long as the block lasts. There has to be one: see `postgres_binaries`."""
    binaries = postgres_binaries()
    assert binaries is not None, MISSING
    # Not a directory of pytest's, which only root may enter where the tests run as root.
    directory = Path(tempfile.mkdtemp(prefix="acknet-pg-", dir="/tmp"))
    try:
        server = Postgres(binaries, directory)
        try:
            server.start()
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(directory)
