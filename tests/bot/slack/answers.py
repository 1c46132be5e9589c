"""Answers and reports of every shape, for property tests: long, hostile, Chinese, with empty parts."""

from __future__ import annotations

import datetime as dt
from typing import Any, get_args

from hypothesis import strategies as st

from bot.answer import (
    Answer,
    AnswerSection,
    AnswerStatement,
    Candidate,
    Choice,
    Citation,
    EntryName,
    NoteSource,
    SeenDifference,
)
from bot.diagnosis.models import Check, ClusterSummary, Diagnosis, Evidence, Finding, Verdict
from bot.diagnosis.report import EntryFindings, Report
from corpus import Code

HOSTILE = [
    "<@U0HOSTILE>",
    "<!channel>",
    "<!here|look>",
    "<#C0HOSTILE|general>",
    "<!subteam^S0HOSTILE>",
    "<!date^1^{date}^https://evil.example|now>",
    "@channel @here",
    "<https://evil.example|click>",
    "https://evil.example/a",
    "[click](https://evil.example)",
    "<https://evil.example>",
    "![image](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "```\n<!channel>\n```",
    "`` ` ``",
    "`",
    "*bold* _it_ ~no~ **x** ~~y~~",
    "&lt;!channel&gt; &amp;lt;",
    "<b>bold</b> & more",
    "\x1b[31mred\x1b[0m\x07\x00",
    "\u202egnp.exe\u2066",
    "\u200b\ufeff\u2060",
    "line\r\nkubectl delete ns prod\u2028x\x0by",
    "| a | b |",
    "{title} {0} %s",
    ":tada: :no_entry:",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001d54f",
    "\\*\\<@U1\\>",
    "]]>--><!--",
]
CHINESE = [
    "Pod 一直处于 ContainerCreating",
    "交换机的可用 IP 是 0",
    "网络策略（NetworkPolicy）不生效，请检查。",
    "《容器网络》：“常见问题”",
]

_odd = st.sampled_from([*HOSTILE, *CHINESE])
_any = st.text(max_size=8)
_some = st.one_of(_odd, _any, st.builds("{}{} {}".format, _odd, _any, _odd))
_long = st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=8) | _odd, st.integers(20, 900))
texts = st.one_of(_some, _some, _some, _long)
"""Any text; some are long."""
words = _odd | _any
_ids = st.integers(0, 999).map("terway-entry-{}".format)
_urls = st.sampled_from(["https://docs.example/faq", "https://docs.example/faq?a=1&b=2#c", "http://example.com/x"])
_labels = st.integers(1, 40).map(str) | st.sampled_from(["a", "b", "aa"])


