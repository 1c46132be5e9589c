"""Reads a page as far as tests need it: elements with their attributes and text, forms with their fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Element", "Page", "read_page"]

_VOID = {"br", "hr", "img", "input", "link", "meta"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    inner: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(one if isinstance(one, str) else one.text for one in self.inner)

    def walk(self) -> Iterator[Element]:
        yield self
        for one in self.inner:
            if isinstance(one, Element):
                yield from one.walk()

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Return the elements with these attributes (``class`` is given as ``class_``, and is one of several)."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [one for one in self.walk() if one.tag == tag and all(one.has(*item) for item in wanted.items())]

    def has(self, name: str, value: str) -> bool:
        own = self.attributes.get(name, "")
        return value in own.split() if name == "class" else own == value

    @property
    def links(self) -> set[str]:
        return {one.attributes["href"] for one in self.all("a")}

    def fields(self) -> list[tuple[str, str]]:
        """Return what a browser sends of the form's inputs and text areas, buttons aside."""
        pairs = []
        for one in self.walk():
            if one.tag == "input" and one.attributes.get("type") != "checkbox" and "name" in one.attributes:
                pairs.append((one.attributes["name"], one.attributes.get("value", "")))
            elif one.tag == "textarea":
                pairs.append((one.attributes["name"], one.text.removeprefix("\n")))
        return pairs


class Page(Element):
    """A whole page."""

    @property
    def ids(self) -> set[str]:
        return {one.attributes["id"] for one in self.walk() if "id" in one.attributes}

    @property
    def composer(self) -> Element:
        return self.all("form", id="ask")[0]


class _Reader(HTMLParser):
    """Builds the tree; what is not closed in its order is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page("page", {})
        self._open: list[Element] = [self.page]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inner.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].inner.append(data)


def read_page(html: str) -> Page:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader._open) == 1, f"not closed: {reader._open[-1].tag}"
    ids = [one.attributes["id"] for one in reader.page.walk() if "id" in one.attributes]
    assert len(ids) == len(set(ids)), f"an id occurs twice: {sorted(ids)}"
    return reader.page
