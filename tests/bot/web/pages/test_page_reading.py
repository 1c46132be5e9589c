"""Entries as pages, the frame around every page, and errors as pages."""

from __future__ import annotations

import threading

import pytest

from bot.diagnosis.models import ClusterSummary, Diagnosis, Evidence, Finding
from bot.render.html import html_answer, html_environment
from bot.settings import Settings
from bot.settings.tokens import ApiToken
from tests.bot.web.pages.conftest import Site
from tests.bot.web.pages.reading import Page, read_page
from tests.doubles.engine import StandInEngine, shipped_corpus
from tests.doubles.server import running_server

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
IDS = [entry.id for entry in shipped_corpus().entries]


def get(site: Site, path: str, status: int = 200) -> Page:
    reply = site.server.http.get(path, headers=HTML)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    return read_page(reply.text)


def test_every_entry_is_listed_and_every_link_within_the_site_leads_somewhere(site: Site) -> None:
    paths = ["/", "/entries", "/admin/questions", *(f"/entries/{one}" for one in IDS)]
    pages = {path: get(site, path) for path in paths}

    assert {f"/entries/{one}" for one in IDS} <= pages["/entries"].links
    for path, page in pages.items():
        for link in page.links:
            if link.startswith(("https://", "/v1/")) or "?" in link:
                continue
            target, _, anchor = link.partition("#")
            assert (target or path) in pages, f"{link} on {path}"
            assert not anchor or anchor in pages[target or path].ids, f"{link} on {path}"


@pytest.mark.parametrize("entry_id", IDS)
def test_an_entry_shows_everything_that_is_known_about_it(site: Site, entry_id: str) -> None:
    entry, page = site.engine.corpus[entry_id], get(site, f"/entries/{entry_id}")
    text = page.text

    assert page.all("h1")[0].text == entry.title
    for case in entry.cases:
        assert case.claim in text
        assert case.by_hand is None or case.by_hand in text
    for difference in entry.differs:
        assert {difference.intl, difference.cn} <= {one.text for one in page.all("dd")}
    for cite in entry.cites:
        assert f"“{cite.heading}”" in text
    for statement in entry.statements():
        for code in statement.code:
            assert code.text in [one.text for one in page.all("code")]
    risks = [risk for statement in entry.statements() for risk in statement.risks]
    assert len(page.all("div", class_="risk")) == len(risks)
    assert {f"/entries/{other}" for other in entry.see_also} <= page.links


def test_words_find_the_entries_that_hold_them_best_first(site: Site) -> None:
    page = get(site, "/entries?q=InvalidVSwitchId.IpNotEnough")
    found = [one.all("a")[0].attributes["href"] for one in page.all("ul", class_="entries")[0].all("li")]
    assert found[0] == "/entries/terway-vswitch-ip-exhausted"
    assert len(found) < len(IDS)

    within = get(site, "/entries?q=pod&area=flannel").all("ul", class_="entries")[0]
    areas = {site.engine.corpus[one.attributes["href"].removeprefix("/entries/")].area for one in within.all("a")}
    assert areas == {"flannel"}


def test_entries_that_are_near_in_meaning_follow_once(site: Site) -> None:
    found, near = get(site, "/entries?q=InvalidVSwitchId.IpNotEnough").all("ul", class_="entries")

    assert near.links
    assert not near.links & found.links
    assert len(get(site, "/entries?q=zzz&area=ipv6").all("ul", class_="entries")) == 0


def test_words_that_stand_nowhere_lead_to_a_question(site: Site) -> None:
    page = get(site, "/entries?q=%3Cscript%3Ezzz")

    assert "/?q=%3Cscript%3Ezzz" in page.links
    assert "0 entries hold “<script>zzz”" in page.text


def test_an_area_shows_its_entries_only(site: Site) -> None:
    entries = [one for one in site.engine.corpus.entries if one.area == "ipv6"]
    page = get(site, "/entries?area=ipv6")

    assert len([one for one in page.links if one.startswith("/entries/")]) == len(entries)
    assert "There is no such area." in get(site, "/entries?area=nowhere").text


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/entries", 200), (f"/entries/{IDS[0]}", 200), ("/entries/nowhere", 404), ("/nowhere", 404)],
)
def test_a_page_may_load_and_do_nothing_but_its_own(site: Site, path: str, status: int) -> None:
    reply = site.server.http.get(path, headers=HTML)

    assert reply.status_code == status
    policy = dict(part.strip().split(" ", 1) for part in reply.headers["content-security-policy"].split(";"))
    assert policy.pop("default-src") == "'none'"
    assert set(policy.values()) <= {"'self'", "'none'"}
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    page = read_page(reply.text)
    loaded = [
        one.attributes.get("src") or one.attributes["href"]
        for tag in ("script", "link", "img")
        for one in page.all(tag)
    ]
    assert all(one.startswith("/static/") for one in loaded)
    assert [one for one in page.walk() if "style" in one.attributes or one.tag == "style"] == []