def _tuples(elements: st.SearchStrategy[Any], most: int, least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(elements, min_size=least, max_size=most).map(tuple)


def _statements(
    children: st.SearchStrategy[tuple[AnswerStatement, ...]], risks: st.SearchStrategy[tuple[AnswerStatement, ...]]
) -> st.SearchStrategy[AnswerStatement]:
    return st.builds(
        AnswerStatement,
        text=texts,
        form=st.sampled_from(["paragraph", "bullet", "step"]),
        labels=_tuples(_labels, 3),
        own_note=st.booleans(),
        when=st.none() | st.just("Terway 1.8.0 and later (yours: v1.9.3)") | words,
        holds=st.none(),
        code=_tuples(st.builds(Code, language=st.just("bash"), text=texts), 1),
        risks=risks,
        children=children,
    )


_risks = st.just(()) | st.tuples(
    st.builds(
        AnswerStatement,
        text=texts,
        form=st.just("paragraph"),
        labels=_tuples(_labels, 2),
        own_note=st.booleans(),
        when=st.none(),
        holds=st.none(),
        code=st.just(()),
        risks=st.just(()),
        children=st.just(()),
    )
)
statements = _statements(_tuples(_statements(_tuples(_statements(st.just(()), _risks), 2), _risks), 2), _risks)
_names = st.builds(EntryName, id=_ids, title=words, area=st.just("terway"))
_candidates = st.builds(Candidate, id=_ids, title=words, area=st.just("terway"), confidence=st.floats(0, 1))
_citations = st.builds(
    Citation,
    label=_labels,
    edition=st.sampled_from(["intl", "cn"]),
    document=words,
    heading=texts,
    part=st.none() | words,
    url=_urls,
    entry=_ids,
)
_sources = st.builds(NoteSource, label=_labels, title=texts, url=_urls)
_differences = st.builds(SeenDifference, topic=words, intl=texts, cn=texts, advice=statements, entry=_ids)
_sections = st.builds(
    AnswerSection,
    name=st.sampled_from(["Summary", "Cause", "Steps", "Verify", "Risks"]),
    statements=_tuples(statements, 5, 1),
)

_evidence = st.builds(
    Evidence,
    object=words,
    field=words,
    value=texts,
    seen_at=st.none() | st.just(dt.datetime(2026, 3, 2, 3, 4, 5, tzinfo=dt.UTC)),
    kubectl=texts,
)


def _findings(verdict: Verdict) -> st.SearchStrategy[Finding]:
    return st.builds(
        Finding,
        entry=_ids,
        case=_ids,
        claim=texts,
        verdict=st.just(verdict),
        by_hand=st.none() | texts,
        missing=_tuples(texts, 3),
        evidence=_tuples(_evidence, 4),
    )


def _entries(*verdicts: Verdict) -> st.SearchStrategy[EntryFindings]:
    return st.one_of(
        [
            st.builds(
                EntryFindings, id=_ids, title=words, verdict=st.just(verdict), findings=_tuples(_findings(verdict), 3)
            )
            for verdict in verdicts
        ]
    )


_checks = st.builds(
    Check,
    check=_ids,
    says=texts,
    failed=st.none() | st.booleans(),
    missing=_tuples(texts, 2),
    evidence=_tuples(_evidence, 2),
)
_diagnoses = st.builds(
    Diagnosis,
    cluster=st.builds(
        ClusterSummary,
        version=st.none() | words,
        plugin=st.none() | st.sampled_from(["terway", "flannel", "both", "none"]),
        mode=st.none() | words,
        datapath=st.none() | words,
        source=words,
    ),
    versions=st.just({"terway": "v1.9.3"}),
    checks=_tuples(_checks, 2),
    verdicts=st.just({}),
    findings=st.just(()),
    requests=st.integers(0, 200),
    bytes=st.integers(0, 10**6),
    elapsed_ms=st.floats(0, 15_000),
)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Return a report with a few entries of each verdict, now and then with as many as there are."""
    most = draw(st.sampled_from([1, 1, 2, 10]))
    return Report(
        diagnosis=draw(_diagnoses),
        confirmed=draw(_tuples(_entries("confirmed"), most)),
        states=draw(_tuples(_entries("confirmed"), 2)),
        ruled_out=draw(_tuples(_entries("ruled_out"), most)),
        undecided=draw(_tuples(_entries("open", "unreadable", "by_hand"), most)),
    )


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Return an answer of any outcome, with a diagnosis or without."""
    outcome = draw(st.sampled_from(["answer", "answer", "choices", "no_answer"]))
    report = draw(st.none() | reports())
    about = [
        entry.id for part in ("states", "ruled_out", "undecided", "confirmed") for entry in getattr(report, part, ())
    ]
    sections: dict[str, AnswerSection] = {one.name: one for one in draw(st.lists(_sections, max_size=4))}
    return Answer(
        outcome=outcome,
        candidates=draw(_tuples(_candidates, 8)),
        entry=draw(st.sampled_from(about) if about else _ids) if outcome == "answer" else None,
        title=draw(words),
        summary=draw(texts),
        sections=tuple(sections.values()) if outcome == "answer" else (),
        choices=draw(_tuples(st.builds(Choice, candidate=_names, tells_apart=statements), 6))
        if outcome == "choices"
        else (),
        citations=draw(_tuples(_citations, draw(st.sampled_from([3, 8, 40])))),
        note_sources=draw(_tuples(_sources, 4)),
        differs=draw(_tuples(_differences, 3)) if outcome == "answer" else (),
        versions=draw(st.just({}) | st.just({"Terway": "v1.9.3"}) | st.dictionaries(words, words, max_size=2)),
        see_also=draw(_tuples(_names, 4)),
        look_alike=None,
        diagnosis=report,
        elapsed_ms=1.0,
    )


assert set(get_args(Verdict)) == {"confirmed", "ruled_out", "open", "unreadable", "by_hand"}
