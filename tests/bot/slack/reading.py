"""What people see of a message or view, as text that a person can read in a review."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Part = dict[str, Any]


def seen_message(payload: Part) -> str:
    """Return what a message says: its notification, a line, its blocks."""
    return "\n".join([f"(notification) {payload['text']}", "-" * 80, *_blocks(payload["blocks"])]) + "\n"


def seen_view(view: Part) -> str:
    """Return what a modal or the Home tab says."""
    title = f"== {view['title']['text']} ==" if "title" in view else "== Home =="
    buttons = [f"[{view[key]['text']}]" for key in ("close", "submit") if key in view]
    return "\n".join([title, *_blocks(view["blocks"]), " ".join(buttons)]).rstrip() + "\n"


def _blocks(blocks: list[Part]) -> Iterator[str]:
    for block in blocks:
        yield ""
        yield from _block(block)


def _block(block: Part) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield f"# {block['text']['text']}"
        case "divider":
            yield "─" * 40
        case "section":
            yield block["text"]["text"]
        case "context":
            yield from (f"· {line}" for one in block["elements"] for line in one["text"].split("\n"))
        case "actions" | "context_actions":
            yield "  ".join(_button(one) for one in block["elements"])
        case "input":
            yield from _input(block)
        case "rich_text":
            for element in block["elements"]:
                yield from _rich(element)
        case other:
            raise AssertionError(f"nobody knows how {other} looks")


def _button(element: Part) -> str:
    if element["type"] == "feedback_buttons":
        return f"[👍 {element['positive_button']['text']['text']}]  [👎 {element['negative_button']['text']['text']}]"
    sign = "▶ " if element.get("style") == "primary" else ""
    return f"[{sign}{element['text']['text']}]"


def _input(block: Part) -> Iterator[str]:
    element = block["element"]
    optional = " (optional)" if block.get("optional") else ""
    yield f"{block['label']['text']}{optional}"
    placeholder = element.get("placeholder", {}).get("text", "")
    if element["type"] == "static_select":
        chosen = element.get("initial_option", {}).get("text", {}).get("text")
        yield f"  ( {chosen or placeholder} ▾ ) of {', '.join(one['text']['text'] for one in element['options'])}"
    else:
        given = element.get("initial_value")
        yield f"  | {given}" if given else f"  | ‹{placeholder}›"
    if "hint" in block:
        yield f"  · {block['hint']['text']}"


def _rich(element: Part) -> Iterator[str]:
    match element["type"]:
        case "rich_text_section":
            yield _runs(element)
        case "rich_text_quote":
            yield "\n".join(f"▌ {line}" for line in _runs(element).split("\n"))
        case "rich_text_preformatted":
            yield "\n".join(f"    │ {line}" for line in "".join(one["text"] for one in element["elements"]).split("\n"))
        case "rich_text_list":
            indent = "   " * element.get("indent", 0)
            for number, one in enumerate(element["elements"], element.get("offset", 0) + 1):
                yield f"{indent}{f'{number}.' if element['style'] == 'ordered' else '•'} {_runs(one)}"


_MARKS = {"bold": "**", "italic": "_", "strike": "~~", "code": "`"}


def _runs(element: Part) -> str:
    said = ""
    for one in element["elements"]:
        marks = "".join(mark for style, mark in _MARKS.items() if one.get("style", {}).get(style))
        text = f"[{one['text']}]({one['url']})" if one["type"] == "link" else one["text"]
        inner = text.strip()
        before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :] if inner else ""
        said += f"{before}{marks}{inner}{marks[::-1]}{after}" if inner else text
    return said
