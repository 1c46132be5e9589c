"""What the store has to do with records: feedback, questions, incidents, the audit log."""

from __future__ import annotations

import asyncio

import pytest

from tests.contracts.store_ground import AWKWARD, DAY, HOUR, MINUTE, SECOND, START, StoreGround

__all__ = ["RecordsContract"]


class RecordsContract(StoreGround):
    """What was said, asked and read is kept, without credentials."""

    # Feedback

    def test_the_last_word_of_a_person_on_an_answer_counts(self, use, clock):
        async def steps(store):
            await store.feedback.give("a1", helpful=True, who="U1")
            clock.advance(SECOND)
            await store.feedback.give("a1", helpful=True, who="U2")
            clock.advance(SECOND)
            await store.feedback.give("a1", helpful=False, who="U1", reason="wrong plugin")
            await store.feedback.give("a2", helpful=True)
            said = [(one.who, one.helpful, one.reason) for one in await store.feedback.of("a1")]
            return said, await store.feedback.count(START), await store.feedback.count(clock.now)

        said, all_time, late = use(steps)
        assert said == [("U2", True, ""), ("U1", False, "wrong plugin")]
        assert (all_time.helpful, all_time.not_helpful) == (2, 1)
        assert (late.helpful, late.not_helpful) == (1, 1)

    def test_credentials_in_a_reason_are_not_kept(self, use):
        async def steps(store):
            await store.feedback.give("a1", helpful=False, reason=f"{AWKWARD} password: hunter2hunter2")
            return (await store.feedback.of("a1"))[0].reason

        reason = use(steps)
        assert "NotReady" in reason
        assert "hunter2" not in reason

    # Answers

    def test_an_answer_is_found_by_its_id_and_its_place(self, use, clock):
        async def steps(store):
            said = {"surface": "slack", "who": "U1", "place": "T1/C1/1.0"}
            await store.answers.keep(
                "a1", turns=["first", AWKWARD], outcome="choices", entry=None, ranked={"b": 0.4, "a": 0.1}, **said
            )
            clock.advance(SECOND)
            await store.answers.keep(
                "a2", turns=["second"], outcome="answer", entry="a", ranked={}, scope={"pod": "web-0"}, **said
            )
            found = await store.answers.get("a1"), await store.answers.get("a3")
            return *found, await store.answers.at_place("T1/C1/1.0"), await store.answers.at_place("T1/C1/2.0")

        first, none, here, elsewhere = use(steps)
        assert (first.turns[0], first.outcome, first.entry) == ("first", "choices", None)
        assert first.ranked == (("b", 0.4), ("a", 0.1))
        assert [one.id for one in here] == ["a1", "a2"]
        assert here[1].scope == {"pod": "web-0"}
        assert none is None
        assert elsewhere == ()

    def test_an_answer_kept_again_replaces_the_first(self, use):
        async def steps(store):
            for outcome in ("choices", "answer"):
                await store.answers.keep(
                    "a1", turns=["x"], surface="http", who="", place="", outcome=outcome, entry=None, ranked={}
                )
            return await store.answers.get("a1")

        assert use(steps).outcome == "answer"

    def test_credentials_in_a_turn_are_not_kept(self, use):
        async def steps(store):
            await store.answers.keep(
                "a1",
                turns=["token: password: hunter2hunter2"],
                surface="http",
                who="",
                place="",
                outcome="no_answer",
                entry=None,
                ranked={},
            )
            return (await store.answers.get("a1")).turns[0]

        assert "hunter2" not in use(steps)

    def test_entries_are_counted_by_the_answers_they_gave(self, use, clock):
        async def steps(store):
            for number, entry in enumerate(["a", "b", "b", None]):
                await store.answers.keep(
                    f"a{number}",
                    turns=["x"],
                    surface="http",
                    who="",
                    place="",
                    outcome="answer",
                    entry=entry,
                    ranked={},
                )
                clock.advance(HOUR)
            most = await store.answers.asked_most(START)
            return most, await store.answers.asked_most(clock.now - 2.5 * HOUR, limit=1)

        most, late = use(steps)
        assert [(one.entry, one.count) for one in most] == [("b", 2), ("a", 1)]
        assert [(one.entry, one.count) for one in late] == [("b", 1)]

    # Questions

    def test_a_question_asked_again_is_counted(self, use, clock):
        async def steps(store):
            await store.questions.add("Why no IPv6?", cause="no_answer", ranked={"a": 0.2, "b": 0.1})
            clock.advance(HOUR)
            await store.questions.add("why  NO ipv6?\n", cause="no_answer", ranked={"b": 0.4})
            return await store.questions.list()

        (question,) = use(steps)
        assert (question.text, question.ranked, question.count) == ("why  NO ipv6?\n", (("b", 0.4),), 2)
        assert (question.first_at, question.last_at) == (START, START + HOUR)

    def test_questions_are_listed_by_how_often_they_were_asked(self, use, clock):
        async def steps(store):
            for text, cause in [("x", "no_answer"), ("y", "no_answer"), ("y", "no_answer"), ("x", "badly_rated")]:
                await store.questions.add(text, cause=cause, ranked={})
                clock.advance(HOUR)
            listings = [
                await store.questions.list(),
                await store.questions.list(cause="no_answer"),
                await store.questions.list(since=START + 2 * HOUR),
                await store.questions.list(limit=1),
            ]
            return [[(one.text, one.cause) for one in listing] for listing in listings]

        assert use(steps) == [
            [("y", "no_answer"), ("x", "badly_rated"), ("x", "no_answer")],
            [("y", "no_answer"), ("x", "no_answer")],
            [("y", "no_answer"), ("x", "badly_rated")],
            [("y", "no_answer")],
        ]

    def test_the_order_of_the_nearest_entries_is_kept(self, use):
        ranked = {f"entry-{number}": 1 - number / 10 for number in (3, 1, 2)}

        async def steps(store):
            await store.questions.add("x", cause="no_answer", ranked=ranked)
            return (await store.questions.list())[0].ranked

        assert use(steps) == tuple(ranked.items())

    def test_credentials_in_a_question_are_not_kept(self, use, url):
        async def steps(store):
            text = f"{AWKWARD} why? token=abcdefghij0123456789abcdefghij0123456789"
            await store.questions.add(text, cause="no_answer", ranked={})
            return (await store.questions.list())[0].text

        assert "NotReady" in use(steps)
        assert "abcdefghij0123456789" not in str(self.execute(url, "SELECT * FROM questions"))

    def test_an_endless_question_is_cut(self, use):
        async def steps(store):
            await store.questions.add("节点 " * 500_000, cause="no_answer", ranked={})
            return (await store.questions.list())[0].text

        assert use(steps) == ("节点 " * 8000)[:8000]

    def test_a_question_can_be_forgotten(self, use):
        async def steps(store):
            await store.questions.add("x", cause="no_answer", ranked={})
            (question,) = await store.questions.list()
            forgotten = await store.questions.forget(question.id), await store.questions.forget(question.id)
            return forgotten, await store.questions.list()

        assert use(steps) == ((True, False), ())

    # Incidents

    def test_of_many_that_open_an_incident_at_once_one_opens_it(self, use):
        async def steps(store):
            scope = {"namespace": "shop"}
            opened = await asyncio.gather(
                *(store.incidents.open("k", scope=scope, fingerprints=[f"f{number}"]) for number in range(8))
            )
            return sorted(one.how for one in opened), {one.incident.id for one in opened}, await store.incidents.list()

        hows, ids, (incident,) = use(steps)
        assert hows == ["known"] * 7 + ["new"]
        assert ids == {incident.id}
        assert incident.fingerprints == {f"f{number}" for number in range(8)}
        assert (incident.state, incident.scope, incident.thread) == ("open", {"namespace": "shop"}, None)

    def test_a_resolved_incident_stays_so_and_a_new_one_begins(self, use, clock):
        async def steps(store):
            first = (await store.incidents.open("k", scope={}, fingerprints=["f"])).incident
            assert await store.incidents.resolve(first.id)
            clock.advance(HOUR)
            second = await store.incidents.open("k", scope={})
            return first, second, await store.incidents.get(first.id), await store.incidents.find("k")

        first, second, old, found = use(steps)
        assert second.how == "new"
        assert second.incident.id > first.id
        assert (old.state, old.resolved_at, old.fingerprints) == ("resolved", START, frozenset())
        assert found == second.incident

    def test_an_incident_that_comes_back_in_its_quiet_time_is_opened_again(self, use, clock):
        async def steps(store):
            first = (await store.incidents.open("k", scope={})).incident
            await store.incidents.speak(first.id, quiet=HOUR)
            await store.incidents.set_thread(first.id, {"channel": "C1", "ts": "1.1"})
            await store.incidents.resolve(first.id)
            clock.advance(HOUR - SECOND)
            again = await store.incidents.open("k", scope={}, fingerprints=["f"])
            await store.incidents.resolve(first.id)
            clock.advance(SECOND)
            return first, again, await store.incidents.open("k", scope={})

        first, again, later = use(steps)
        assert (again.how, again.incident.id) == ("reopened", first.id)
        assert again.incident.thread == {"channel": "C1", "ts": "1.1"}
        assert (again.incident.resolved_at, again.incident.fingerprints) == (None, {"f"})
        assert later.how == "new"

    def test_an_incident_gets_one_thread(self, use):
        async def steps(store):
            incident = (await store.incidents.open("k", scope={})).incident.id
            threads = [{"channel": "C1", "ts": f"{number}.0"} for number in range(5)]
            told = await asyncio.gather(*(store.incidents.set_thread(incident, thread) for thread in threads))
            return sorted(told), threads[told.index(True)], (await store.incidents.get(incident)).thread

        told, won, kept = use(steps)
        assert told == [False] * 4 + [True]
        assert kept == won

    def test_within_a_quiet_time_one_may_speak(self, use, clock):
        async def steps(store):
            incident = (await store.incidents.open("k", scope={})).incident.id
            first = await asyncio.gather(*(store.incidents.speak(incident, quiet=MINUTE) for _ in range(5)))
            clock.advance(MINUTE - SECOND)
            early = await store.incidents.speak(incident, quiet=MINUTE)
            clock.advance(SECOND)
            return sum(first), early, await store.incidents.speak(incident, quiet=MINUTE)

        assert use(steps) == (1, False, True)

    def test_an_incident_keeps_the_verdicts_of_its_last_diagnosis(self, use, clock):
        async def steps(store):
            incident = (await store.incidents.open("k", scope={})).incident.id
            await store.incidents.diagnosed(incident, {"a": "confirmed"})
            clock.advance(MINUTE)
            return await store.incidents.diagnosed(incident, {"a": "ruled_out", "b": "open"})

        incident = use(steps)
        assert incident.verdicts == {"a": "ruled_out", "b": "open"}
        assert incident.diagnosed_at == incident.updated_at == START + MINUTE

    def test_alerts_that_resolved_are_taken_out_one_by_one(self, use):
        async def steps(store):
            incident = (await store.incidents.open("k", scope={}, fingerprints=["a", "b", "c"])).incident.id
            left = await asyncio.gather(*(store.incidents.settle(incident, [name]) for name in "ab"))
            await store.incidents.open("k", scope={}, fingerprints=["d"])
            return min(len(one.fingerprints) for one in left), await store.incidents.get(incident)

        fewest, incident = use(steps)
        assert fewest == 1
        assert (incident.fingerprints, incident.state) == ({"c", "d"}, "open")

    def test_what_is_noted_of_an_incident_adds_up(self, use):
        async def steps(store):
            incident = (await store.incidents.open("k", scope={})).incident
            await asyncio.gather(*(store.incidents.note(incident.id, {f"n{number}": number}) for number in range(5)))
            again = await store.incidents.note(incident.id, {"n1": {"a": [AWKWARD]}})
            return incident.details, again.details, (await store.incidents.find("k")).details

        before, after, found = use(steps)
        assert before == {}
        assert after == found == {"n0": 0, "n1": {"a": [AWKWARD]}, "n2": 2, "n3": 3, "n4": 4}

    def test_what_is_no_incident_is_none(self, use):
        async def steps(store):
            return [
                await store.incidents.get(7),
                await store.incidents.find("k"),
                await store.incidents.settle(7, ["a"]),
                await store.incidents.diagnosed(7, {}),
                await store.incidents.note(7, {}),
                await store.incidents.resolve(7),
                await store.incidents.speak(7, quiet=MINUTE),
                await store.incidents.set_thread(7, {}),
            ]

        assert use(steps) == [None, None, None, None, None, False, False, False]

    def test_incidents_are_listed_by_state_the_last_change_first(self, use, clock):
        async def steps(store):
            for key in ("a", "b", "c"):
                await store.incidents.open(key, scope={})
                clock.advance(SECOND)
            await store.incidents.resolve((await store.incidents.find("b")).id)
            clock.advance(SECOND)
            await store.incidents.open("a", scope={})
            listings = [await store.incidents.list(state) for state in (None, "open", "resolved")]
            return [[one.key for one in listing] for listing in listings]

        assert use(steps) == [["a", "b", "c"], ["a", "c"], ["b"]]

    # Audit log

    def test_the_audit_log_says_who_asked_what_from_where_and_what_was_read(self, use):
        async def steps(store):
            added = await store.audit.add(
                who="U1",
                place="slack T1 C1",
                action="diagnose",
                question="pods hang, password: hunter2hunter2",
                read=["pods/shop/web-0", "events in shop"],
                outcome={"entry": "terway-vswitch-ip-exhausted", "verdicts": {"a": "confirmed"}},
            )
            return added, await store.audit.list()

        added, (listed,) = use(steps)
        assert listed == added
        assert (listed.number, listed.at, listed.who, listed.place) == (1, START, "U1", "slack T1 C1")
        assert listed.read == ("pods/shop/web-0", "events in shop")
        assert listed.outcome == {"entry": "terway-vswitch-ip-exhausted", "verdicts": {"a": "confirmed"}}
        assert "pods hang" in listed.question
        assert "hunter2" not in listed.question

    def test_records_that_are_added_at_once_make_one_chain(self, use):
        async def steps(store):
            await asyncio.gather(*(store.audit.add(who=f"U{n}", place=AWKWARD, action="ask") for n in range(12)))
            return await store.audit.verify(), [record.number for record in await store.audit.list()]

        check, numbers = use(steps)
        assert (check.records, check.broken_at) == (12, None)
        assert numbers == list(range(12, 0, -1))

    def test_the_audit_log_is_read_in_pages_and_by_person(self, use, clock):
        async def steps(store):
            for number in range(6):
                await store.audit.add(who=f"U{number % 2}", place="http", action="ask")
                clock.advance(HOUR)
            pages = [
                await store.audit.list(limit=2),
                await store.audit.list(limit=2, before=5),
                await store.audit.list(who="U1"),
                await store.audit.list(since=START + 4 * HOUR),
            ]
            return [[record.number for record in page] for page in pages]

        assert use(steps) == [[6, 5], [4, 3], [6, 4, 2], [6, 5]]

    def test_an_empty_audit_log_is_whole(self, use):
        check = use(lambda store: store.audit.verify())
        assert (check.records, check.broken_at, check.head) == (0, None, "")

    @pytest.mark.parametrize(
        ("tampering", "broken_at", "why"),
        [
            ("UPDATE audit_log SET who = 'U9' WHERE number = 3", 3, "it was changed"),
            ('UPDATE audit_log SET outcome = \'{"entry":"other"}\' WHERE number = 5', 5, "it was changed"),
            ("UPDATE audit_log SET digest = 'x' WHERE number = 5", 5, "it was changed"),
            ("UPDATE audit_log SET previous = 'x' WHERE number = 2", 2, "it does not follow from the record before it"),
            ("DELETE FROM audit_log WHERE number = 3", 4, "the records before it are missing"),
            ("DELETE FROM audit_log WHERE number <= 2", 3, "the records before it are missing"),
        ],
    )
    def test_tampering_with_the_audit_log_shows(self, use, url, tampering, broken_at, why):
        async def add(store):
            for number in range(5):
                await store.audit.add(who=f"U{number}", place="http", action="ask", outcome={"entry": "one"})

        use(add)
        self.execute(url, tampering)
        check = use(lambda store: store.audit.verify())
        assert (check.broken_at, check.why) == (broken_at, why)

    def test_pruning_leaves_the_audit_log_whole(self, use, clock):
        async def steps(store):
            heads = []
            for _ in range(3):
                for number in range(4):
                    await store.audit.add(who=f"U{number}", place="http", action="ask")
                clock.advance(10 * DAY)
                pruned = await store.prune(15 * DAY)
                heads.append((pruned.audit, await store.audit.verify()))
            return heads

        (first, _), (second, _), (third, check) = use(steps)
        # The record of a pruning is pruned in its turn.
        assert (first, second, third) == (0, 4, 4)
        assert check.broken_at is None

    def test_what_was_cut_off_after_a_pruning_is_missed(self, use, url, clock):
        async def steps(store):
            for _ in range(4):
                await store.audit.add(who="U1", place="http", action="ask")
            clock.advance(10 * DAY)
            await store.prune(5 * DAY)
            for _ in range(4):
                await store.audit.add(who="U1", place="http", action="ask")

        use(steps)
        self.execute(url, "DELETE FROM audit_log WHERE number = 6")
        assert use(lambda store: store.audit.verify()).broken_at == 7
