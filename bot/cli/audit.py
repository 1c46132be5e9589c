"""``acknet audit``: who asked what from where, and whether that record is whole."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from bot.cli.console import UsageFailure, print_line
from bot.cli.settings import ConfigFlag, load_or_fail

if TYPE_CHECKING:
    from pathlib import Path

    from bot.store import AuditRecord, Store

__all__ = ["audit_app"]

T = TypeVar("T")

_LONGEST_QUESTION = 160

audit_app = typer.Typer(
    name="audit", help="The log of who asked what, and what was read.", no_args_is_help=True, rich_markup_mode=None
)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@audit_app.callback()
def _root() -> None:
    """The log of who asked what, and what was read."""


@audit_app.command("list")
def list_records(
    who: Annotated[str | None, typer.Option(metavar="NAME", help="Only what this one did.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only what was done since then (RFC 3339, UTC without a zone).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The most records to show.")] = 100,
    as_json: JsonFlag = False,
    config: ConfigFlag = None,
) -> None:
    """List who asked what, what was read and answered, newest first."""
    begin = _time(since)
    records = _from_store(config, lambda store: store.audit.list(since=begin, who=who, limit=limit))
    if as_json:
        shown = [asdict(record) | {"at": record.at.isoformat()} for record in records]
        print_line(json.dumps({"records": shown}, indent=2))
        return
    for record in records:
        print_line(_line(record))


@audit_app.command("verify")
def verify(as_json: JsonFlag = False, config: ConfigFlag = None) -> None:
    """Tell whether every record is there and as it was written.

    Exit code 2: one is not. Whoever can write to the store could write the whole log anew: note the head somewhere else
    to tell.
    """
    found = _from_store(config, lambda store: store.audit.verify())
    if as_json:
        print_line(json.dumps(asdict(found), indent=2))
    elif found.broken_at is None:
        print_line(f"{found.records} records, all as they were written; head {found.head or '-'}")
    if found.broken_at is not None:
        if as_json:
            raise typer.Exit(2)
        raise UsageFailure(f"the audit log is not as it was written: record {found.broken_at}: {found.why}")


def _from_store(config: Path | None, read: Callable[[Store], Awaitable[T]]) -> T:
    settings = load_or_fail(config=config)
    from bot.store import Store, StoreUnavailable

    async def run() -> T:
        async with Store(settings.store_url) as store:
            return await read(store)

    try:
        return asyncio.run(run())
    except StoreUnavailable as error:
        raise UsageFailure(f"the audit log cannot be read: {error}") from error


def _time(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageFailure(f"--since {text!r} is no time such as 2026-03-02T03:04:05Z") from error
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _line(record: AuditRecord) -> str:
    """Return a record as one printable line: what people wrote must not act on a terminal."""
    question = " ".join((record.question or "").split())
    if len(question) > _LONGEST_QUESTION:
        question = f"{question[:_LONGEST_QUESTION]}…"
    at = record.at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = [str(record.number), at, record.who or "-", record.place or "-", record.action, _said(record.outcome)]
    line = "  ".join([*(word for word in words if word), *([question] if question else [])])
    return "".join(char if char.isprintable() else " " for char in line)


def _said(outcome: Any) -> str:
    """Return the short ones of an outcome's values."""
    if not isinstance(outcome, dict):
        return ""
    return " ".join(
        f"{name}={value}" for name, value in outcome.items() if isinstance(value, str | int) and value != ""
    )
