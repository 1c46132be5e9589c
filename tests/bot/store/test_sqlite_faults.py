"""What goes wrong with a file: the store says so in time, keeps what it can, and works again afterwards."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.settings.store_url import StoreUrl
from bot.store import Store, StoreUnavailable
from tests.bot.store.retrying import in_the_end

ROOT = Path(__file__).parents[3]
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "acknet.db"


def on_store(path, steps, seconds=20.0):
    async def run():
        async with Store(StoreUrl(f"sqlite:///{path}"), seconds=seconds) as store:
            return await steps(store)

    return asyncio.run(run())


def use(path, seconds=20.0):
    """Write something into the store at ``path`` and read it back."""

    async def steps(store):
        await store.questions.add("Why?", cause="no_answer", ranked={})
        return (await store.questions.list())[0].count

    return on_store(path, steps, seconds)


def in_process(script: str, *arguments: object) -> str:
    """Return what a process of its own prints that runs ``script`` after all imports."""
    prelude = "import asyncio, os, resource, sys\nfrom bot.store import Store, StoreUnavailable\n"
    prelude += "from bot.settings.store_url import StoreUrl\nimport alembic.command, sqlalchemy.dialects.sqlite\n"
    command = [sys.executable, "-c", prelude + script, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# The file itself


def test_only_its_user_may_read_the_file(path):
    use(path)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for part in path.parent.iterdir():
        if part.suffix != ".lock":
            assert stat.S_IMODE(part.stat().st_mode) == 0o600


def test_a_relative_path_and_the_home_directory_are_understood(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    use("here.db")
    use("~/there.db")
    assert (tmp_path / "here.db").exists()
    assert (tmp_path / "home" / "there.db").exists()


def test_without_a_home_directory_the_setting_to_change_is_named():
    with pytest.raises(StoreUnavailable, match="set ACKNET_STORE_URL") as caught:
        use("~nobody-like-this/acknet.db")
    assert caught.value.reason == "refused"


@pytest.mark.parametrize("name", ["50%/a b.db", "节点.db", "it's.db"])
def test_any_name_can_be_used(tmp_path, name):
    use(tmp_path / name)
    assert use(tmp_path / name) == 2
    assert (tmp_path / name).exists()


def test_a_directory_in_its_place_is_said(path):
    path.mkdir(parents=True)
    with pytest.raises(StoreUnavailable) as caught:
        use(path)
    assert caught.value.reason == "unreachable"
    assert path.is_dir()


def test_a_file_in_place_of_its_directory_is_said(path):
    path.parent.write_text("in the way")
    with pytest.raises(StoreUnavailable, match="File exists") as caught:
        use(path)
    assert caught.value.reason == "unreachable"


# Locked


@contextmanager
def locked(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_locked_file_is_said_in_time_and_read_all_the_same(path, caplog):
    use(path)

    async def steps(store):
        await store.open()
        with locked(path):
            for _ in range(2):
                with pytest.raises(StoreUnavailable) as caught:
                    await store.events.mark("Ev1", lease=HOUR)
                assert caught.value.reason == "locked"
            questions = await store.questions.list()
        held = await store.events.mark("Ev1", lease=HOUR)
        return len(questions), held.attempt

    with caplog.at_level(logging.WARNING, "acknet.store"):
        assert on_store(path, steps, seconds=3.0) == (1, 1)
    # One line for what is new, one for what it came to.
    assert [record.getMessage().split(":")[1] for record in caplog.records] == [
        " event.mark was not done",
        " it works again; not done meanwhile",
    ]
    assert caplog.records[-1].getMessage().endswith("event.mark 2")


def test_a_file_that_is_locked_from_the_start_is_opened_later(path):
    use(path)

    async def steps(store):
        with locked(path), pytest.raises(StoreUnavailable) as caught:
            await store.check()
        assert caught.value.reason in {"locked", "slow"}
        await in_the_end(store.check)

    on_store(path, steps, seconds=1.0)


def test_an_operation_that_waited_in_vain_is_not_done_later(path):
    async def steps(store):
        await store.open()
        with locked(path):
            marks = [store.events.mark(f"Ev{number}", lease=HOUR) for number in range(20)]
            results = await asyncio.gather(*marks, return_exceptions=True)
        assert all(isinstance(result, StoreUnavailable) for result in results)

    on_store(path, steps, seconds=1.0)
    assert on_store(path, lambda store: store.events.depth()).leased == 0


# Damaged


def damaged(path):
    return sorted(each.name for each in path.parent.glob("*.damaged-*Z"))


@pytest.mark.parametrize(
    "content", [b"this is no database " * 500, os.urandom(8192), b"SQLite format 3\0" + b"\xff" * 9000]
)
def test_a_file_of_garbage_is_set_aside_and_a_fresh_one_begun(path, caplog, content):
    path.parent.mkdir()
    path.write_bytes(content)
    assert use(path) == 1
    assert use(path) == 2
    (aside,) = damaged(path)
    assert (path.parent / aside).read_bytes() == content
    assert "is damaged" in caplog.text
    assert aside in caplog.text


def test_an_empty_file_is_a_new_store(path):
    path.parent.mkdir()
    path.touch()
    assert use(path) == 1
    assert damaged(path) == []


def test_a_file_cut_short_is_set_aside(path):
    use(path)
    os.truncate(path, path.stat().st_size // 2)
    assert use(path) == 1
    assert len(damaged(path)) == 1


def spoil(path):
    """Overwrite all but the first page, in a process of its own: closing the file here would drop SQLite's locks."""
    script = "import os,sys; f=os.open(sys.argv[1],os.O_WRONLY); os.pwrite(f,b'\\xff'*(os.fstat(f).st_size-4096),4096)"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)


