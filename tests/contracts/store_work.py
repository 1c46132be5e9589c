"""What the store has to do with work: events, the outbox, alerts."""

from __future__ import annotations

import asyncio
import itertools
import logging

import pytest

from bot.store import QueueDepth
from tests.contracts.store_ground import AWKWARD, HOUR, MINUTE, RETRIES, SECOND, START, StoreGround, bury

__all__ = ["WorkContract"]


class WorkContract(StoreGround):
    """What is put down once is done once, by one at a time, whoever vanishes."""

    # Events

    def test_an_event_is_claimed_once(self, use):
        async def steps(store):
            marks = [await store.events.mark("Ev1", lease=MINUTE) for _ in range(3)]
            return [mark is not None for mark in marks]

        assert use(steps) == [True, False, False]

    def test_of_many_that_claim_an_event_at_once_one_gets_it(self, use):
        async def steps(store):
            marks = await asyncio.gather(*(store.events.mark("Ev1", lease=MINUTE) for _ in range(10)))
            return [mark for mark in marks if mark is not None]

        assert len(use(steps)) == 1

    def test_an_event_that_was_handled_is_not_claimed_again(self, use, clock):
        async def steps(store):
            held = await store.events.mark("Ev1", lease=MINUTE)
            assert await store.events.done(held)
            clock.advance(HOUR)
            return await store.events.mark("Ev1", lease=MINUTE), await store.events.claim(lease=MINUTE)

        assert use(steps) == (None, ())

    def test_a_redelivered_event_is_taken_over_once_its_claim_expired(self, use, clock):
        async def steps(store):
            vanished = await store.events.mark("Ev1", lease=MINUTE)
            clock.advance(MINUTE - SECOND)
            too_early = await store.events.mark("Ev1", lease=MINUTE)
            clock.advance(SECOND)
            heir = await store.events.mark("Ev1", lease=MINUTE)
            return too_early, heir.attempt, await store.events.done(vanished), await store.events.done(heir)

        assert use(steps) == (None, 2, False, True)

    def test_events_that_are_claimed_together_are_claimed_as_each_would_be_alone(self, use, clock):
        async def steps(store):
            handled = await store.events.mark("handled", lease=MINUTE)
            await store.events.done(handled)
            await store.events.mark("vanished", lease=MINUTE)
            clock.advance(MINUTE)
            await store.events.mark("held", lease=MINUTE)
            several = [(key, {"of": key}) for key in ("new", "handled", "held", "new", "vanished")]
            marks = await store.events.mark_all(several, lease=MINUTE)
            assert await store.events.done(marks[0])
            return [mark and (mark.key, mark.attempt) for mark in marks]

        assert use(steps) == [("new", 1), None, None, None, ("vanished", 2)]

    def test_an_event_that_is_not_delivered_again_is_taken_over_with_what_it_said(self, use, clock):
        async def steps(store):
            event = {"text": "Terway 没有 IP", "channel": "C1", "blocks": [{"type": "rich_text"}]}
            await store.events.mark("Ev1", lease=MINUTE, event=event)
            assert await store.events.claim(lease=MINUTE) == ()
            clock.advance(MINUTE)
            (heir,) = await store.events.claim(lease=MINUTE)
            return heir.key, heir.attempt, heir.payload == event, heir.until == clock.now + MINUTE

        assert use(steps) == ("Ev1", 2, True, True)

    def test_a_claim_that_is_renewed_in_time_is_kept(self, use, clock):
        async def steps(store):
            held = await store.events.mark("Ev1", lease=MINUTE)
            clock.advance(MINUTE - SECOND)
            renewed = await store.events.renew(held, lease=MINUTE)
            clock.advance(MINUTE - SECOND)
            return renewed.attempt, await store.events.mark("Ev1", lease=MINUTE), await store.events.done(renewed)

        assert use(steps) == (1, None, True)

    def test_a_claim_that_was_taken_over_cannot_be_renewed(self, use, clock):
        async def steps(store):
            vanished = await store.events.mark("Ev1", lease=MINUTE)
            clock.advance(MINUTE)
            await store.events.mark("Ev1", lease=MINUTE)
            return await store.events.renew(vanished, lease=MINUTE)

        assert use(steps) is None

    def test_a_late_worker_may_end_what_nobody_took_over(self, use, clock):
        async def steps(store):
            late = await store.events.mark("Ev1", lease=MINUTE)
            clock.advance(HOUR)
            return await store.events.done(late)

        assert use(steps)

    def test_an_event_given_back_is_taken_by_the_next(self, use):
        async def steps(store):
            held = await store.events.mark("Ev1", lease=MINUTE, event={"n": 1})
            assert await store.events.postpone(held)
            (heir,) = await store.events.claim(lease=MINUTE)
            return heir.attempt, heir.payload

        assert use(steps) == (1, {"n": 1})

    def test_an_event_that_ends_every_worker_is_given_up_and_said(self, use, clock, caplog):
        async def steps(store):
            await store.events.mark("Ev1", lease=MINUTE, event={})
            for _ in range(RETRIES.attempts - 1):
                clock.advance(MINUTE)
                assert await store.events.claim(lease=MINUTE)
            clock.advance(MINUTE)
            assert await store.events.claim(lease=MINUTE) == ()
            assert await store.events.mark("Ev1", lease=MINUTE) is None
            return [item.key for item in await store.events.dead()]

        with caplog.at_level(logging.ERROR, "acknet.store"):
            assert use(steps) == ["Ev1"]
        assert "'Ev1' is given up: every worker that took it vanished" in caplog.text

    def test_what_an_event_said_is_not_kept_once_it_was_handled(self, use, url):
        async def steps(store):
            held = await store.events.mark("Ev1", lease=MINUTE, event={"text": "remarkable"})
            before = self.execute(url, "SELECT payload FROM work")
            await store.events.done(held)
            return before

        assert "remarkable" in str(use(steps))
        assert self.execute(url, "SELECT payload FROM work") == [(None,)]

    def test_credentials_in_an_event_are_not_kept(self, use, url):
        async def steps(store):
            event = {"text": "why?\npassword: hunter2hunter2\nAuthorization: Bearer abcdefghijklmnop.qrstuv"}
            return (await store.events.mark("Ev1", lease=MINUTE, event=event)).payload["text"]

        kept = use(steps) + str(self.execute(url, "SELECT payload FROM work"))
        assert "why?" in kept
        assert "hunter2" not in kept
        assert "abcdefghijklmnop" not in kept

    @pytest.mark.parametrize("key", ["k" * 5000, "节" * 5000, AWKWARD, "a b/c:d"])
    def test_any_key_can_be_used(self, use, key):
        async def steps(store):
            held = await store.events.mark(key, lease=MINUTE)
            again = await store.events.mark(key, lease=MINUTE)
            other = await store.events.mark(key + "x", lease=MINUTE)
            assert await store.events.done(held)
            return (
                again,
                other is not None,
                (await store.events.get(key)).state,
                (await store.events.get(held.key)).state,
            )

        assert use(steps) == (None, True, "done", "done")

    def test_an_empty_key_is_a_mistake(self, use):
        with pytest.raises(ValueError, match="empty"):
            use(lambda store: store.events.mark("", lease=MINUTE))

    # Outbox

    def test_a_message_is_put_down_once_by_its_key(self, use):
        async def steps(store):
            first = await store.outbox.enqueue("answer-1", {"text": "first"})
            again = await store.outbox.enqueue("answer-1", {"text": "second"})
            (held,) = await store.outbox.claim(lease=MINUTE, limit=10)
            await store.outbox.sent(held, "1700000000.000100")
            after = await store.outbox.enqueue("answer-1", {"text": "third"})
            return first, again, after, held.payload, await store.outbox.claim(lease=MINUTE)

        assert use(steps) == (True, False, False, {"text": "first"}, ())

    def test_the_platforms_id_of_a_message_is_found_by_its_key(self, use, clock):
        async def steps(store):
            await store.outbox.enqueue("answer-1", {"text": "first"})
            waiting = await store.outbox.get("answer-1")
            (held,) = await store.outbox.claim(lease=MINUTE)
            clock.advance(SECOND)
            assert await store.outbox.sent(held, "1700000000.000100")
            sent = await store.outbox.get("answer-1")
            return (
                waiting.state,
                waiting.result,
                sent.state,
                sent.result,
                sent.payload,
                sent.created_at,
                sent.updated_at,
            )

        assert use(steps) == ("waiting", None, "done", "1700000000.000100", None, START, START + SECOND)

    def test_a_message_that_was_never_put_down_is_none(self, use):
        assert use(lambda store: store.outbox.get("nothing")) is None

    def test_a_message_comes_back_as_it_was_put_down(self, use):
        message = {
            "text": AWKWARD,
            "token": "LTAI-looks-like-one-but-is-what-has-to-be-said password: hunter2hunter2",
            "nested": [{"a": None, "b": [1, 2.5, True]}],
        }

        async def steps(store):
            await store.outbox.enqueue("answer-1", message)
            (held,) = await store.outbox.claim(lease=MINUTE)
            return held.payload

        assert use(steps) == message

    def test_messages_are_leased_oldest_first_and_to_one_sender_each(self, use):
        async def steps(store):
            for number in range(7):
                await store.outbox.enqueue(f"m{number}", number)
            taken = [await store.outbox.claim(lease=MINUTE, limit=3) for _ in range(4)]
            return [[held.payload for held in one] for one in taken]

        assert use(steps) == [[0, 1, 2], [3, 4, 5], [6], []]

    def test_senders_that_claim_at_once_share_without_overlap(self, use):
        async def steps(store):
            for number in range(20):
                await store.outbox.enqueue(f"m{number}", number)
            taken = await asyncio.gather(*(store.outbox.claim(lease=MINUTE, limit=3) for _ in range(10)))
            rest = []
            while more := await store.outbox.claim(lease=MINUTE, limit=3):
                rest += more
            return sorted(held.payload for held in itertools.chain(*taken, rest))

        assert use(steps) == list(range(20))

    def test_a_message_of_a_vanished_sender_is_leased_again_and_says_so(self, use, clock):
        async def steps(store):
            await store.outbox.enqueue("answer-1", {})
            (first,) = await store.outbox.claim(lease=MINUTE)
            clock.advance(MINUTE)
            (second,) = await store.outbox.claim(lease=MINUTE)
            return (
                first.attempt,
                second.attempt,
                await store.outbox.sent(first, "1.1"),
                await store.outbox.sent(second, "1.2"),
            )

        assert use(steps) == (1, 2, False, True)

    def test_a_message_waits_longer_after_each_failure_and_is_dead_after_the_last(self, use, clock, caplog):
        async def steps(store):
            await store.outbox.enqueue("answer-1", {"text": "kept"})
            waits = []
            while held := await store.outbox.claim(lease=MINUTE):
                state = await store.outbox.retry(held[0], f"refused {held[0].attempt}")
                item = await store.outbox.get("answer-1")
                waits.append((state, (item.due_at - clock.now) / SECOND, item.error))
                clock.advance(item.due_at - clock.now)
            (dead,) = await store.outbox.dead()
            return waits, dead.payload, dead.error

        with caplog.at_level(logging.ERROR, "acknet.store"):
            waits, payload, error = use(steps)
        assert [state for state, _, _ in waits] == ["waiting", "waiting", "dead"]
        assert 2 <= waits[0][1] <= 4
        assert 3 <= waits[1][1] <= 6
        assert [error for _, _, error in waits] == ["refused 1", "refused 2", "refused 3"]
        assert (payload, error) == ({"text": "kept"}, "refused 3")
        assert "outbox 'answer-1' is given up after 3 attempts: refused 3" in caplog.text

    def test_a_message_is_not_leased_before_its_pause_is_over(self, use, clock):
        async def steps(store):
            await store.outbox.enqueue("answer-1", {})
            (held,) = await store.outbox.claim(lease=MINUTE)
            await store.outbox.retry(held, "busy", after=10 * SECOND)
            clock.advance(9 * SECOND)
            early = await store.outbox.claim(lease=MINUTE)
            clock.advance(SECOND)
            (later,) = await store.outbox.claim(lease=MINUTE)
            return early, later.attempt, later.last_error

        assert use(steps) == ((), 2, "busy")

    def test_being_told_to_come_back_later_is_no_attempt(self, use, clock):
        async def steps(store):
            await store.outbox.enqueue("answer-1", {})
            for _ in range(10):
                (held,) = await store.outbox.claim(lease=MINUTE)
                assert held.attempt == 1
                await store.outbox.postpone(held, 30 * SECOND)
                assert await store.outbox.claim(lease=MINUTE) == ()
                clock.advance(30 * SECOND)

        use(steps)

    def test_who_lost_a_lease_changes_nothing(self, use, clock):
        async def steps(store):
            await store.outbox.enqueue("answer-1", {})
            (lost,) = await store.outbox.claim(lease=MINUTE)
            clock.advance(MINUTE)
            (held,) = await store.outbox.claim(lease=MINUTE)
            changes = [
                await store.outbox.retry(lost, "late"),
                await store.outbox.postpone(lost),
                await store.outbox.renew(lost, lease=HOUR),
                await store.outbox.sent(lost, "1.1"),
            ]
            item = await store.outbox.get("answer-1")
            return changes, item.state, item.attempts, item.due_at == held.until

        assert use(steps) == ([None, False, None, False], "leased", 2, True)

    def test_credentials_in_an_error_are_not_kept(self, use):
        async def steps(store):
            await store.outbox.enqueue("answer-1", {})
            (held,) = await store.outbox.claim(lease=MINUTE)
            await store.outbox.retry(held, "refused: Authorization: Bearer abcdefghijklmnop.qrstuv")
            return (await store.outbox.get("answer-1")).error

        error = use(steps)
        assert error.startswith("refused")
        assert "abcdefghijklmnop" not in error

    # Alerts, and what all queues do

    def test_an_alert_waits_until_its_time(self, use, clock):
        async def steps(store):
            await store.alerts.enqueue("group-1", {"labels": {"alertname": "X"}}, not_before=clock.now + MINUTE)
            early = await store.alerts.claim(lease=MINUTE)
            clock.advance(MINUTE)
            return early, (await store.alerts.claim(lease=MINUTE))[0].payload

        assert use(steps) == ((), {"labels": {"alertname": "X"}})

    def test_credentials_in_an_alert_are_not_kept(self, use):
        async def steps(store):
            await store.alerts.enqueue("group-1", {"annotations": {"description": "password: hunter2hunter2"}})
            return (await store.alerts.claim(lease=MINUTE))[0].payload

        assert "hunter2" not in str(use(steps))

    def test_work_of_one_lane_is_done_in_order_and_one_at_a_time(self, use):
        async def steps(store):
            for number in range(3):
                await store.alerts.enqueue(f"a{number}", f"a{number}", lane="a")
                await store.alerts.enqueue(f"b{number}", f"b{number}", lane="b")
            order = []
            while taken := await store.alerts.claim(lease=MINUTE, limit=10):
                order.append([held.payload for held in taken])
                for held in taken:
                    await store.alerts.done(held)
            return order

        assert use(steps) == [["a0", "b0"], ["a1", "b1"], ["a2", "b2"]]

    def test_a_lane_waits_for_a_retry_but_not_for_what_is_dead(self, use, clock):
        async def steps(store):
            await store.alerts.enqueue("a0", "a0", lane="a")
            await store.alerts.enqueue("a1", "a1", lane="a")
            (held,) = await store.alerts.claim(lease=MINUTE, limit=10)
            await store.alerts.retry(held, "no", after=SECOND)
            waiting = await store.alerts.claim(lease=MINUTE, limit=10)
            for _ in range(RETRIES.attempts - 1):
                clock.advance(SECOND)
                (held,) = await store.alerts.claim(lease=MINUTE, limit=10)
                await store.alerts.retry(held, "no", after=SECOND)
            (after,) = await store.alerts.claim(lease=MINUTE, limit=10)
            return waiting, held.payload, after.payload

        assert use(steps) == ((), "a0", "a1")

    def test_queues_do_not_see_each_others_work(self, use):
        async def steps(store):
            queues = {"events": store.events, "outbox": store.outbox, "alerts": store.alerts}
            added = [await queue.enqueue("same", name) for name, queue in queues.items()]
            taken = {name: await queue.claim(lease=MINUTE, limit=9) for name, queue in queues.items()}
            return added, {name: [held.payload for held in held] for name, held in taken.items()}

        assert use(steps) == ([True] * 3, {"events": ["events"], "outbox": ["outbox"], "alerts": ["alerts"]})

    def test_the_depth_of_a_queue_counts_what_is_not_done(self, use, clock):
        async def steps(store):
            empty = await store.alerts.depth()
            for number in range(4):
                await store.alerts.enqueue(f"n{number}", number)
                clock.advance(SECOND)
            first, second = await store.alerts.claim(lease=MINUTE, limit=2)
            await store.alerts.done(first)
            full = await store.alerts.depth()
            await bury(store.alerts, second, clock)
            return empty, full, await store.alerts.depth()

        empty, full, later = use(steps)
        assert empty == QueueDepth(0, 0, 0, None)
        assert full == QueueDepth(waiting=2, leased=1, dead=0, oldest=START + SECOND)
        assert later == QueueDepth(waiting=2, leased=0, dead=1, oldest=START + 2 * SECOND)
