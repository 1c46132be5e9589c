"""The page without a script: asking, following up, choosing, rating, and what it refuses."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import httpx
import pytest

from bot.settings import Settings
from bot.settings.tokens import ApiToken
from bot.store import Store
from tests.bot.web.pages.conftest import Site
from tests.bot.web.pages.reading import Element, Page, read_page
from tests.doubles.engine import StandInEngine
from tests.doubles.server import RunningServer, running_server

ENTRY = "terway-vswitch-ip-exhausted"

T = TypeVar("T")


def get(site: Site, path: str) -> Page:
    reply = site.server.http.get(path, headers={"Accept": "text/html"})
    assert reply.status_code == 200, reply.text
    return read_page(reply.text)


def send(site: Site, form: Element, *more: tuple[str, str], **headers: str) -> httpx.Response:
    """Send a form as a browser without script does; ``more`` are what was typed and the button."""
    typed = dict(more)
    fields = [pair for pair in form.fields() if pair[0] not in typed]
    body = httpx.QueryParams([*fields, *more])
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html", "Origin": site.url}
    return site.server.http.post(form.attributes["action"], content=str(body).encode(), headers=kind | headers)


def asked(site: Site, form: Element, *more: tuple[str, str]) -> Page:
    reply = send(site, form, *more)
    assert reply.status_code == 200, reply.text
    return read_page(reply.text)


def in_store(site: Site, steps: Callable[[Store], Awaitable[T]]) -> T:
    async def run() -> T:
        store = Store(site.store_url, seconds=60)
        try:
            return await steps(store)
        finally:
            await store.close()

    return asyncio.run(run())


def test_a_question_is_answered_with_citations_that_open_the_place_in_the_entry(site: Site) -> None:
    page = asked(site, get(site, "/").composer, ("question", f"what about {ENTRY}?"))

    refs = page.all("a", class_="ref")
    assert refs
    entry = get(site, f"/entries/{ENTRY}")
    for ref in refs:
        path, _, anchor = ref.attributes["href"].partition("#")
        assert path == f"/entries/{ENTRY}"
        assert anchor in entry.ids
    assert site.engine.corpus[ENTRY].title in page.all("h2", class_="answer-title")[0].text


def test_a_follow_up_brings_along_what_was_said(site: Site) -> None:
    first = asked(site, get(site, "/").composer, ("question", "first\r\nwith a paste"))
    second = asked(site, first.composer, ("question", "second"))
    third = asked(site, second.composer, ("question", "and now?"))

    assert site.engine.asked[-1] == ["first\nwith a paste", "second", "and now?"]
    assert "first with a paste" in third.all("details", id="earlier")[0].text
    places = {dict(page.composer.fields())["place"] for page in (first, second, third)}
    assert len(places) == 1
    # Feedback waits until its answer is kept.
    assert send(site, third.all("form", class_="feedback")[0], ("verdict", "helpful")).status_code == 200
    answers = in_store(site, lambda store: store.answers.at_place(places.pop()))
    assert ("first\nwith a paste", "second", "and now?") in {one.turns for one in answers}


def test_another_entry_can_be_chosen_for_the_same_question(site: Site) -> None:
    page = asked(site, get(site, "/").composer, ("question", f"{ENTRY} for Terway v1.9.0"))
    (other,) = [form for form in page.all("form") if form.attributes.get("id", "").startswith("other-")]
    names = [button.attributes["value"] for button in other.all("button", name="choose")]
    assert ENTRY not in names

    chosen = asked(site, other, ("choose", names[0]))

    assert site.engine.corpus[names[0]].title in chosen.all("h2", class_="answer-title")[0].text
    assert [pair for pair in chosen.composer.fields() if pair[0] in {"turn", "entry"}] == [
        ("turn", f"{ENTRY} for Terway v1.9.0"),
        ("entry", names[0]),
    ]


def test_several_causes_are_choices_that_can_be_taken(site: Site) -> None:
    page = asked(site, get(site, "/").composer, ("question", "CHOOSE"))
    buttons = page.all("button", name="choose")
    assert len(buttons) == 3
    (form,) = [one for one in page.all("form") if one.attributes.get("id") == buttons[0].attributes["form"]]

    chosen = asked(site, form, ("choose", buttons[1].attributes["value"]))

    assert site.engine.corpus[buttons[1].attributes["value"]].title in chosen.text


def test_no_answer_names_what_comes_closest(site: Site) -> None:
    page = asked(site, get(site, "/").composer, ("question", "REFUSE"))

    assert "The FAQ has no answer to this" in page.text
    assert len([link for link in page.links if link.startswith("/entries/")]) == 3
    assert page.all("a", class_="ref") == []


def test_a_look_shows_verdict_and_first_step_before_the_answer(site: Site) -> None:
    more = [("question", f"{ENTRY}?"), ("look", "yes"), *site.scope.items()]
    page = asked(site, get(site, "/").composer, *more)

    (confirmed,) = page.all("div", class_="confirmed")
    assert "Confirmed in the cluster" in confirmed.text
    assert "First step" in confirmed.text
    assert "kubectl get nodes.network.alibabacloud.com" in confirmed.text
    (answer,) = page.all("div", class_="answer")
    assert answer.text.index("Confirmed in the cluster") < answer.text.index(site.engine.corpus[ENTRY].title)
    assert dict(page.composer.fields())["namespace"] == site.scope["namespace"]


@pytest.fixture(scope="module")
def guarded() -> Iterator[tuple[RunningServer, dict[str, str]]]:
    """A server that trusts nobody, and tokens by their scope."""
    made = {scope: ApiToken.new(scope, [scope]) for scope in ("ask", "diagnose", "alerts")}
    settings = Settings(port=0, open_locally=False, api_tokens=tuple(token for token, _ in made.values()))
    with running_server(lambda _: StandInEngine(), settings) as running:
        yield running, {scope: secret for scope, (_, secret) in made.items()}


def test_whoever_may_only_ask_looks_into_what_is_pasted_and_not_into_the_cluster(
    guarded: tuple[RunningServer, dict[str, str]],
) -> None:
    server, tokens = guarded
    login = httpx.BasicAuth("", tokens["ask"])

    start = read_page(server.http.get("/", auth=login).text)
    reply = server.http.post("/", data={"question": ENTRY, "look": "yes", "namespace": "x"}, auth=login)

    assert "namespace" not in dict(start.composer.fields())
    assert reply.status_code == 422
    assert "may not be looked into from here" in read_page(reply.text).all("div", id="trouble")[0].text
    live = read_page(server.http.get("/", auth=httpx.BasicAuth("", tokens["diagnose"])).text)
    assert "namespace" in dict(live.composer.fields())


@pytest.mark.parametrize("path", ["/", "/entries", f"/entries/{ENTRY}"])
def test_a_browser_without_a_token_is_asked_for_one_by_a_page(
    guarded: tuple[RunningServer, dict[str, str]], path: str
) -> None:
    server, tokens = guarded
    page = {"Accept": "text/html"}

    refused = server.http.get(path, headers=page)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic")
    (sheet,) = read_page(refused.text).all("link", rel="stylesheet")
    assert server.http.get(sheet.attributes["href"]).status_code == 200
    assert server.http.get(path, headers=page, auth=httpx.BasicAuth("x", tokens["alerts"])).status_code == 403
    assert server.http.get(path, headers=page, auth=httpx.BasicAuth("x", tokens["ask"])).status_code == 200


def test_what_cannot_be_looked_into_is_said_and_the_question_is_not_lost(site: Site) -> None:
    with running_server(lambda _: StandInEngine(), Settings(port=0)) as bare:
        reply = bare.http.post("/", data={"question": "why <so>?", "look": "yes", "node": "n-1"})

    page = read_page(reply.text)
    assert reply.status_code == 422
    assert "no cluster access is configured" in page.all("div", id="trouble")[0].text
    assert dict(page.composer.fields()) | {"place": ""} == {
        "place": "",
        "question": "why <so>?",
        "namespace": "",
        "pod": "",
        "node": "n-1",
        "service": "",
    }


def test_a_cluster_is_chosen_among_those_that_the_settings_name() -> None:
    with running_server(lambda _: StandInEngine(), Settings(port=0, clusters=("prod-1", "prod-2"))) as several:
        start = read_page(several.http.get("/").text)
        reply = several.http.post("/", data={"question": "x", "look": "yes", "cluster": "elsewhere"})

    (choice,) = start.all("select", name="cluster")
    assert [option.text for option in choice.all("option")] == ["the default one", "prod-1", "prod-2"]
    assert reply.status_code == 422
    assert "there is no cluster of this name" in read_page(reply.text).all("div", id="trouble")[0].text


def test_an_empty_question_is_refused_in_words(site: Site) -> None:
    reply = send(site, get(site, "/").composer, ("question", " \n "))

    assert reply.status_code == 422
    assert "The question is empty" in read_page(reply.text).all("div", id="trouble")[0].text


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}\u202e\x1b[31m </textarea>"


def assert_harmless(page: Page) -> None:
    assert [one for one in page.all("script") if "src" not in one.attributes] == []
    assert [one for one in page.walk() if any(name.startswith("on") for name in one.attributes)] == []


def test_hostile_text_is_shown_and_not_obeyed(site: Site) -> None:
    page = asked(site, get(site, "/").composer, ("question", HOSTILE), ("place", HOSTILE))

    assert_harmless(page)
    (shown,) = page.all("p", class_="words")
    assert shown.text == HOSTILE.replace("\u202e", " ").replace("\x1b", " ")
    fields = dict(page.composer.fields())
    assert fields["turn"] == HOSTILE
    assert re.fullmatch("[A-Za-z0-9_-]{16}", fields["place"])


def test_a_name_that_nothing_can_have_is_refused_and_can_be_mended(site: Site) -> None:
    more = [("question", HOSTILE), ("look", "yes"), ("namespace", HOSTILE)]
    reply = send(site, get(site, "/").composer, *more)

    page = read_page(reply.text)
    assert reply.status_code == 422
    assert "Nothing can have this name: namespace" in page.all("div", id="trouble")[0].text
    assert_harmless(page)
    fields = dict(page.composer.fields())
    assert (fields["question"], fields["namespace"]) == (HOSTILE, HOSTILE)


@pytest.mark.parametrize("path", ["/", "/answers/x/feedback"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_is_refused(site: Site, path: str, headers: dict[str, str]) -> None:
    before = len(site.engine.asked)

    reply = site.server.http.post(path, data={"question": "x", "verdict": "helpful"}, headers=headers)

    assert (reply.status_code, len(site.engine.asked)) == (403, before)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {}])
def test_a_form_of_the_page_and_of_no_browser_is_taken(site: Site, headers: dict[str, str]) -> None:
    assert site.server.http.post("/", data={"question": "x"}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("application/x-www-form-urlencoded", "question=ä".encode(), 400),
        ("application/x-www-form-urlencoded", b"&a=" * 5000, 400),
        ("application/x-www-form-urlencoded", b"question=%ff%00", 200),
    ],
)
def test_what_is_no_form_is_refused(site: Site, kind: str, body: bytes, status: int) -> None:
    reply = site.server.http.post("/", content=body, headers={"Content-Type": kind, "Accept": "text/html"})

    assert (reply.status_code, reply.headers["content-type"]) == (status, "text/html; charset=utf-8")


def test_what_people_think_of_an_answer_is_kept(site: Site) -> None:
    page = asked(site, get(site, "/").composer, ("question", "is this rated?"))
    (form,) = page.all("form", class_="feedback")
    answer = form.attributes["action"].split("/")[2]

    reply = send(site, form, ("verdict", "unhelpful"), ("reason", "wrong <mode>"))

    assert reply.status_code == 200
    assert "Thank you" in read_page(reply.text).all("p", id="notice")[0].text
    (said,) = in_store(site, lambda store: store.feedback.of(answer))
    assert (said.helpful, said.reason) == (False, "wrong <mode>")


def test_what_nobody_could_answer_becomes_an_open_question(site: Site) -> None:
    page = asked(site, get(site, "/").composer, ("question", "does anybody know?"))

    reply = send(site, page.all("form", class_="feedback")[0], ("verdict", "unanswered"))

    assert reply.status_code == 200
    kept = in_store(site, lambda store: store.questions.list(cause="nobody_answered"))
    assert "does anybody know?" in [one.text for one in kept]


@pytest.mark.parametrize(("verdict", "status"), [("helpful", 404), ("unanswered", 404), ("fine", 422), ("", 422)])
def test_feedback_on_what_is_not_known_is_not_kept(site: Site, verdict: str, status: int) -> None:
    reply = site.server.http.post("/answers/never-given/feedback", data={"verdict": verdict})

    assert reply.status_code == status
    assert in_store(site, lambda store: store.feedback.of("never-given")) == ()


def test_a_script_gets_progress_and_then_the_parts_of_the_page(site: Site) -> None:
    body = {"question": f"{ENTRY}?", "look": "yes", **site.scope}
    reply = site.server.http.post("/", data=body, headers={"Accept": "text/event-stream"})

    names = re.findall("^event: (.*)$", reply.text, re.MULTILINE)
    assert names == ["progress"] * (len(names) - 1) + ["result"]
    assert '"stage": "probing"' in reply.text


@pytest.mark.parametrize("accept", ["text/event-stream", "text/event-stream, text/html"])
def test_a_script_is_told_what_is_wrong(site: Site, accept: str) -> None:
    reply = site.server.http.post("/", data={"question": ""}, headers={"Accept": accept})

    assert "event: problem" in reply.text
    assert "The question is empty" in reply.text
