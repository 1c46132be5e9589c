"""The page in a real browser: asking without leaving it, keyboard, narrow screens, nothing from elsewhere."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.settings import Settings
from tests.bot.web.pages.conftest import Site
from tests.doubles.browser import WAIT_SECONDS, opened_browser, visiting
from tests.doubles.engine import StandInEngine
from tests.doubles.server import running_server

ENTRY = "terway-vswitch-ip-exhausted"

expect.set_options(timeout=WAIT_SECONDS * 1000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened_browser() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A page at its start; what it complains about, or asks of anybody else, fails the test."""
    troubles: list[str] = []
    with visiting(browser, base_url=site.url, viewport={"width": 1100, "height": 900}) as context:
        opened = context.new_page()
        opened.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: troubles.append(str(error)))
        opened.on("dialog", lambda dialog: troubles.append(f"dialog {dialog.message}"))
        opened.on("request", lambda request: _note_foreign(request.url, site.url, troubles))
        opened.goto("/")
        yield opened
        assert troubles == []


def _note_foreign(url: str, own: str, troubles: list[str]) -> None:
    if urlsplit(url).netloc != urlsplit(own).netloc:
        troubles.append(f"request to {url}")


def ask(page: Page, words: str) -> None:
    """Ask, and wait until the answer is there."""
    exchanges = page.locator(".exchange")
    before = exchanges.count()
    page.get_by_label(re.compile("Your question|Ask a follow-up")).fill(words)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(exchanges).to_have_count(before + 1)


def test_an_answer_appears_without_leaving_the_page_and_gets_the_focus(page: Page, site: Site) -> None:
    page.evaluate("window.stayed = true")

    ask(page, f"{ENTRY}?")

    title = page.locator(".answer-title")
    expect(title).to_have_text(site.engine.corpus[ENTRY].title)
    expect(title).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("The answer is there.")
    expect(page).to_have_title(f"{site.engine.corpus[ENTRY].title} · acknet")
    assert page.evaluate("window.stayed")


def test_a_follow_up_goes_on_below_with_what_was_said(page: Page, site: Site) -> None:
    ask(page, "first words")
    ask(page, "second words")

    assert site.engine.asked[-1] == ["first words", "second words"]
    assert page.locator(".question .words").all_text_contents() == ["first words", "second words"]
    expect(page.get_by_label("Ask a follow-up")).to_have_value("")


def test_verdict_and_first_step_are_seen_without_scrolling(page: Page, site: Site) -> None:
    page.get_by_label("Look into the cluster, read-only").check()
    for name, value in site.scope.items():
        page.get_by_label(name.capitalize()).fill(value)
    ask(page, f"{ENTRY}?")

    for words in ("Confirmed in the cluster", "First step"):
        expect(page.get_by_text(words, exact=True)).to_be_in_viewport(ratio=1)


def test_where_to_look_is_asked_only_of_whoever_wants_a_look(page: Page) -> None:
    expect(page.get_by_label("Namespace")).to_be_hidden()
    page.get_by_label("Look into the cluster, read-only").check()
    expect(page.get_by_label("Namespace")).to_be_visible()


def test_the_progress_of_a_look_is_shown_and_can_be_stopped(page: Page, site: Site) -> None:
    page.get_by_label("Look into the cluster, read-only").check()
    site.engine.gate.clear()
    try:
        page.get_by_label("Your question").fill(f"{ENTRY}?")
        page.get_by_role("button", name="Ask", exact=True).click()

        expect(page.get_by_role("status")).to_have_text(re.compile("entries may explain it"))
        expect(page.locator(".facts .read").first).to_be_visible()
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("status")).to_have_text("Stopped.")
    finally:
        site.engine.gate.set()

    expect(page.get_by_label("Your question")).to_have_value(f"{ENTRY}?")
    expect(page.locator(".exchange")).to_have_count(0)


def test_a_command_is_copied_as_it_stands(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, f"{ENTRY}?")
    block = page.locator(".code").first

    block.get_by_role("button", name="Copy").click()

    expect(block.get_by_role("button")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == block.locator("code").text_content()


def test_another_entry_is_chosen_in_place(page: Page, site: Site) -> None:
    ask(page, f"{ENTRY}?")
    page.get_by_text(re.compile("Not this?")).click()
    other = page.locator(".others button").first
    title = other.text_content()
    other.click()

    expect(page.locator(".answer-title")).to_have_text([site.engine.corpus[ENTRY].title, str(title)])


def test_feedback_is_thanked_for_where_it_was_given(page: Page) -> None:
    ask(page, "to be rated")
    page.get_by_text("Say why, or that nobody knows").click()
    page.get_by_label("What was missing or wrong").fill("not <b>this</b>")
    page.get_by_role("button", name="Send").click()

    said = page.locator(".said")
    expect(said).to_have_text("Thank you: this is kept with the answer.")
    expect(said).to_be_focused()


def test_the_keyboard_is_enough(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type("typed only")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".exchange")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.locator(".answer-title a")).to_be_focused()