def test_files_are_kept_for_ever_under_an_address_that_changes_with_them(site: Site) -> None:
    (sheet,) = get(site, "/").all("link", rel="stylesheet")
    address = sheet.attributes["href"]

    assert "immutable" in site.server.http.get(address).headers["cache-control"]
    assert site.server.http.get(address.partition("?")[0]).headers["cache-control"] == "no-cache"
    assert site.server.http.get("/static/../router.py").status_code == 404
    assert site.server.http.get("/static/..%2frouter.py").status_code == 404


def test_an_unknown_entry_is_a_page_that_names_the_closest(site: Site) -> None:
    page = get(site, "/entries/terway-vswitch-ip-exausted", 404)

    assert "/entries/terway-vswitch-ip-exhausted" in page.links


def test_the_api_keeps_to_problem_details_whoever_asks(site: Site) -> None:
    assert site.server.http.get("/v1/entries/x", headers=HTML).headers["content-type"] == "application/problem+json"
    assert site.server.http.get("/entries/x").headers["content-type"] == "application/problem+json"


def test_a_large_paste_is_refused_as_a_page(site: Site) -> None:
    reply = site.server.http.post("/", data={"question": "x" * 5_000_000}, headers=HTML)

    assert reply.status_code == 413
    assert "The body is too large" in read_page(reply.text).text


def test_too_many_requests_are_a_page() -> None:
    token, secret = ApiToken.new("often", ["ask"])
    settings = Settings(port=0, api_tokens=(token,), rate_limit=1)
    with running_server(lambda _: StandInEngine(), settings) as limited:
        replies = [limited.http.get("/", headers=HTML, auth=("", secret)) for _ in range(20)]

    refused = next(reply for reply in replies if reply.status_code == 429)
    assert "Too many requests" in read_page(refused.text).all("h1")[0].text


def test_a_crash_is_a_page_without_the_question(site: Site) -> None:
    reply = site.server.http.post("/", data={"question": "CRASH secret words"}, headers=HTML)

    assert reply.status_code == 500
    page = read_page(reply.text)
    assert reply.headers["x-request-id"] in page.text
    assert "secret words" not in page.text


def test_while_the_index_is_opened_entries_wait_and_a_question_is_kept() -> None:
    opened = threading.Event()

    def open_slowly(_: Settings) -> StandInEngine:
        opened.wait(60)
        return StandInEngine()

    with running_server(open_slowly, Settings(port=0), opened=False) as opening:
        try:
            entries = opening.http.get("/entries", headers=HTML)
            start = opening.http.get("/", headers=HTML)
            question = opening.http.post("/", data={"question": "what now?"}, headers=HTML)
        finally:
            opened.set()

    assert entries.status_code == 503
    (refresh,) = [one for one in read_page(entries.text).all("meta") if "http-equiv" in one.attributes]
    assert refresh.attributes["content"] == entries.headers["retry-after"]
    assert (start.status_code, question.status_code) == (200, 503)
    assert "http-equiv" not in start.text + question.text
    assert dict(read_page(question.text).composer.fields())["question"] == "what now?"


def test_the_corpus_markdown_cannot_bring_markup_or_addresses_that_run() -> None:
    inline = html_environment().filters["inline"]

    assert inline("a `<node>` & **b**") == "a <code>&lt;node&gt;</code> &amp; <strong>b</strong>"
    assert "<script" not in inline("<script>alert(1)</script>")
    assert "href" not in inline("[x](javascript:alert(1)) [y](data:text/html,z)")
    assert "<img" not in inline("![x](https://evil.example/x.png)")


def test_what_a_cluster_says_is_text(site: Site) -> None:
    diagnosis = _diagnosis("</code><script>alert(1)</script>\u202e\nx")

    page = read_page(html_answer(site.engine.ask(["terway-vswitch-ip-exhausted"], diagnosis)))

    assert page.all("script") == []
    assert "</code><script>alert(1)</script> x" in page.text
    assert "\u202e" not in page.text


def _diagnosis(text: str) -> Diagnosis:
    evidence = Evidence(object=text, field=text, value=text, seen_at=None, kubectl=text)
    entry = "terway-vswitch-ip-exhausted"
    finding = Finding(
        entry=entry,
        case="x",
        claim="It is so.",
        verdict="confirmed",
        by_hand=None,
        missing=(text,),
        evidence=(evidence,),
    )
    cluster = ClusterSummary(version=text, plugin="terway", mode=text, datapath=text, source=text)
    return Diagnosis(
        cluster=cluster,
        versions={},
        checks=(),
        verdicts={entry: "confirmed"},
        findings=(finding,),
        requests=1,
        bytes=1,
        elapsed_ms=1.0,
    )
