"""``acknet mcp`` as a process, spoken to with the protocol's own client."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, ListResourcesResult, ListToolsResult

from bot.cli.app import main
from bot.render import json_answer, markdown_answer
from bot.settings.tokens import ApiToken
from bot.web.entries import entry_view
from tests.doubles.engine import StandInEngine
from tests.doubles.kubernetes_api import kubernetes_api
from tests.doubles.shell import ROOT, STAND_IN, shell_in
from tests.scenarios.loading import NOW, as_json, load_scenario

ENTRY = "terway-vswitch-ip-exhausted"
SCENARIO = load_scenario(ROOT / "tests" / "scenarios" / "terway-exhausted-crd-condition")
SCOPE = dict(SCENARIO.data["scope"])
KEY = "LTAI5tAbCdEfGhIjKlMnOp"

T = TypeVar("T")
Talk = Callable[[Client], Awaitable[T]]


def over_stdio(home: Path, talk: Talk[T], **variables: str) -> T:
    environment = shell_in(home, command=STAND_IN, **variables).environment
    command = StdioServerParameters(command=sys.executable, args=[*STAND_IN, "mcp"], cwd=ROOT, env=environment)

    async def run() -> T:
        async with Client(command) as client:
            return await talk(client)

    return asyncio.run(run())


def over_http(url: str, talk: Talk[T], token: str = "") -> T:
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def run() -> T:
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return await talk(client)

    return asyncio.run(run())


@contextmanager
def serving(home: Path, *arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run ``acknet mcp --http`` and yield it with its address."""
    shell = shell_in(home, command=STAND_IN, **variables)
    popen = shell.popen("mcp", "--http", "--port", "0", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with popen as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            found = re.fullmatch(r"acknet takes MCP at (http://127\.0\.0\.1:[1-9]\d*/mcp)\n", line)
            assert found, line
            yield process, found[1]
        finally:
            process.kill()


async def refusal(call: Awaitable[object]) -> str:
    with pytest.raises(MCPError) as refused:
        await call
    return str(refused.value)


async def conversation(client: Client) -> dict[str, Any]:
    """Return what came of one of each."""
    wrong = {
        "unknown argument": ("ask", {"question": "x", "shell": "rm\n-rf"}),
        "blank": ("ask", {"question": " "}),
        "hostile name": ("diagnose", {"scope": {"namespace": "../../etc\n"}}),
        "unknown entry": ("diagnose", {"entries": [f"{ENTRY}s\x1b[31m"]}),
        "crash": ("ask", {"question": f"CRASH {KEY}"}),
    }
    return {
        "tools": await client.list_tools(),
        "ask": await client.call_tool("ask", {"question": ENTRY, "thread": ["on Terway"]}),
        "paste": await client.call_tool("ask", {"question": f"{ENTRY}\nGET /x 200 {KEY}", "diagnose": False}),
        "entry": await client.call_tool("get_entry", {"id": ENTRY}),
        "resources": await client.list_resources(),
        "resource": await client.read_resource(f"acknet://entries/{ENTRY}"),
        "refused": [
            await refusal(client.call_tool("delete_pod", {})),
            await refusal(client.read_resource("acknet://entries/nothing-of-this-kind")),
            await refusal(client.read_resource("file:///etc/passwd")),
        ],
        "wrong": {name: await client.call_tool(tool, arguments) for name, (tool, arguments) in wrong.items()},
    }


@pytest.fixture(scope="module")
def said_on_stdio(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return over_stdio(tmp_path_factory.mktemp("stdio"), conversation)


@pytest.fixture(scope="module")
def said_over_http(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with serving(tmp_path_factory.mktemp("http")) as (process, url):
        said = over_http(url, conversation)
        rebound = httpx.post(url, json={}, headers={"Host": "evil.example"}, trust_env=False, timeout=60)
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=60)
    return {**said, "rebound": rebound.status_code, "ended": (process.returncode, rest)}


@pytest.fixture(scope="module", params=["said_on_stdio", "said_over_http"])
def said(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.getfixturevalue(request.param)
    return found


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert content.type == "text"
    return content.text


def test_it_lists_tools_that_change_nothing_and_say_what_they_take(said: dict[str, Any]) -> None:
    listed: ListToolsResult = said["tools"]

    assert [tool.name for tool in listed.tools] == ["ask", "diagnose", "get_entry"]
    for tool in listed.tools:
        assert tool.annotations is not None
        assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (True, False)
        assert all("description" in argument for argument in tool.input_schema["properties"].values())


def test_an_answer_is_the_one_of_every_other_surface(said: dict[str, Any]) -> None:
    result: CallToolResult = said["ask"]
    expected = StandInEngine().ask(["on Terway", ENTRY])

    assert not result.is_error
    assert text_of(result) == markdown_answer(expected)
    assert {**result.structured_content, "id": None} == {**json_answer(expected), "id": None}
    assert result.structured_content["id"]


def test_an_answer_does_not_repeat_what_was_pasted(said: dict[str, Any]) -> None:
    assert not said["paste"].is_error
    assert KEY not in said["paste"].model_dump_json()


def test_an_entry_is_told_as_markdown_and_as_the_api_shows_it(said: dict[str, Any]) -> None:
    engine = StandInEngine()
    result: CallToolResult = said["entry"]

    assert text_of(result) == markdown_answer(engine.explain(ENTRY))
    assert result.structured_content == entry_view(engine.corpus, engine.corpus[ENTRY]).model_dump(mode="json")


def test_every_entry_is_a_resource_in_markdown(said: dict[str, Any]) -> None:
    listed: ListResourcesResult = said["resources"]
    (contents,) = said["resource"].contents

    assert [one.name for one in listed.resources] == [entry.id for entry in StandInEngine().corpus.entries]
    assert {one.mime_type for one in listed.resources} == {"text/markdown"}
    assert contents.text == markdown_answer(StandInEngine().explain(ENTRY))


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("unknown argument", "'shell' is not known here"),
        ("blank", "'question' is blank"),
        ("hostile name", "'scope.namespace'"),
        ("unknown entry", f"did you mean {ENTRY}"),
        ("crash", "its log tells more under request"),
    ],
)
def test_what_goes_wrong_is_one_line_that_the_caller_can_act_on(said: dict[str, Any], what: str, says: str) -> None:
    result: CallToolResult = said["wrong"][what]
    text = text_of(result)

    assert result.is_error
    assert says in text
    assert text.isprintable()
    assert KEY not in text
    assert "Traceback" not in text


def test_an_unknown_tool_or_resource_is_an_error_of_the_protocol(said: dict[str, Any]) -> None:
    tool, entry, file = said["refused"]

    assert "there are ask, diagnose, get_entry" in tool
    assert "nothing-of-this-kind" in entry
    assert "entries are at acknet://entries/" in file


def test_an_index_that_cannot_be_opened_is_said_to_the_caller(tmp_path: Path) -> None:
    async def ask(client: Client) -> CallToolResult:
        return await client.call_tool("ask", {"question": "x"})

    result = over_stdio(tmp_path, ask, STAND_IN="fails")

    assert result.is_error
    assert text_of(result).startswith("The index cannot be opened: the encoder's weights are not installed")


HELLO = [
    {
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "a test", "version": "1"},
        },
    },
    {"method": "notifications/initialized"},
]


