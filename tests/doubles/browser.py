"""A real browser: Chromium without a window, through Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

__all__ = ["WAIT_SECONDS", "opened_browser", "visiting"]

WAIT_SECONDS = 60
"""How long a test waits for the browser; CI's machines are busy."""

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = [
    "--no-sandbox",  # containers run as root, without user namespaces
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
]


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """Open the system's Chromium; without one, the test is skipped.

    Not for a whole session: while it is open, no event loop can be run in this thread.
    """
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("there is no Chromium here; Debian's package is called chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS, timeout=WAIT_SECONDS * 1000)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(browser: Browser, **options: object) -> Iterator[BrowserContext]:
    """Open a profile of its own, without history or permissions; ``options`` are Playwright's."""
    context = browser.new_context(**options)
    context.set_default_timeout(WAIT_SECONDS * 1000)
    try:
        yield context
    finally:
        context.close()
