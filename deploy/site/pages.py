"""What MkDocs does not do by itself: the order of the pages, and links from docs/ into the rest of the repository."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
ORDER = {
    "Run it": [
        "install",
        "slack",
        "web",
        "oncall",
        "operations",
        "scaling",
        "settings",
        "permissions",
        "store",
        "release",
    ],
    "Understand it": ["architecture", "retrieval", "diagnosis", "facts"],
    "Work on it": ["corpus", "dependencies"],
}
LINK = re.compile(r"\[(?P<text>[^\]\n]+)\]\((?P<target>\.\./[^)#\s]+)(#[^)\s]*)?\)")
log = logging.getLogger("mkdocs.hooks.pages")  # in strict mode its warnings are errors


def on_config(config: Any) -> Any:
    """Put the pages in order; one that no section names comes last, under "Further"."""
    present = {path.stem for path in Path(config.docs_dir).glob("*.md")} - {"index"}
    named = {name for names in ORDER.values() for name in names}
    sections = ORDER | {"Further": sorted(present - named)}
    config.nav = ["index.md"]
    for title, names in sections.items():
        if pages := [f"{name}.md" for name in names if name in present]:
            config.nav.append({title: pages})
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Turn links to files beside docs/ into what a reader of the site can use; a file that is missing is a warning."""
    here = Path(page.file.abs_src_path).parent

    def replaced(match: re.Match[str]) -> str:
        path = (here / match["target"]).resolve()
        if not path.exists() or not path.is_relative_to(REPOSITORY):
            log.warning("%s: there is no %s", page.file.src_uri, match["target"])
        if not config.repo_url:
            return match["text"]
        return f"[{match['text']}]({config.repo_url.rstrip('/')}/blob/main/{path.relative_to(REPOSITORY)})"

    return LINK.sub(replaced, markdown)