def test_damage_that_shows_in_use_costs_no_operation(path, caplog):
    use(path)

    async def steps(store):
        await store.check()
        await asyncio.to_thread(spoil, path)
        results = await asyncio.gather(
            *(store.audit.add(who=f"U{number}", place="http", action="ask") for number in range(5)),
            *(store.questions.list() for _ in range(5)),
            return_exceptions=True,
        )
        return [result for result in results if isinstance(result, Exception)], await store.audit.verify()

    failed, check = on_store(path, steps)
    assert failed == []
    assert (check.records, check.broken_at) == (5, None)
    assert len(damaged(path)) == 1
    assert "is damaged" in caplog.text


def test_a_file_that_another_process_set_aside_is_not_written_to_any_more(path, caplog):
    async def steps(store):
        await store.questions.add("Why?", cause="no_answer", ranked={})
        for part in path.parent.glob("acknet.db*"):
            part.rename(path.parent / f"aside-{part.name}")
        await store.questions.add("What?", cause="no_answer", ranked={})
        return [question.text for question in await store.questions.list()]

    assert on_store(path, steps) == ["What?"]
    assert on_store(path, lambda store: store.questions.list())[0].text == "What?"
    assert "was moved or replaced while it was in use" in caplog.text


def test_a_file_that_is_deleted_in_use_is_begun_anew(path):
    async def steps(store):
        await store.check()
        shutil.rmtree(path.parent)
        held = await store.events.mark("Ev1", lease=HOUR)
        return held.attempt

    assert on_store(path, steps) == 1
    assert path.exists()


# Read-only, full

_TRY = """
async def main():
    async with Store(StoreUrl("sqlite:///" + sys.argv[1]), seconds=10) as store:
        for _ in range(2):
            try:
                await store.questions.add("Why?", cause="no_answer", ranked={})
            except StoreUnavailable as failure:
                print(failure.reason)
            else:
                print("done")
asyncio.run(main())
"""
_AS_NOBODY = "if os.geteuid() == 0:\n    os.setgroups([])\n    os.setgid(65534)\n    os.setuid(65534)\n"


@pytest.fixture
def public_directory():
    """A directory that every user may enter, and only its owner write to."""
    directory = Path(tempfile.mkdtemp(prefix="acknet-store-", dir="/tmp"))
    directory.chmod(0o555)
    yield directory
    directory.chmod(0o755)
    shutil.rmtree(directory)


def test_a_directory_that_cannot_be_written_to_is_said(public_directory):
    printed = in_process(_AS_NOBODY + _TRY, public_directory / "acknet.db")
    assert printed.split() == ["read_only", "read_only"]
    assert list(public_directory.iterdir()) == []


def test_a_file_that_cannot_be_written_to_is_said_and_not_taken_for_damaged(public_directory):
    public_directory.chmod(0o755)
    use(public_directory / "acknet.db")
    for part in public_directory.iterdir():
        part.chmod(0o444)
    public_directory.chmod(0o555)
    before = sorted(part.name for part in public_directory.iterdir())
    printed = in_process(_AS_NOBODY + _TRY, public_directory / "acknet.db")
    assert printed.split() == ["read_only", "read_only"]
    assert sorted(part.name for part in public_directory.iterdir()) == before


def test_a_file_that_may_grow_no_more_is_said_and_stays_whole(path):
    use(path)
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (262144, 262144))\n"
    fill = """
async def main():
    async with Store(StoreUrl("sqlite:///" + sys.argv[1]), seconds=10) as store:
        done = 0
        while True:
            try:
                await store.outbox.enqueue(f"m{done}", "x" * 2000)
            except StoreUnavailable as failure:
                print(failure.reason, done, len(await store.questions.list()))
                return
            done += 1
asyncio.run(main())
"""
    reason, done, questions = in_process(limit + fill, path).split()
    assert reason in {"full", "failed"}
    assert int(questions) == 1
    assert on_store(path, lambda store: store.outbox.depth()).waiting == int(done) > 5
    assert damaged(path) == []


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a disk of its own cannot be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


async def tried(operation):
    """Return what came of an operation: its result, or why the store did not do it."""
    try:
        return await operation
    except StoreUnavailable as failure:
        return failure.reason


def test_a_full_disk_is_said_and_what_was_written_stays(small_disk, caplog):
    path = small_disk / "acknet.db"

    async def steps(store):
        await store.questions.add("Why?", cause="no_answer", ranked={})
        (small_disk / "ballast").write_bytes(b"x" * 300_000)
        done = [await tried(store.outbox.enqueue(f"m{number}", "x" * 2000)) for number in range(400)]
        read = await store.questions.list()
        # What has nothing to write is done, and no sign that all is well again.
        assert await tried(store.outbox.claim(lease=HOUR, limit=0)) == ()
        assert store.trouble == "full"
        assert "it works again" not in caplog.text
        (small_disk / "ballast").unlink()
        await store.outbox.enqueue("after", {})
        assert store.trouble is None
        return done, len(read), (await store.outbox.depth()).waiting

    done, read, waiting = on_store(path, steps)
    assert set(done) == {True, "full"}
    assert (read, waiting) == (1, done.count(True) + 1)


def test_a_disk_that_is_full_from_the_start_is_said(small_disk):
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "ballast").write_bytes(b"x" * 2**20 + b"x")
    with pytest.raises(StoreUnavailable) as caught:
        use(small_disk / "acknet.db")
    assert caught.value.reason == "full"
    (small_disk / "ballast").unlink()
    assert use(small_disk / "acknet.db") == 1
