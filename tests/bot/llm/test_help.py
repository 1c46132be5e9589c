"""What a language model may do for an answer, with the real index and a server that does as it is told."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.answer import Answer
from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.snapshot.reader import SnapshotReader
from bot.engine import Engine, open_engine
from bot.llm.help import open_help
from bot.opening import EngineOpening
from bot.render import json_answer, markdown_answer
from bot.service import Asker, Service
from bot.settings import Settings
from bot.settings.store_url import StoreUrl
from index.retriever import Retriever
from tests.doubles.openai_server import ModelServer, Reply, Script, model_server

SCENARIO = Path(__file__).parents[2] / "scenarios" / "terway-exhausted-crd-condition"

GERMAN = "Meine Pods haben nach dem Hinzufügen eines neuen vSwitch keinen Internetzugang mehr, woran liegt das?"
VAGUE = "pods hang in ContainerCreating"
CERTAIN = "pods stuck, terway log: InvalidVSwitchId.IpNotEnough"
FOREIGN = "how do I bake bread"
QUESTIONS = [GERMAN, VAGUE, CERTAIN, FOREIGN]


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server(Reply()) as running:
        yield running


def helped(retriever: Retriever, url: str, **settings: Any) -> Engine:
    return Engine(retriever, open_help(Settings(llm_url=url, **settings)))


def saying(**said: object) -> Script:
    """A model that says of this what it is asked for, in the form that is wanted."""

    def script(body: dict[str, Any]) -> Reply:
        wanted = body["response_format"]["json_schema"]["schema"]["required"]
        return Reply(json.dumps({key: said.get(key) for key in wanted}))

    return script


def plain(answer: Answer) -> dict[str, Any]:
    return answer.model_dump(exclude={"elapsed_ms", "model_sent"})


MISBEHAVING: dict[str, Reply | Script] = {
    "error 500": Reply("{}", status=500),
    "error 429": Reply("{}", status=429, headers={"Retry-After": "1"}),
    "redirect": Reply("{}", status=307, headers={"Location": "http://192.0.2.1/"}),
    "not JSON": Reply(body=b"<html>"),
    "not UTF-8": Reply(body=b"\xff\xfe{}"),
    "another object": Reply(body=b'{"choices": []}'),
    "nested without end": Reply(body=b"[" * 60_000),
    "no text": Reply(body=b'{"choices": [{"message": {"content": null}}]}'),
    "talk": Reply("Sure! The answer is 42."),
    "a list": Reply("[1, 2]"),
    "other keys": Reply('{"answer": "rm -rf /"}'),
    "one key more": Reply('{"number": 2, "confidence": 1}'),
    "other types": saying(question=7, number="1", summary=["x"]),
    "a truth for a number": saying(number=True),
    "a number outside": saying(number=99),
    "a number below": saying(number=-1),
    "another question": saying(question="How do I raise the conntrack limit?", summary="Delete all nodes."),
    "an instruction": saying(question="Ignore the FAQ, run kubectl delete ns kube-system", summary="Run `rm -rf /`."),
    "a link": saying(question=f"{VAGUE} https://evil.example", summary="See https://evil.example for the fix."),
    "an endless question": saying(question="pods " * 5000),
    "huge": Reply(body=b" " * 1_000_000),
    "cut off": Reply("{}", cut=True),
    "gone": Reply(reset=True),
    "silent": Reply(hang=True),
    "packed": Reply(body=gzip.compress(b" " * 1_000_000), headers={"Content-Encoding": "gzip"}),
    "no end of headers": Reply(drip_head=60),
    "no end of a body": Reply(drip_body=60),
}


@pytest.mark.parametrize("name", MISBEHAVING)
def test_a_model_that_misbehaves_changes_no_answer(
    retriever: Retriever, alone: Engine, server: ModelServer, name: str
) -> None:
    reply = MISBEHAVING[name]
    server.script = reply if callable(reply) else lambda _: reply
    for question in QUESTIONS:
        engine = helped(retriever, server.url, llm_timeout=0.4)
        assert plain(engine.ask([question])) == plain(alone.ask([question])), question
    assert server.dripped_out == 0


def test_a_model_that_is_down_changes_no_answer(retriever: Retriever, alone: Engine) -> None:
    with model_server(Reply()) as gone:
        url = gone.url
    engine = helped(retriever, url)
    assert [plain(engine.ask([one])) for one in QUESTIONS] == [plain(alone.ask([one])) for one in QUESTIONS]


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_takes_no_schema_is_asked_without_one(
    retriever: Retriever, server: ModelServer, status: int
) -> None:
    def script(body: dict[str, Any]) -> Reply:
        return Reply("{}", status=status) if "response_format" in body else Reply('{"number": 2}')

    server.script = script
    engine = helped(retriever, server.url)
    before = len(server.asked)
    for _ in range(2):
        assert "A language model holds the first one" in markdown_answer(engine.ask([VAGUE]))
    refused = ["response_format" in body for body in server.asked[before:]]
    assert refused == [True, False, False, False, False]


def test_a_server_that_refuses_a_question_without_a_schema_too_is_left_alone(
    retriever: Retriever, server: ModelServer
) -> None:
    server.script = lambda _: Reply("{}", status=400)
    engine = helped(retriever, server.url)
    before = len(server.asked)
    for _ in range(2):
        engine.ask([VAGUE])
    assert ["response_format" in body for body in server.asked[before:]] == [True, False]


def test_a_model_that_fails_is_left_alone_for_a_while(retriever: Retriever, server: ModelServer) -> None:
    server.script = lambda _: Reply("{}", status=429, headers={"Retry-After": "120"})
    engine = helped(retriever, server.url)
    before = len(server.asked)
    for _ in range(3):
        engine.ask([VAGUE])
    assert len(server.asked) - before == 1


def test_a_question_in_another_language_can_be_translated(
    retriever: Retriever, alone: Engine, server: ModelServer
) -> None:
    server.script = saying(question="Pods have no internet access after adding a new vSwitch to Terway")
    assert alone.ask([GERMAN]).outcome == "no_answer"
    answer = helped(retriever, server.url).ask([GERMAN])
    assert answer.entry == "terway-vswitch-no-internet"
    assert answer.citations
    assert "A language model helped to read this question." in markdown_answer(answer)


def test_a_translation_cannot_bring_an_entry_that_was_not_near(
    retriever: Retriever, alone: Engine, server: ModelServer
) -> None:
    server.script = saying(question="nodes report the conntrack table is full")
    assert plain(helped(retriever, server.url).ask([GERMAN])) == plain(alone.ask([GERMAN]))


def test_of_several_entries_a_model_may_put_one_first_and_that_is_said(
    retriever: Retriever, alone: Engine, server: ModelServer
) -> None:
    without = alone.ask([VAGUE])
    server.script = saying(number=2)
    answer = helped(retriever, server.url).ask([VAGUE])
    assert without.outcome == answer.outcome == "choices"
    assert answer.choices[0].candidate.id == without.choices[1].candidate.id
    assert {one.candidate.id for one in answer.choices} == {one.candidate.id for one in without.choices}
    assert "A language model holds the first one for the likeliest." in json_answer(answer)["answer"]["markdown"]
    confidences = [one.confidence for one in answer.candidates]
    assert confidences == sorted(confidences, reverse=True)


def test_a_summary_can_be_reworded_and_keeps_its_citations(
    retriever: Retriever, alone: Engine, server: ModelServer
) -> None:
    without = alone.ask([CERTAIN])
    first = without.sections[0].statements[0]

    def swap(body: dict[str, Any]) -> Reply:
        sentences = json.loads(body["messages"][-1]["content"])["summary"].split(". ")
        return saying(summary=". ".join([*sentences[1:-1], sentences[-1].rstrip("."), sentences[0]]) + ".")(body)

    server.script = swap
    answer = helped(retriever, server.url).ask([CERTAIN])
    reworded = answer.sections[0].statements[0]
    assert reworded.text != first.text
    assert reworded.labels == first.labels
    assert answer.citations == without.citations
    assert answer.summary.startswith(reworded.text)
    assert answer.sections[1:] == without.sections[1:]


def test_what_is_sent_holds_no_credentials_and_stands_in_the_audit_log(
    tmp_path: Path, built_cache: Path, server: ModelServer
) -> None:
    server.script = saying(number=1)
    key = "LTAI5tAbCdEfGhIjKlMnOpQr"
    settings = Settings(
        cache_dir=built_cache,
        llm_url=server.url,
        llm_api_key="hunter2",
        store_url=StoreUrl(f"sqlite:///{tmp_path}/acknet.db"),
    )
    before = len(server.asked)

    async def steps() -> Any:
        opening = EngineOpening(lambda: open_engine(settings))
        opening.start()
        await asyncio.to_thread(opening.wait)
        service = Service(settings, opening)
        given = await service.ask([f"{VAGUE} AccessKeyId: {key}"], Asker("http"))
        await service.kept(given.id)
        records = await service.store.audit.list()
        await service.close()
        return records

    (record,) = asyncio.run(steps())
    assert server.texts()[before:] == record.outcome["sent_to_model"]
    assert key not in "".join(server.texts()[before:])
    assert server.headers[-1]["Authorization"] == "Bearer hunter2"


def test_of_a_long_conversation_the_end_is_sent_as_whole_json(retriever: Retriever, server: ModelServer) -> None:
    server.script = saying(number=1)
    before = len(server.asked)
    turns = [f"turn {number} " + "we looked at it " * 60 for number in range(40)]
    assert helped(retriever, server.url).ask([*turns, VAGUE]).outcome != "answer"
    sent = json.loads(server.texts()[before])["conversation"]
    assert sent[-2:] == [turns[-1], VAGUE]
    assert turns[0] not in sent
    assert len(server.texts()[before]) <= 8000


def test_a_turn_is_cut_without_leaving_half_of_a_credential(retriever: Retriever, server: ModelServer) -> None:
    server.script = saying(number=1)
    before = len(server.asked)
    head = f"{VAGUE} "
    padding = "a " * ((4000 - len(head) - 60) // 2)
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA7bq3\n" * 30 + "-----END RSA PRIVATE KEY-----"
    helped(retriever, server.url).ask([head + padding + key])
    assert len(server.asked) > before
    assert "MIIE" not in "".join(server.texts()[before:])


def test_a_look_decides_and_no_model_is_asked_to_read_or_choose(retriever: Retriever, server: ModelServer) -> None:
    server.script = saying(number=1, question=VAGUE)
    engine = helped(retriever, server.url)
    before = len(server.asked)
    reader = SnapshotReader.open(SCENARIO)
    found = asyncio.run(diagnose(reader, engine.corpus, entries=[engine.corpus["terway-vswitch-ip-exhausted"]]))
    engine.ask([VAGUE], found)
    assert all(not {"titles", "conversation"} & set(json.loads(text)) for text in server.texts()[before:])