def written(*messages: dict[str, Any]) -> bytes:
    return b"".join(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n" for message in messages)


def test_stdout_holds_nothing_but_the_protocol_and_the_end_of_stdin_ends_it(tmp_path: Path) -> None:
    shell = shell_in(tmp_path, command=STAND_IN, ACKNET_LOG_LEVEL="info")
    crash = {"id": 2, "method": "tools/call", "params": {"name": "ask", "arguments": {"question": f"CRASH {KEY}"}}}
    log = tmp_path / "log"
    with (
        log.open("wb") as errors,
        shell.popen("mcp", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(written(*HELLO) + b"no message at all\n" + written(crash))
        process.stdin.flush()
        said: list[dict[str, Any]] = []
        while not any(message.get("id") == 2 for message in said):
            said.append(json.loads(process.stdout.readline()))
        rest, _ = process.communicate(timeout=60)

    said += map(json.loads, rest.splitlines())
    assert {message["jsonrpc"] for message in said} == {"2.0"}
    assert process.returncode == 0
    assert "builtins.RuntimeError at" in log.read_text()
    assert KEY not in log.read_text()


def test_a_signal_ends_it_while_the_index_is_being_built(tmp_path: Path) -> None:
    shell = shell_in(tmp_path, command=STAND_IN, STAND_IN="builds-for-ever")
    with shell.popen("mcp", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(written(*HELLO))
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "acknet"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_over_http_a_signal_ends_it_and_its_address_is_all_it_prints(said_over_http: dict[str, Any]) -> None:
    assert said_over_http["ended"] == (0, b"")


@dataclass(frozen=True)
class Guarded:
    """A server that looks into a cluster and takes tokens; ``asked`` counts what the cluster was asked."""

    url: str
    tokens: dict[str, str]
    asked: Callable[[], int]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    home = tmp_path_factory.mktemp("guarded")
    made = {scope: ApiToken.new(scope, [scope]) for scope in ("ask", "diagnose", "alerts")}
    objects = [as_json(one) for one in SCENARIO.objects]
    with kubernetes_api(objects, logs=SCENARIO.logs, now=NOW) as api:
        settings = {
            "ACKNET_API_TOKENS": ",".join(kept.line for kept, _ in made.values()),
            "ACKNET_OPEN_LOCALLY": "false",
            "ACKNET_KUBECONFIG": str(api.kubeconfig(home)),
        }
        with serving(home, **settings) as (_, url):
            yield Guarded(url, {scope: token for scope, (_, token) in made.items()}, lambda: len(api.requests))


async def look(client: Client) -> CallToolResult:
    return await client.call_tool("diagnose", {"entries": [ENTRY], "scope": SCOPE})


def test_a_look_says_what_the_cluster_shows_once_and_explains_what_is_confirmed(guarded: Guarded) -> None:
    result = over_http(guarded.url, look, guarded.tokens["diagnose"])

    assert result.structured_content["verdicts"] == {ENTRY: "confirmed"}
    assert text_of(result).count("What the cluster shows") == 1
    assert StandInEngine().corpus[ENTRY].title in text_of(result)


def test_a_token_for_questions_alone_gets_answers_and_no_look_into_the_cluster(guarded: Guarded) -> None:
    async def ask(client: Client) -> CallToolResult:
        return await client.call_tool("ask", {"question": ENTRY})

    before = guarded.asked()

    assert not over_http(guarded.url, ask, guarded.tokens["ask"]).is_error
    refused = over_http(guarded.url, look, guarded.tokens["ask"])
    assert refused.is_error
    assert text_of(refused).startswith("There is nothing to look into")
    assert text_of(refused).isprintable()
    assert guarded.asked() == before


@pytest.mark.parametrize(("scope", "status"), [(None, 401), ("alerts", 403)])
def test_whoever_may_not_ask_is_refused_before_the_protocol(guarded: Guarded, scope: str | None, status: int) -> None:
    headers = {"Authorization": f"Bearer {guarded.tokens[scope]}"} if scope else {}
    reply = httpx.post(guarded.url, json={}, headers=headers, trust_env=False, timeout=60)

    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")


def test_over_http_a_page_whose_name_was_pointed_here_gets_nothing(said_over_http: dict[str, Any]) -> None:
    assert said_over_http["rebound"] == 401


def test_it_does_not_listen_where_others_reach_it_without_a_token(tmp_path: Path) -> None:
    done = shell_in(tmp_path, command=STAND_IN, STAND_IN="elsewhere").run("mcp", "--http", "--port", "0")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("acknet: other machines reach this address")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["mcp", "--port", "9000"], "acknet: --host and --port say where to listen, which takes --http\n"),
        (["mcp"], "acknet: acknet mcp needs the SDK of the protocol; run: pip install 'acknet[mcp]'\n"),
    ],
)
def test_wrong_use_is_one_line_that_says_what_to_do(
    arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bot.cli.mcp.find_spec", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["acknet", *arguments])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert capsys.readouterr() == ("", says)
