"""From facts to verdicts: what the expressions of a case say, and what follows for its entry."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.diagnosis.expressions import Expression, ExpressionError
from bot.diagnosis.facts.registry import Facts, collectors
from bot.diagnosis.models import Check, Evidence, Finding, Verdict
from bot.diagnosis.observation import Fact
from bot.diagnosis.reader import Unreadable
from bot.diagnosis.shown_commands import shown_command
from corpus import Case, Entry
from corpus import Check as CheckRule

__all__ = ["Judge", "entry_verdict"]

_MAX_EVIDENCE = 12
_ROLL_UP: tuple[Verdict, ...] = ("confirmed", "open", "unreadable", "by_hand", "ruled_out")
"""What an entry is when its cases differ: the first of these that any case is."""


def entry_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict on an entry from those on its cases: ruled out only if all are."""
    found = set(verdicts)
    return next(verdict for verdict in _ROLL_UP if verdict in found)


@dataclass
class _Outcome:
    """What expressions yielded together: observations, and what kept some from being evaluated."""

    evidence: list[Evidence]
    missing: list[str]


@dataclass(frozen=True)
class _Result:
    """The value of an expression, or what it needs that could not be read."""

    value: Any
    missing: tuple[str, ...] = ()


class Judge:
    """Judges entries by the facts of one diagnosis; each fact is collected once, and only if an expression needs it."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._collectors = collectors()
        self._names = frozenset(self._collectors)
        self._known: dict[str, Fact | Unreadable] = {}
        self._data: dict[tuple[str, str], Any] = {}
        self._results: dict[str, _Result] = {}

    async def entries(self, entries: Sequence[Entry]) -> list[Finding]:
        """Return the findings on all cases of ``entries``.

        What may settle an entry as a whole is read first, one expression after another, so that nothing more is read
        for those that do not apply or are ruled out; likewise what a case that is settled would ask for is not read.
        Each entry goes its own way: what one waits for holds up no other.
        """
        await asyncio.gather(*map(self._read_for, entries))
        return [finding for entry in entries for finding in self._entry(entry)]

    async def _read_for(self, entry: Entry) -> None:
        await self._resolve([entry.applies_if])
        holds, gate = self._holds(entry.applies_if)
        if holds is False:
            return
        excluded = await self._resolve_until_one_yields(entry.ruled_out_by)
        if not excluded.evidence:
            before = [*gate.missing, *excluded.missing]
            await asyncio.gather(*(self._read_for_case(case, before) for case in entry.cases))

    async def _read_for_case(self, case: Case, before: Sequence[str]) -> None:
        await self._resolve([case.applies_if])
        if self._holds(case.applies_if)[0] is False:
            return
        await self._resolve(case.confirmed_by)
        if self._confirmed(case, before) is None:
            await self._resolve_until_one_yields(case.ruled_out_by)

    async def _resolve_until_one_yields(self, sources: Sequence[str]) -> _Outcome:
        for turn, source in enumerate(sources, start=1):
            await self._resolve([source])
            if (found := self._first(sources[:turn])).evidence:
                return found
        return self._first(sources)

    async def checks(self, rules: Sequence[CheckRule]) -> list[Check]:
        """Return what the checks say that come before all entries."""
        await self._resolve([rule.failed_by for rule in rules])
        found = []
        for rule in rules:
            outcome = self._listed([rule.failed_by])
            failed = True if outcome.evidence else None if outcome.missing else False
            found.append(
                Check(
                    check=rule.id,
                    says=rule.says,
                    failed=failed,
                    missing=tuple(outcome.missing),
                    evidence=tuple(outcome.evidence[:_MAX_EVIDENCE]),
                )
            )
        return found

    async def known(self, name: str) -> Fact | None:
        """Return a fact, None when it cannot be known."""
        await self._collect_facts([name])
        found = self._known[name]
        return None if isinstance(found, Unreadable) else found

    def collected(self, name: str) -> Fact | None:
        """Return a fact if it has been read already, for whatever; nothing is read for it."""
        return self._facts.ready(name)

    async def _resolve(self, sources: Iterable[str | None]) -> None:
        """Read what these expressions need and evaluate them, side by side."""
        await asyncio.gather(*(self._evaluate(source) for source in sources if source))

    async def _evaluate(self, source: str) -> None:
        """Read for an expression in the order in which it asks, until its value is certain.

        What stands behind a condition that does not hold is not read, and does not make it unreadable.
        """
        expression = Expression.compile(source, self._names)
        asked: list[str] = []
        for more in expression.stages or ((),):
            asked += more
            await self._collect_facts(asked)
            known = [name for name in asked if not isinstance(self._known[name], Unreadable)]
            context = {name: {field: self._field(name, field) for field in expression.fields[name]} for name in known}
            if len(known) == len(expression.fields):
                self._results[source] = _Result(expression.evaluate(context))
                return
            if (value := expression.certain(context)) is not None:
                self._results[source] = _Result(value)
                return
        self._results[source] = _Result(None, tuple(self._missing(expression)))

    async def _collect_facts(self, names: Sequence[str]) -> None:
        names = [name for name in names if name not in self._known]
        results = await asyncio.gather(*(self._facts(self._collectors[name]) for name in names), return_exceptions=True)
        for name, result in zip(names, results, strict=True):
            if isinstance(result, BaseException) and not isinstance(result, Unreadable):
                raise result
            self._known[name] = result

    def _entry(self, entry: Entry) -> list[Finding]:
        holds, gate = self._holds(entry.applies_if)
        if holds is False:
            return [self._finding(entry, case, "ruled_out", gate) for case in entry.cases]
        excluded = self._first(entry.ruled_out_by)
        if excluded.evidence:
            return [self._finding(entry, case, "ruled_out", excluded) for case in entry.cases]
        before = [*gate.missing, *excluded.missing]
        return [self._case(entry, case, before) for case in entry.cases]

    def _first(self, sources: Sequence[str]) -> _Outcome:
        """Return what the first of these expressions yields that yields anything; those after it are not read."""
        outcome = _Outcome([], [])
        for source in sources:
            found = self._listed([source])
            if found.evidence:
                return found
            outcome.missing += [one for one in found.missing if one not in outcome.missing]
        return outcome

    def _confirmed(self, case: Case, before: Sequence[str]) -> _Outcome | None:
        """Return what confirms a case, if anything does.

        What rests on something unread does not: whether the case applies at all has to be known.
        """
        found = self._listed(case.confirmed_by)
        return found if found.evidence and not before and not self._holds(case.applies_if)[1].missing else None

    def _case(self, entry: Entry, case: Case, before: Sequence[str]) -> Finding:
        holds, gate = self._holds(case.applies_if)
        if holds is False:
            return self._finding(entry, case, "ruled_out", gate)
        if confirmed := self._confirmed(case, before):
            return self._finding(entry, case, "confirmed", confirmed)
        ruled_out = self._first(case.ruled_out_by)
        if ruled_out.evidence:
            return self._finding(entry, case, "ruled_out", ruled_out)
        signs = self._listed(case.confirmed_by)
        missing = list(dict.fromkeys([*before, *gate.missing, *signs.missing, *ruled_out.missing]))
        if missing:
            return self._finding(entry, case, "unreadable", _Outcome(signs.evidence, missing))
        return self._finding(entry, case, "open" if case.confirmed_by else "by_hand", signs)

    def _finding(self, entry: Entry, case: Case, verdict: Verdict, outcome: _Outcome) -> Finding:
        return Finding(
            entry=entry.id,
            case=case.id,
            claim=case.claim,
            verdict=verdict,
            by_hand=None if verdict in {"confirmed", "ruled_out"} else case.look(self._names_read),
            missing=tuple(outcome.missing) if verdict == "unreadable" else (),
            evidence=tuple(outcome.evidence[:_MAX_EVIDENCE]),
        )

    def _names_read(self, fact: str, field: str) -> Sequence[str]:
        """Return the names in a field of a fact, none where it was not read; nothing is read for them."""
        found = getattr(self._facts.ready(fact), field, ())
        return (found,) if isinstance(found, str) else [one for one in found if isinstance(one, str)]

    def _holds(self, source: str | None) -> tuple[bool | None, _Outcome]:
        """Return whether a condition holds (None: not known), with what its facts saw."""
        if source is None:
            return True, _Outcome([], [])
        result = self._results[source]
        if result.missing:
            return None, _Outcome([], list(result.missing))
        if not isinstance(result.value, bool):
            raise ExpressionError(f"{source!r}: yields {type(result.value).__name__}, not true or false")
        fields = Expression.compile(source, self._names).fields
        seen = [evidence for name in sorted(fields) for evidence in self._seen(name)]
        return result.value, _Outcome(seen, [])

    def _listed(self, sources: Sequence[str]) -> _Outcome:
        outcome = _Outcome([], [])
        for source in sources:
            result = self._results[source]
            if result.missing:
                outcome.missing += [one for one in result.missing if one not in outcome.missing]
                continue
            found = result.value
            if not isinstance(found, list) or not all(isinstance(item, dict) and "object" in item for item in found):
                raise ExpressionError(f"{source!r}: yields no list of observations")
            outcome.evidence += [_evidence(item) for item in found]
        return outcome

    def _missing(self, expression: Expression) -> list[str]:
        found = (self._known[name] for name in sorted(expression.fields))
        return [
            f"{one.what}: {_REASONS[one.reason]}" + (f" ({one.detail})" if one.detail else "")
            for one in found
            if isinstance(one, Unreadable)
        ]

    def _field(self, name: str, field: str) -> Any:
        if (name, field) not in self._data:
            value = self._known[name]
            if not hasattr(value, field):
                raise ExpressionError(f"the fact {name} has no field {field}")
            self._data[name, field] = _plain(getattr(value, field))
        return self._data[name, field]

    def _seen(self, name: str) -> list[Evidence]:
        known = self._known.get(name)
        return [_evidence(item) for item in self._field(name, "evidence")] if hasattr(known, "evidence") else []


_REASONS = {
    "forbidden": "not permitted",
    "not_served": "the cluster has no such API",
    "timeout": "no answer in time",
    "budget": "more than may be read",
    "failed": "reading failed",
    "not_captured": "not in what was captured",
}


def _plain(value: Any) -> Any:
    if isinstance(value, Fact):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _evidence(item: Mapping[str, Any]) -> Evidence:
    seen = {field: item[field] for field in Evidence.model_fields}
    return Evidence.model_validate(seen | {"kubectl": shown_command(str(seen["kubectl"]))})