def test_a_citation_opens_the_place_in_the_entry(page: Page, site: Site) -> None:
    ask(page, f"{ENTRY}?")
    page.locator(".answer .ref").first.click()

    expect(page).to_have_url(re.compile(rf"/entries/{ENTRY}#source-"))
    expect(page.locator(":target")).to_be_in_viewport()
    expect(page.get_by_role("heading", level=1)).to_have_text(site.engine.corpus[ENTRY].title)


def test_whoever_comes_back_or_loads_again_finds_what_was_said(page: Page, site: Site) -> None:
    ask(page, f"{ENTRY}?")
    page.locator(".answer .ref").first.click()
    expect(page).to_have_url(re.compile("/entries/"))

    page.go_back()
    page.reload()

    expect(page.locator(".answer-title")).to_have_text(site.engine.corpus[ENTRY].title)
    expect(page.locator(".code").first.get_by_role("button")).to_have_text("Copy")
    ask(page, "and then?")
    assert site.engine.asked[-1] == [f"{ENTRY}?", "and then?"]
    page.get_by_role("link", name="Start over").click()
    expect(page.locator(".exchange")).to_have_count(0)


def test_hostile_text_runs_nothing_and_is_shown_as_it_is(page: Page) -> None:
    text = "<img src=x onerror=alert(1)><script>alert(2)</script>"

    ask(page, text)

    expect(page.locator(".question .words")).to_have_text(text)
    assert page.locator("#exchanges img, #exchanges script").count() == 0


def test_without_script_it_answers_too(browser: Browser, site: Site) -> None:
    with visiting(browser, base_url=site.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/")
        for number, words in enumerate(("first words", "second words"), 1):
            page.fill("#question", words)
            page.click("button.primary")
            page.wait_for_selector(f"#state input[name=turn] >> nth={number - 1}", state="attached")
        page.get_by_text("Yes", exact=True).click()
        page.get_by_text("Thank you: this is kept with the answer.").wait_for()

    assert site.engine.asked[-1] == ["first words", "second words"]


@pytest.mark.parametrize("path", ["/", "/entries", f"/entries/{ENTRY}", "/entries/nowhere"])
def test_a_narrow_screen_never_scrolls_sideways(browser: Browser, site: Site, path: str) -> None:
    with visiting(browser, base_url=site.url, viewport={"width": 360, "height": 740}) as context:
        page = context.new_page()
        page.goto(path)
        if path == "/":
            page.check("#look")
            ask(page, f"{ENTRY}? {'x' * 300}")
            for details in page.locator("details").all():
                details.evaluate("one => { one.open = true; }")

        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_question_asked_too_early_is_asked_again_once_the_index_is_open(browser: Browser) -> None:
    opened = threading.Event()

    def open_slowly(_: Settings) -> StandInEngine:
        opened.wait(WAIT_SECONDS)
        return StandInEngine()

    with (
        running_server(open_slowly, Settings(port=0), opened=False) as server,
        visiting(browser, base_url=server.url) as context,
    ):
        page = context.new_page()
        try:
            page.goto("/")
            page.get_by_label("Your question").fill("too early")
            page.get_by_role("button", name="Ask", exact=True).click()
            expect(page.get_by_role("status")).to_have_text(re.compile("asking again"))
        finally:
            opened.set()
        expect(page.locator(".exchange")).to_have_count(1)


def test_what_goes_wrong_is_said_and_the_question_stays(browser: Browser) -> None:
    with visiting(browser) as context:
        page = context.new_page()
        with running_server(lambda _: StandInEngine(), Settings(port=0)) as server:
            page.goto(server.url)
            page.get_by_label("Look into the cluster, read-only").check()
            page.get_by_label("Your question").fill("why?")
            page.get_by_role("button", name="Ask", exact=True).click()
            expect(page.get_by_role("alert")).to_contain_text("no cluster access is configured")
            context.clear_cookies()
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
        expect(page.get_by_label("Your question")).to_have_value("why?")
