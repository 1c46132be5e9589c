"""What goes wrong with a server: the store says so in time, and works again when the server does."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import socket
import sys
import time

import pytest

from bot.settings.store_url import StoreUrl
from bot.store import Store, StoreUnavailable
from tests.bot.store.retrying import in_the_end

HOUR = dt.timedelta(hours=1)


def on_store(url, steps, seconds=20.0):
    async def run():
        async with Store(StoreUrl(url), seconds=seconds) as store:
            return await steps(store)

    return asyncio.run(run())


def test_a_server_that_is_killed_and_comes_back_is_used_again(own_postgres, caplog):
    async def steps(store):
        held = await store.events.mark("Ev1", lease=HOUR)
        own_postgres.kill()
        with pytest.raises(StoreUnavailable) as caught:
            await store.events.done(held)
        own_postgres.start()
        assert await in_the_end(lambda: store.events.done(held))
        return caught.value.reason, (await store.events.get("Ev1")).state

    with caplog.at_level(logging.WARNING, "acknet.store"):
        reason, state = on_store(own_postgres.new_database(), steps)
    assert (reason, state) == ("unreachable", "done")
    assert "it works again; not done meanwhile: event.done" in caplog.text


def test_a_server_that_restarts_between_two_operations_costs_none(own_postgres):
    async def steps(store):
        await asyncio.gather(*(store.events.mark(f"Ev{number}", lease=HOUR) for number in range(8)))
        await asyncio.to_thread(own_postgres.stop)
        await asyncio.to_thread(own_postgres.start)
        return (await store.events.mark("after", lease=HOUR)).attempt

    assert on_store(own_postgres.new_database(), steps) == 1


def test_what_was_acknowledged_before_a_kill_is_there_after_it(own_postgres):
    async def steps(store):
        await store.check()
        marks = [asyncio.create_task(store.events.mark(f"Ev{number}", lease=HOUR)) for number in range(60)]
        await asyncio.wait(marks, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(own_postgres.kill)
        results = await asyncio.gather(*marks, return_exceptions=True)
        assert {type(result).__name__ for result in results} <= {"Lease", "StoreUnavailable"}
        await asyncio.to_thread(own_postgres.start)
        done = [number for number, result in enumerate(results) if not isinstance(result, StoreUnavailable)]
        kept = [await in_the_end(lambda key=f"Ev{number}": store.events.get(key)) for number in done]
        return len(done), [item.state for item in kept]

    done, states = on_store(own_postgres.new_database(), steps, seconds=5.0)
    assert done > 0
    assert states == ["leased"] * done


def test_a_server_that_stands_still_holds_nobody_up(own_postgres):
    async def steps(store):
        await in_the_end(store.check)
        with own_postgres.frozen():
            started = time.monotonic()
            with pytest.raises(StoreUnavailable) as caught:
                await store.events.mark("Ev1", lease=HOUR)
            first = time.monotonic() - started
            for _ in range(20):
                with pytest.raises(StoreUnavailable):
                    await store.events.mark("Ev1", lease=HOUR)
            rest = time.monotonic() - started - first
        held = await in_the_end(lambda: store.events.mark("Ev2", lease=HOUR))
        return caught.value.reason, first, rest, held.attempt

    reason, first, rest, attempt = on_store(own_postgres.new_database(), steps, seconds=1.0)
    assert (reason, attempt) == ("slow", 1)
    # Not twenty times as long: after a failure to answer the store is left alone for a moment.
    assert rest < 10 * first


def test_a_server_that_stands_still_when_the_store_is_opened_holds_nobody_up(own_postgres):
    async def steps(store):
        with own_postgres.frozen(), pytest.raises(StoreUnavailable) as caught:
            await store.check()
        await in_the_end(store.check)
        return caught.value.reason

    assert on_store(own_postgres.new_database(), steps, seconds=1.0) in {"slow", "unreachable"}


def test_no_server_is_said_and_where_it_should_be():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(StoreUnavailable, match="onnection refused") as caught:
        on_store(f"postgresql://acknet:hushed@127.0.0.1:{port}/acknet", lambda store: store.check())
    assert caught.value.reason == "unreachable"
    assert "hushed" not in str(caught.value)


def test_a_wrong_password_is_said_and_not_repeated(postgres, caplog):
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(StoreUnavailable, match="password authentication failed") as caught,
    ):
        on_store(postgres.url("postgres", password="hushed"), lambda store: store.check())
    assert "hushed" not in f"{caught.value!r}{caught.value}{caplog.text}"


def test_a_database_that_is_not_there_is_said(postgres):
    with pytest.raises(StoreUnavailable, match='"nowhere" does not exist'):
        on_store(postgres.url("nowhere"), lambda store: store.check())


def test_what_only_a_user_with_more_rights_could_do_is_said(postgres):
    url = postgres.new_database()
    name = url.rpartition("/")[2]
    postgres.execute(f"CREATE ROLE reader_{name} LOGIN PASSWORD 'secret'", name)
    with pytest.raises(StoreUnavailable, match="permission denied") as caught:
        on_store(f"postgresql://reader_{name}:secret@127.0.0.1:{postgres.port}/{name}", lambda store: store.check())
    assert caught.value.reason == "refused"


def test_a_server_that_cannot_be_written_to_is_said(postgres):
    url = postgres.new_database()
    on_store(url, lambda store: store.check())
    name = url.rpartition("/")[2]
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on", name)
    with pytest.raises(StoreUnavailable, match="session is read-only"):
        on_store(url, lambda store: store.check())
    with pytest.raises(StoreUnavailable) as caught:
        on_store(f"{url}?target_session_attrs=any", lambda store: store.events.mark("Ev1", lease=HOUR))
    assert caught.value.reason == "read_only"


def test_a_table_that_is_gone_is_said(postgres):
    url = postgres.new_database()

    async def steps(store):
        await store.check()
        postgres.execute("DROP TABLE feedback", url.rpartition("/")[2])
        with pytest.raises(StoreUnavailable) as caught:
            await store.feedback.give("a1", helpful=True)
        return caught.value.reason, await store.questions.list()

    assert on_store(url, steps) == ("schema", ())


@pytest.mark.parametrize(
    "url", ["postgresql://u:pa%ss@h/db", "postgresql://u:hushed@h:port/db", "postgres://u:hushed@h/d?x=y"]
)
def test_a_url_that_is_none_is_refused_without_repeating_it(url):
    with pytest.raises(StoreUnavailable) as caught:
        on_store(url, lambda store: store.check())
    said = f"{caught.value!r}{caught.value}{caught.value.__cause__}"
    assert "hushed" not in said
    assert "pa%ss" not in said


def test_without_its_driver_the_extra_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreUnavailable, match=r"acknet\[postgres\]") as caught:
        on_store("postgresql://h/db", lambda store: store.check())
    assert caught.value.reason == "refused"


def test_tables_lie_in_the_schema_that_the_url_names(postgres):
    url = postgres.new_database()
    name = url.rpartition("/")[2]
    postgres.execute("CREATE SCHEMA apart", name)
    on_store(f"{url}?options=-csearch_path%3Dapart", lambda store: store.check())
    found = postgres.execute("SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'work'", name)
    assert found == [("apart",)]


def test_the_older_name_of_the_scheme_is_understood(postgres):
    on_store(postgres.new_database().replace("postgresql://", "postgres://"), lambda store: store.check())
