"""What people see in Slack, in files: ``golden/NAME.json`` is what is sent, ``golden/NAME.txt`` the same for reading.

After a change that is meant, renew them with

    RENEW_GOLDEN=1 python -m pytest tests/bot/slack/test_golden.py

and read what ``git diff tests/bot/slack/golden`` shows.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.models.views import View

from bot.answer import Answer, AnswerSection, AnswerStatement, Citation, NoteSource, SeenDifference
from bot.compose import Composer
from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.facts.registry import Scope
from bot.diagnosis.models import ClusterSummary, Diagnosis
from bot.oncall.notice import Headline
from bot.reconsider import reconsider
from bot.slack.blocks import (
    Asked,
    FormPlace,
    HealthLine,
    Looking,
    Message,
    answer_message,
    checks_form,
    evidence_message,
    home_view,
    notices,
    reason_form,
    reply_messages,
)
from bot.slack.blocks.incident import incident_message
from bot.slack.checking import STOPPED
from corpus import Code, load_corpus
from index.fusion import Outcome
from index.retriever import Ranked, Ranking
from index.signatures import SignatureHit
from tests.bot.slack.reading import seen_message, seen_view
from tests.doubles.slack.blocks import check_blocks, check_view
from tests.scenarios.loading import ScenarioReader, load_scenario

GOLDEN = Path(__file__).parent / "golden"
SCENARIOS = Path(__file__).parents[2] / "scenarios"
CORPUS = load_corpus()
COMPOSER = Composer(CORPUS)
ENTRIES = [entry.id for entry in CORPUS.entries]
EXHAUSTED, QUOTA, MAC = "terway-vswitch-ip-exhausted", "terway-eni-quota-reached", "terway-mac-not-found"
STATUS, NO_INTERNET, ENI_MODE = "terway-pod-status", "terway-vswitch-no-internet", "terway-identify-eni-mode"
SUSPECTS = (EXHAUSTED, QUOTA, STATUS, MAC)
ID = "a-7f3c"
CLUSTER = ClusterSummary(
    version="v1.28.9-aliyun.1", plugin="terway", mode="shared", datapath=None, source="cluster prod-hangzhou"
)
PLACE = FormPlace(answer=ID, channel="C024BE91L", thread="1772420645.000100", ts="1772420650.000200")


def ranking(best: Sequence[str], outcome: Outcome = "answer", look_alike: SignatureHit | None = None) -> Ranking:
    order = [*best, *(entry for entry in ENTRIES if entry not in best)]
    ranked = tuple(Ranked(entry, 0.9 / place) for place, entry in enumerate(order, 1))
    return Ranking(outcome, ranked, tuple(best) if outcome == "choices" else (), (), look_alike)


@cache
def look(scenario: str, *entries: str) -> Diagnosis:
    """Return what a look into the cluster of a scenario finds, with the cost of one that is real."""
    found = load_scenario(SCENARIOS / scenario)
    reader = ScenarioReader(found)
    diagnosis = asyncio.run(diagnose(reader, CORPUS, entries=[CORPUS[entry] for entry in entries], scope=found.scope))
    return diagnosis.model_copy(update={"cluster": CLUSTER, "requests": 14, "bytes": 48_000, "elapsed_ms": 830.0})


def after(scenario: str, *best: str, outcome: Outcome = "answer") -> Answer:
    diagnosis = look(scenario, *best)
    return COMPOSER.compose(["pods hang"], reconsider(ranking(best, outcome), diagnosis, CORPUS), diagnosis)


def plain(*best: str, outcome: Outcome = "answer", turn: str = "pods hang") -> Answer:
    return COMPOSER.compose([turn], ranking(best, outcome))


def shown(answer: Answer, **more: Any) -> Message:
    return answer_message(answer, answer_id=ID, **{"may_probe": True, **more})


def statement(text: str, *labels: str, **more: Any) -> AnswerStatement:
    given: dict[str, Any] = {
        "form": "paragraph",
        "own_note": False,
        "when": None,
        "holds": None,
        "code": (),
        "risks": (),
        "children": (),
    }
    return AnswerStatement(text=text, labels=labels, **{**given, **more})


def chinese() -> Answer:
    return Answer(
        outcome="answer",
        candidates=(),
        entry=EXHAUSTED,
        title="Pod 一直处于 ContainerCreating：Terway 的交换机没有空闲 IP",
        summary="交换机的可用 IP 已用完，*新建*交换机并填入 `PodVswitchId`，再重启 Terway。",
        sections=(
            AnswerSection(
                name="Summary",
                statements=(
                    statement("交换机的可用 IP 已用完，**新建**交换机并填入`PodVswitchId`，再重启 Terway。", "1"),
                ),
            ),
            AnswerSection(
                name="Steps",
                statements=(
                    statement(
                        "查看 Pod 事件，找到“`InvalidVSwitchId.IpNotEnough`”。",
                        "1",
                        form="step",
                        code=(
                            Code(language="bash", text="kubectl describe pod <名称> -n 业务\n# 事件（Events）在末尾"),
                        ),
                    ),
                    statement(
                        "删除 Terway 的 Pod，它们会自动重建。",
                        "1",
                        "a",
                        form="step",
                        risks=(statement("期间新 Pod 会等待。", "a", own_note=True),),
                    ),
                ),
            ),
        ),
        citations=(
            Citation(
                label="1",
                edition="cn",
                document="容器网络常见问题（aliyun.com）",
                heading="Terway 交换机 IP 资源不足",
                part=None,
                url="https://help.aliyun.com/zh/ack/faq",
                entry=EXHAUSTED,
            ),
        ),
        note_sources=(
            NoteSource(label="a", title="Terway 源代码", url="https://github.com/AliyunContainerService/terway"),
        ),
    )


HOSTILE_TEXT = "<!channel> <@U0BOSS> <https://evil.example|click> ``` `x` *b* &lt; [link](https://evil.example)"


def hostile() -> Answer:
    """Return an answer every part of which tries to be more than text."""
    everything = after("terway-exhausted-crd-condition", *SUSPECTS)
    report = everything.diagnosis
    assert report
    entry = report.confirmed[0]
    evidence = (
        entry.findings[0]
        .evidence[0]
        .model_copy(
            update={
                "object": f"Pod shop/web\n{HOSTILE_TEXT}",
                "value": f"x\nkubectl delete ns prod\r\u202e{HOSTILE_TEXT}",
            }
        )
    )
    finding = entry.findings[0].model_copy(update={"claim": HOSTILE_TEXT, "evidence": (evidence,)})
    return everything.model_copy(
        update={
            "title": HOSTILE_TEXT,
            "summary": HOSTILE_TEXT,
            "sections": (
                AnswerSection(
                    name="Steps",
                    statements=(
                        statement(HOSTILE_TEXT, "1", form="step", code=(Code(language="", text=HOSTILE_TEXT),)),
                    ),
                ),
            ),
            "citations": (
                everything.citations[0].model_copy(update={"heading": HOSTILE_TEXT, "document": HOSTILE_TEXT}),
            ),
            "note_sources": (),
            "differs": (
                SeenDifference(
                    topic=HOSTILE_TEXT,
                    intl=HOSTILE_TEXT,
                    cn=HOSTILE_TEXT,
                    advice=statement(HOSTILE_TEXT),
                    entry=EXHAUSTED,
                ),
            ),
            "candidates": tuple(one.model_copy(update={"title": HOSTILE_TEXT}) for one in everything.candidates[:2]),
            "diagnosis": report.model_copy(
                update={"confirmed": (entry.model_copy(update={"title": HOSTILE_TEXT, "findings": (finding,)}),)}
            ),
        }
    )


def overlong() -> Answer:
    """Return an answer that is far longer than a message."""
    step = "Read what the `terway` container of the node says, and compare it with what the console shows. " * 4
    risk = statement("New pods on this node wait meanwhile; running pods keep their network.", "a", own_note=True)
    steps = tuple(
        statement(
            f"Step {number}: {step}",
            "1",
            form="step",
            code=(Code(language="bash", text=f"kubectl -n kube-system logs terway-eniip-{number} -c terway\n" * 3),),
            risks=(risk,),
            children=(statement(f"An aside on step {number}. {step}", "a", form="bullet", own_note=True),),
        )
        for number in range(1, 21)
    )
    base = plain(EXHAUSTED, QUOTA)
    return base.model_copy(
        update={"sections": (base.sections[0], AnswerSection(name="Steps", statements=steps), *base.sections[2:])}
    )


LOOK_ALIKE = SignatureHit("can't found dev by mac <mac>", (MAC,), 0.0)
HEADLINE = Headline(
    incident=7,
    state="open",
    source="Alertmanager",
    title="KubePodNotReady shop/web <!channel>",
    firing=3,
    left_out=1,
    url="https://alerts.example/#/alerts?receiver=acknet",
    looked=(),
)
LOOKING = Looking(
    "prod-hangzhou",
    {"cluster_profile": "read", "terway_nodes": "read", "events": "unreadable", "vswitch_shortage": "reading"},
)

MESSAGES: dict[str, Callable[[], Message]] = {
    "answer": lambda: shown(plain(NO_INTERNET, EXHAUSTED, QUOTA)),
    "answer-for-a-version": lambda: shown(plain(ENI_MODE, STATUS, turn="Terway 1.9.3")),
    "answer-with-page": lambda: shown(
        plain(NO_INTERNET), entry_url=lambda entry: f"https://acknet.example/entries/{entry}"
    ),
    "answer-shortened": lambda: shown(plain("flannel-ip-leak", "flannel-pod-cidr-exhausted")),
    "answer-overlong": lambda: shown(overlong()),
    "answer-chinese": lambda: shown(chinese()),
    "answer-hostile": lambda: shown(hostile()),
    "choices": lambda: shown(plain(EXHAUSTED, QUOTA, MAC, outcome="choices")),
    "no-answer": lambda: shown(plain("choose-plugin", STATUS, outcome="no_answer")),
    "no-answer-look-alike": lambda: shown(COMPOSER.compose(["x"], ranking([MAC], "no_answer", LOOK_ALIKE))),
    "explained": lambda: shown(COMPOSER.explain(MAC, None), instead_of=CORPUS[EXHAUSTED].title, may_probe=False),
    "looking": lambda: shown(plain(EXHAUSTED, QUOTA, MAC, outcome="choices"), looking=LOOKING),
    "looking-again": lambda: shown(after("terway-exhausted-events-forbidden", *SUSPECTS), looking=LOOKING),
    "looking-began": lambda: shown(plain(EXHAUSTED, QUOTA, outcome="choices"), looking=Looking()),
    "confirmed": lambda: shown(after("terway-exhausted-crd-condition", *SUSPECTS)),
    "confirmed-without-evidence": lambda: shown(after("terway-exhausted-crd-condition", *SUSPECTS), evidence=False),
    "confirmed-two": lambda: shown(after("terway-two-faults-at-once", *SUSPECTS)),
    "ruled-out": lambda: shown(after("terway-healthy-crd", EXHAUSTED)),
    "unreadable": lambda: shown(after("terway-exhausted-pods-forbidden", EXHAUSTED)),
    "unreadable-choices": lambda: shown(after("terway-exhausted-events-forbidden", QUOTA, MAC, outcome="choices")),
    "state": lambda: shown(after("terway-mode-exclusive-cluster", ENI_MODE)),
    "evidence": lambda: evidence_message(_report(after("terway-exhausted-crd-condition", *SUSPECTS)), EXHAUSTED),
    "evidence-unreadable": lambda: evidence_message(
        _report(after("terway-exhausted-pods-forbidden", *SUSPECTS)), EXHAUSTED
    ),
    "evidence-more": lambda: evidence_message(
        _report(after("terway-exhausted-crd-condition", *SUSPECTS)), EXHAUSTED
    ).more[0],
    "look-stopped": lambda: shown(plain(EXHAUSTED, QUOTA, MAC, outcome="choices"), aside=STOPPED),
    "incident": lambda: incident_message(HEADLINE),
    "incident-resolved": lambda: incident_message(HEADLINE.model_copy(update={"state": "resolved", "firing": 0})),
    "reply": lambda: reply_messages(shown(plain("flannel-ip-leak")).overflow or "")[0],
    "notice-not-allowed": lambda: notices.not_allowed("This channel is shared with another organisation."),
    "notice-look-failed": lambda: notices.look_failed("the API server at <https://10.0.0.1> did not answer"),
} | {
    f"notice-{name.replace('_', '-')}": getattr(notices, name)
    for name in notices.__all__
    if name not in {"not_allowed", "look_failed"}
}

KNOWN = Scope(namespace="业务", pod="web-5c9f7d8b6-x2x7k")
VIEWS: dict[str, Callable[[], View]] = {
    "checks-form": lambda: checks_form(PLACE),
    "checks-form-known": lambda: checks_form(
        PLACE, clusters=["prod-hangzhou", "prod-beijing", "staging"], known=KNOWN, cluster="prod-beijing"
    ),
    "reason-form": lambda: reason_form(PLACE),
    "home": lambda: home_view(
        health=[
            HealthLine("Answers", True, "from 42 entries of the FAQ"),
            HealthLine("Memory of answers and ratings", False, "down; answers go on"),
            HealthLine("Looks into clusters", None, "prod-hangzhou, staging"),
        ],
        asked_most=[
            Asked(CORPUS[EXHAUSTED].title, 31),
            Asked(CORPUS[STATUS].title, 12),
            Asked("Pod 无法访问外网 <!here>", 1),
        ],
        may_probe=True,
    ),
    "home-first-day": home_view,
}


def _report(answer: Answer) -> Any:
    assert answer.diagnosis
    return answer.diagnosis


def one_block_a_line(sent: dict[str, Any]) -> str:
    def dumped(value: Any) -> str:
        if isinstance(value, list):
            return "[\n  " + ",\n  ".join(json.dumps(one, ensure_ascii=False) for one in value) + "\n ]"
        return json.dumps(value, ensure_ascii=False)

    return "{\n " + ",\n ".join(f'"{key}": {dumped(value)}' for key, value in sent.items()) + "\n}\n"


def compare(name: str, sent: dict[str, Any], seen: str) -> None:
    files = {f"{name}.json": one_block_a_line(sent), f"{name}.txt": seen}
    for file, content in files.items():
        if os.environ.get("RENEW_GOLDEN"):
            GOLDEN.mkdir(exist_ok=True)
            (GOLDEN / file).write_text(content)
        assert (GOLDEN / file).read_text() == content


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_the_one_in_its_file_and_slack_takes_it(name: str) -> None:
    message = MESSAGES[name]()
    for page in message.more:
        check_blocks(page.payload()["blocks"])
    sent = message.payload() | {"overflows": message.overflow is not None}
    check_blocks(sent["blocks"])
    compare(name, sent, seen_message(sent))


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_the_one_in_its_file_and_slack_takes_it(name: str) -> None:
    sent = VIEWS[name]().to_dict()
    check_view(sent, kinds=("modal", "home"))
    compare(name, sent, seen_view(sent))


def test_no_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*MESSAGES, *VIEWS}


def test_where_to_look_by_hand_names_nothing_of_the_cluster_where_evidence_is_withheld() -> None:
    answer = after("terway-healthy-crd", NO_INTERNET)
    messages = {evidence: shown(answer, evidence=evidence) for evidence in (True, False)}
    told = {evidence: f"{message.payload()} {message.overflow}" for evidence, message in messages.items()}
    vswitches = set(re.findall(r"vsw-[a-z0-9]{8,}", told[True]))
    assert vswitches
    assert not {one for one in vswitches if one in told[False]}
    assert "Look by hand" in told[False]
