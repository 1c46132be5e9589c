"""The reference pages of facts and permissions; ``python -m bot.diagnosis.reference DIR`` writes them."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

from bot.diagnosis.facts.registry import Collector, Needs, collectors
from bot.diagnosis.observation import Fact, Observation

_MODULE = re.compile(r"\b(?:bot|typing|collections)\.(?:\w+\.)*")

__all__ = ["facts_page", "pages", "permissions_page"]

_FACTS = """\
# Facts

What cases can be told apart by: every fact that acknet reads in a cluster, with its fields, the permissions its
collector needs and the command that shows a person the same. Expressions of cases name a field of a fact
(`plugin.name`); lists of observations can be evidence ([diagnosis.md](diagnosis.md) tells how).

`python -m bot.diagnosis.reference docs` writes this page.
"""
_PERMISSIONS = """\
# Permissions

What acknet is allowed to read, and what for. The roles in [deploy/rbac](../deploy/rbac) are made from the same list:
`get` and `list` on these resources, logs in kube-system, and nothing else: no secrets, no exec, no proxy, no watch, no
change. Without one of them the facts named turn unreadable, and so do the verdicts that rest on them.

| resource | verb | where | which | facts |
| --- | --- | --- | --- | --- |
{rows}

`python -m bot.diagnosis.reference docs` writes this page.
"""


def facts_page() -> str:
    """Return the page of all facts as Markdown."""
    return _FACTS + "".join(_fact(one) for _, one in sorted(collectors().items())) + _observations()


def permissions_page() -> str:
    """Return the page of all permissions as Markdown."""
    used: dict[Needs, list[str]] = {}
    for name, collector in sorted(collectors().items()):
        for need in collector.needs:
            used.setdefault(need, []).append(name)
    rows = [
        f"| {need.resource} | {need.verb} | {need.namespace or 'everywhere'} "
        f"| {', '.join(need.names) or 'all'} | {', '.join(names)} |"
        for need, names in sorted(used.items(), key=lambda item: (item[0].resource, item[0].verb, item[1]))
    ]
    return _PERMISSIONS.format(rows="\n".join(rows))


def pages() -> dict[str, str]:
    """Return the pages by file name."""
    return {"facts.md": facts_page(), "permissions.md": permissions_page()}


def _fact(collector: Collector[Any]) -> str:
    needs = ", ".join(_need(need) for need in collector.needs) or "nothing of its own"
    lines = [
        f"\n## `{collector.name}`\n",
        f"{collector.doc}\n",
        f"Needs: {needs}. By hand: `{collector.kubectl}`\n",
        f"{_about(collector.model)}\n",
        "| field | type |",
        "| --- | --- |",
        *_rows(collector.model),
    ]
    return "\n".join(lines) + "\n"


def _need(need: Needs) -> str:
    where = f" in {need.namespace}" if need.namespace else ""
    return f"{need.verb} {need.resource}{where}" + (f" ({', '.join(need.names)})" if need.names else "")


def _observations() -> str:
    """Describe the kinds of items that facts hold, in the order of their names."""
    models = sorted(
        {model for one in collectors().values() for model in _inner(one.model)}, key=lambda one: one.__name__
    )
    parts = ["\n# What facts hold\n"]
    for model in models:
        kind = " It can be evidence." if issubclass(model, Observation) else ""
        parts.append(f"\n## {model.__name__}\n\n{_about(model)}{kind}\n\n| field | type |\n| --- | --- |")
        parts.append("\n".join(_rows(model)) + "\n")
    return "\n".join(parts)


def _inner(model: type[Fact]) -> Iterator[type[Fact]]:
    for annotation in get_type_hints(model).values():
        for found in _models(annotation):
            if found is not Observation:
                yield found
                yield from _inner(found)


def _models(annotation: Any) -> Iterator[type[Fact]]:
    if inspect.isclass(annotation) and issubclass(annotation, Fact):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _about(model: type[Fact]) -> str:
    return " ".join((model.__doc__ or "").replace("``", "`").split())


def _rows(model: type[Fact]) -> Iterable[str]:
    own = set(Observation.model_fields) if issubclass(model, Observation) else set()
    return [
        f"| `{name}` | {_type(field.annotation)} |" for name, field in model.model_fields.items() if name not in own
    ]


def _type(annotation: Any) -> str:
    text = inspect.formatannotation(annotation)
    return f"`{_MODULE.sub('', text).replace(' | ', ' or ')}`"


def main(directory: Path) -> None:
    """Write the pages into ``directory``."""
    for name, text in pages().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
