"""What the store has to do on every database, as tests: a database's own test class inherits from StoreContract."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from bot.store import Store, StoreUnavailable
from tests.contracts.store_ground import DAY, HOUR, MINUTE, SECOND, Clock, bury
from tests.contracts.store_records import RecordsContract
from tests.contracts.store_work import WorkContract

__all__ = ["StoreContract"]


class StoreContract(WorkContract, RecordsContract):
    """Give ``url`` (a fixture: an empty database) and ``execute`` (what lies in it, past the store), and pass."""

    # Pruning

    def test_what_is_over_is_pruned_by_age_and_work_that_is_not_done_stays(self, use, clock):
        async def steps(store):
            await _fill(store, clock, "old")
            await store.alerts.enqueue("waiting", {})
            await store.events.mark("leased", lease=MINUTE)
            clock.advance(10 * DAY)
            await _fill(store, clock, "new")
            pruned = await store.prune(5 * DAY)
            kept = (
                [one.text for one in await store.questions.list()],
                [one.key for one in await store.incidents.list()],
                [len(await store.feedback.of(answer)) for answer in ("old", "new")],
                [record.question for record in await store.audit.list() if record.action == "ask"],
                [await store.outbox.get(key) is not None for key in ("old", "old dead", "new", "new dead")],
                (await store.alerts.get("waiting")).state,
                (await store.events.get("leased")).state,
            )
            return pruned, kept

        pruned, kept = use(steps)
        assert (pruned.work, pruned.feedback, pruned.questions, pruned.incidents, pruned.audit) == (2, 1, 1, 1, 1)
        assert kept == (["new"], ["new"], [0, 1], ["new"], [False, False, True, True], "waiting", "leased")

    def test_much_is_pruned_in_portions(self, use, url, clock):
        async def steps(store):
            await store.feedback.give("a", helpful=True)
            clock.advance(10 * DAY)
            return await store.prune(5 * DAY)

        use(lambda store: store.check())
        rows = ", ".join(f"('a{number}', '', true, '', '2020-01-01 00:00:00')" for number in range(1234))
        self.execute(url, f"INSERT INTO feedback (answer, who, helpful, reason, at) VALUES {rows}")
        assert use(steps).feedback == 1235
        assert self.execute(url, "SELECT count(*) FROM feedback") == [(0,)]

    def test_pruning_goes_on_by_itself(self, use, clock):
        async def steps(store):
            await store.questions.add("old", cause="no_answer", ranked={})
            pruning = asyncio.create_task(store.keep_pruned(5 * DAY, every=SECOND / 100))
            await asyncio.sleep(0.1)
            before = await store.questions.list()
            clock.advance(10 * DAY)
            async with asyncio.timeout(30):
                while await store.questions.list():
                    pass
            pruning.cancel()
            return len(before)

        assert use(steps) == 1

    # Time, and the store itself

    def test_times_come_back_in_utc(self, use, clock):
        clock.now = dt.datetime(2026, 3, 1, 20, 0, 0, 5, tzinfo=dt.timezone(8 * HOUR))

        async def steps(store):
            held = await store.events.mark("Ev1", lease=MINUTE)
            return held.until, (await store.events.get("Ev1")).created_at

        until, created_at = use(steps)
        assert created_at == clock.now
        assert (until.tzinfo, created_at.tzinfo) == (dt.UTC, dt.UTC)

    def test_a_time_without_a_zone_is_a_mistake(self, use):
        with pytest.raises(ValueError, match="time zone"):
            use(lambda store: store.alerts.enqueue("k", {}, not_before=dt.datetime(2026, 1, 1)))

    def test_what_was_stored_is_there_after_a_restart(self, use):
        use(lambda store: store.outbox.enqueue("answer-1", {"text": "kept"}))
        (held,) = use(lambda store: store.outbox.claim(lease=MINUTE))
        assert held.payload == {"text": "kept"}

    def test_a_store_that_was_closed_says_so(self, use):
        async def steps(store):
            await store.check()
            await store.close()
            await store.check()

        with pytest.raises(StoreUnavailable, match="closed") as caught:
            use(steps)
        assert caught.value.reason == "refused"

    def test_a_fault_of_one_operation_does_not_reach_those_beside_it(self, use):
        async def steps(store):
            async def enqueue(number):
                not_before = dt.datetime(2026, 1, 1) if number == 5 else None
                return await store.alerts.enqueue(f"k{number}", number, not_before=not_before)

            results = await asyncio.gather(*map(enqueue, range(10)), return_exceptions=True)
            return [result is True for result in results], (await store.alerts.depth()).waiting

        done, waiting = use(steps)
        assert done == [number != 5 for number in range(10)]
        assert waiting == 9

    def test_an_operation_whose_caller_gave_up_does_not_break_the_next(self, use):
        async def steps(store):
            await store.check()
            tasks = [asyncio.create_task(store.events.mark(f"Ev{number}", lease=MINUTE)) for number in range(20)]
            await asyncio.sleep(0.002)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for number in range(20):
                held = await store.events.mark(f"new{number}", lease=MINUTE)
                assert await store.events.done(held)

        use(steps)

    def test_opening_a_store_that_others_open_too_changes_nothing(self, use):
        use(lambda store: store.questions.add("x", cause="no_answer", ranked={}))
        for _ in range(3):
            assert len(use(lambda store: store.questions.list())) == 1

    def test_a_store_of_a_newer_version_is_left_alone(self, use, url):
        use(lambda store: store.check())
        self.execute(url, "UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(StoreUnavailable, match=r"revision 9999, this acknet knows up to") as caught:
            use(lambda store: store.check())
        assert caught.value.reason == "schema"
        assert self.execute(url, "SELECT version_num FROM alembic_version") == [("9999",)]


async def _fill(store: Store, clock: Clock, name: str) -> None:
    """Put one thing of each kind into the store that is over."""
    await store.feedback.give(name, helpful=True)
    await store.questions.add(name, cause="no_answer", ranked={})
    await store.incidents.open(name, scope={})
    await store.audit.add(who="U1", place="http", action="ask", question=name)
    await store.outbox.enqueue(name, {})
    (held,) = await store.outbox.claim(lease=MINUTE)
    await store.outbox.sent(held, "1.1")
    await store.outbox.enqueue(f"{name} dead", {})
    (held,) = await store.outbox.claim(lease=MINUTE)
    await bury(store.outbox, held, clock)
