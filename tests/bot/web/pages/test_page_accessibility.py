"""What axe, the checker of accessibility rules, finds on every page, in the light and in the dark: nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from tests.bot.web.pages.conftest import Site
from tests.doubles.browser import opened_browser, visiting

ENTRY = "terway-vswitch-ip-exhausted"


@pytest.fixture(scope="module", params=["light", "dark"])
def context(request: pytest.FixtureRequest, site: Site) -> Iterator[BrowserContext]:
    with (
        opened_browser() as browser,
        visiting(browser, base_url=site.url, color_scheme=request.param, reduced_motion="reduce") as opened,
    ):
        yield opened


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    with context.new_page() as opened:
        yield opened


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("path", ["/", "/entries", "/entries?q=vswitch", f"/entries/{ENTRY}", "/entries/nowhere"])
def test_a_page_breaks_no_rule(page: Page, path: str) -> None:
    page.goto(path)

    assert violations(page) == []


@pytest.mark.parametrize("words", [f"{ENTRY}?", "CHOOSE", "REFUSE"])
@pytest.mark.parametrize("look", [False, True])
def test_an_answer_breaks_no_rule(page: Page, site: Site, words: str, look: bool) -> None:
    page.goto("/")
    page.fill("#question", words)
    if look:
        page.check("#look")
        for name, value in site.scope.items():
            page.fill(f"[name={name}]", value)
    page.click("button.primary")
    page.wait_for_selector(".exchange")
    for details in page.locator("details").all():
        details.evaluate("one => { one.open = true; }")

    assert violations(page) == []


def test_a_conversation_breaks_no_rule(page: Page) -> None:
    page.goto("/")
    for number, words in enumerate((f"{ENTRY}?", "CHOOSE", f"{ENTRY} again"), 1):
        page.check("#look")
        page.fill("#question", words)
        page.click("button.primary")
        page.wait_for_selector(f".exchange >> nth={number - 1}")

    assert violations(page) == []


def test_open_questions_break_no_rule(page: Page, site: Site) -> None:
    for words in ("REFUSE: what does a NAT gateway cost", "REFUSE: what does a NAT gateway cost me", "REFUSE"):
        assert site.server.http.post("/v1/ask", json={"question": words}).status_code == 200
    page.goto("/")
    page.get_by_role("link", name="Questions", exact=True).click()
    page.wait_for_selector("section h2")
    for details in page.locator("details").all():
        details.evaluate("one => { one.open = true; }")

    assert violations(page) == []


def test_what_went_wrong_breaks_no_rule(page: Page) -> None:
    page.goto("/")
    page.evaluate("document.getElementById('question').required = false")
    page.click("button.primary")
    page.wait_for_selector("#trouble .alert")

    assert violations(page) == []
