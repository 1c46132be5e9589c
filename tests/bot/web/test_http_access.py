"""Who gets in: this machine, tokens and what they are good for; and who does not."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator

import httpx
import pytest

from bot.settings import Settings
from bot.settings.tokens import ApiToken
from bot.web.app import create_app
from bot.web.rate import RateLimit
from tests.doubles.engine import StandInEngine
from tests.doubles.server import RunningServer, running_server

QUESTION = {"question": "why?"}
HOSTILE_HOSTS = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.0.0.1",
    "[::2]",
    "127.0.0.1:x",
    "",
]
ASKER, ASK = ApiToken.new("asker", ["ask"])
LOOKER, LOOK = ApiToken.new("looker", ["diagnose"])
WATCHER, ALERTS = ApiToken.new("watcher", ["alerts"])
TOKENS = (ASKER, LOOKER, WATCHER)


@pytest.fixture(scope="module")
def guarded() -> Iterator[RunningServer]:
    """Does not trust this machine either."""
    with running_server(lambda _: StandInEngine(), Settings(api_tokens=TOKENS, open_locally=False)) as running:
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def assert_refused(reply: httpx.Response, status: int, kind: str) -> None:
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert reply.json()["type"] == f"urn:acknet:problem:{kind}"
    assert reply.json()["request_id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "acknet.localhost", "127.0.0.1", "127.9.9.9:1", "[::1]:80"]
)
def test_this_machine_asks_without_a_token_under_its_own_name(server: RunningServer, host: str) -> None:
    assert server.http.post("/v1/ask", json=QUESTION, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_a_name_that_was_made_to_lead_here_is_not_this_machine(server: RunningServer, host: str) -> None:
    reply = server.http.post("/v1/ask", json=QUESTION, headers={"Host": host})

    assert_refused(reply, 401, "unauthorized")
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "x-forwarded-host", "X-Forwarded-Anything", "Forwarded", "X-Real-IP", "Via"]
)
def test_what_a_proxy_lets_through_needs_a_token(server: RunningServer, header: str) -> None:
    assert_refused(server.http.get("/v1/entries", headers={header: "127.0.0.1"}), 401, "unauthorized")


def test_the_older_http_that_proxies_speak_needs_a_token(server: RunningServer) -> None:
    assert server.send_raw(b"GET /v1/entries HTTP/1.0\r\nHost: localhost\r\n\r\n").status == 401
    assert server.send_raw(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n").status == 200


@pytest.mark.parametrize("peer", ["192.0.2.7", "10.1.2.3", "2001:db8::1", "::ffff:192.0.2.7"])
def test_another_machine_needs_a_token_whatever_it_claims(peer: str) -> None:
    app = create_app(Settings(api_tokens=TOKENS), lambda _: StandInEngine())

    async def statuses() -> list[int]:
        transport = httpx.ASGITransport(app, client=(peer, 40000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            replies = [
                await client.get("/v1/entries"),
                await client.get("/readyz"),
                await client.get("/v1/nothing", headers=bearer(ASK)),
            ]
        await app.state.service.close()
        return [reply.status_code for reply in replies]

    assert asyncio.run(statuses()) == [401, 503, 404]


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/entries", "/openapi.json", "/metrics", "/nothing", "/healthz/", "/"])
def test_without_a_token_nothing_but_health_is_told(guarded: RunningServer, path: str) -> None:
    assert_refused(guarded.http.get(path), 401, "unauthorized")


def test_health_is_told_to_whoever_asks(guarded: RunningServer) -> None:
    assert guarded.http.get("/healthz").status_code == guarded.http.get("/readyz").status_code == 200


def test_figures_are_told_to_whoever_asks_where_that_is_wanted() -> None:
    with running_server(lambda _: StandInEngine(), Settings(open_locally=False, open_metrics=True)) as server:
        assert server.http.get("/metrics").status_code == 200
        assert server.http.get("/v1/entries").status_code == 401


WRONG: dict[str, str | bytes] = {  # tokens are made up anew in each process, so that no id may hold one
    "nothing": "Bearer",
    "unknown": "Bearer acknet_wrong",
    "cut off": f"Bearer {ASK[:-1]}",
    "twice": f"Bearer {ASK} {ASK}",
    "its digest": f"Bearer {ASKER.digest}",
    "another scheme": f"Token {ASK}",
    "no scheme": ASK,
    "no password": "Basic",
    "no base64": "Basic ===",
    "no colon": "Basic " + base64.b64encode(ASK.encode()).decode(),
    "no text": "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
    "long": "Negotiate " + "a" * 10_000,
    "strange bytes": b"Bearer \xff\xfe",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_token_is_a_401_also_from_this_machine(
    server: RunningServer, guarded: RunningServer, kind: str
) -> None:
    for one in (server, guarded):
        reply = one.http.post("/v1/ask", json=QUESTION, headers={"Authorization": WRONG[kind]})

        assert_refused(reply, 401, "unauthorized")
        assert reply.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_two_tokens_in_one_request_are_none(guarded: RunningServer) -> None:
    headers = [("Authorization", f"Bearer {ASK}"), ("Authorization", f"Bearer {LOOK}")]

    assert_refused(guarded.http.get("/v1/entries", headers=headers), 401, "unauthorized")


def test_a_token_is_good_for_its_scopes_and_for_nothing_else(guarded: RunningServer) -> None:
    def status(token: str, path: str) -> int:
        return guarded.http.post(path, json=QUESTION, headers=bearer(token)).status_code

    assert [status(token, "/v1/ask") for token in (ASK, LOOK, ALERTS)] == [200, 200, 403]
    assert guarded.http.get("/v1/entries", headers=bearer(ALERTS)).status_code == 200
    refused = guarded.http.post("/v1/ask", json=QUESTION, headers=bearer(ALERTS))
    assert_refused(refused, 403, "missing-scope")
    assert refused.json()["detail"] == "The token 'watcher' does not have the scope 'ask', which this takes."


def test_a_browser_is_asked_for_the_token_as_a_password(guarded: RunningServer) -> None:
    refused = guarded.http.get("/v1/entries", headers={"Accept": "text/html,*/*"})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic realm=")

    assert guarded.http.get("/v1/entries", auth=("anybody", ASK)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[half"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_the_page_of_another_site_cannot_ask_in_its_readers_name(
    server: RunningServer, headers: dict[str, str]
) -> None:
    assert_refused(server.http.post("/v1/ask", json=QUESTION, headers=headers), 403, "cross-site")


def test_the_servers_own_page_can_ask(server: RunningServer) -> None:
    headers = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}

    assert server.http.post("/v1/ask", json=QUESTION, headers=headers).status_code == 200


def test_ten_megabytes_without_a_token_are_refused_unread(guarded: RunningServer) -> None:
    reply = guarded.http.post("/v1/ask", content=b"a" * 10_000_000, headers={"Content-Type": "application/json"})

    assert_refused(reply, 401, "unauthorized")
    assert reply.headers["connection"] == "close"


def test_a_body_that_never_comes_does_not_hold_a_refusal_up(guarded: RunningServer) -> None:
    reply = guarded.send_raw(b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")

    assert reply.status == 401


def test_a_token_that_is_used_too_often_is_told_when_to_come_again() -> None:
    with running_server(lambda _: StandInEngine(), Settings(api_tokens=TOKENS, rate_limit=2)) as server:
        statuses = [server.http.get("/v1/entries", headers=bearer(ASK)).status_code for _ in range(2)]
        refused = server.http.post("/v1/ask", json=QUESTION, headers=bearer(ASK))
        other = server.http.get("/v1/entries", headers=bearer(LOOK)).status_code
        local = [server.http.get("/v1/entries").status_code for _ in range(4)]

    assert statuses == [200, 200]
    assert_refused(refused, 429, "rate-limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert (other, local) == (200, [200] * 4)


def test_a_bucket_fills_again_with_time() -> None:
    now = 0.0
    rate = RateLimit(60, lambda: now)

    assert [rate.take("a") for _ in range(61)] == [0] * 60 + [1]
    now = 0.5
    assert rate.take("a") == 1
    now = 1.0
    assert (rate.take("a"), rate.take("a")) == (0, 1)
    now = 1000.0
    assert [rate.take("a") for _ in range(61)] == [0] * 60 + [1]


def test_no_token_is_in_a_log_or_a_setting_that_is_shown(
    guarded: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for token in (ASK, "acknet_wrong"):
        guarded.http.get("/v1/entries", headers=bearer(token))
    guarded.http.get("/healthz")

    shown = caplog.text + str(guarded.http.get("/v1/entries", headers=bearer("acknet_wrong")).text)
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("http")]
    assert ours
    assert not [line for line in ours if ASK in line or "acknet_wrong" in line]
    assert "acknet_wrong" not in shown.split("acknet_…")[-1]
    assert Settings(api_tokens=TOKENS).model_dump(mode="json")["api_tokens"] == [
        "asker:ask",
        "looker:diagnose",
        "watcher:alerts",
    ]
