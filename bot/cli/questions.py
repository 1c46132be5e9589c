"""``acknet questions``: what nobody could answer, and drafts of entries that would."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.console import UsageFailure, print_line
from bot.cli.settings import ConfigFlag, load_or_fail

if TYPE_CHECKING:
    from bot.engine import Engine
    from bot.questions.clusters import QuestionCluster
    from bot.settings import Settings
    from bot.store import OpenQuestion

__all__ = ["questions_app"]

_LONGEST = 110
_SHOWN = 3

questions_app = typer.Typer(
    name="questions",
    help="What nobody could answer, put together by meaning.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@questions_app.callback()
def _root() -> None:
    """What nobody could answer, put together by meaning."""


@questions_app.command("list")
def list_clusters(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False, config: ConfigFlag = None
) -> None:
    """List the questions without a good answer.

    Those that mean the same stand together, the most frequent first.
    """
    _, clusters = _clusters(load_or_fail(config=config))
    if as_json:
        print_line(json.dumps({"clusters": [_object(cluster) for cluster in clusters]}, indent=2))
        return
    if not clusters:
        print_line("no question is open")
    for cluster in clusters:
        print_line(f"{cluster.id}  asked {cluster.count} times  {', '.join(cluster.causes)}")
        for question in cluster.questions[:_SHOWN]:
            print_line(f"    {_line(question.text)}")
        if len(cluster.questions) > _SHOWN:
            print_line(f"    and {len(cluster.questions) - _SHOWN} more ways of asking")
        near = ", ".join(f"{entry} ({confidence:.2f})" for entry, confidence in cluster.nearest)
        print_line(f"    nearest: {near or 'none'}")


@questions_app.command("export")
def export(
    cluster: Annotated[int, typer.Argument(metavar="NUMBER", help="Number of the cluster, or of a question in it.")],
    draft: Annotated[
        Path, typer.Option("--draft", metavar="DIR|FILE", help="Where the draft goes; a file that is there is kept.")
    ],
    config: ConfigFlag = None,
) -> None:
    """Write a draft of an entry that would answer these questions.

    acknet corpus check says what is left to fill in.
    """
    engine, clusters = _clusters(load_or_fail(config=config))
    found = next((one for one in clusters if cluster in {question.id for question in one.questions}), None)
    if found is None:
        raise UsageFailure(f"no open question has the number {cluster}; see: acknet questions list")
    from bot.questions.draft import draft_entry, draft_id

    entry_id = draft.stem if draft.suffix == ".md" else draft_id(found)
    path = draft if draft.suffix == ".md" else draft / f"{entry_id}.md"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(draft_entry(found, engine.corpus, entry_id))
    except FileExistsError as error:
        raise UsageFailure(f"{path} is there already; name another file with --draft") from error
    except OSError as error:
        raise UsageFailure(f"{path} cannot be written: {error.strerror or error}") from error
    print_line(str(path))


@questions_app.command("forget")
def forget(
    cluster: Annotated[int, typer.Argument(metavar="NUMBER", help="Number of the cluster, or of a question in it.")],
    config: ConfigFlag = None,
) -> None:
    """Delete these questions, because an entry answers them now."""
    settings = load_or_fail(config=config)
    _, clusters = _clusters(settings)
    found = next((one for one in clusters if cluster in {question.id for question in one.questions}), None)
    if found is None:
        raise UsageFailure(f"no open question has the number {cluster}; see: acknet questions list")
    asyncio.run(_forget(settings, found))
    print_line(f"{len(found.questions)} questions are forgotten")


def _clusters(settings: Settings) -> tuple[Engine, list[QuestionCluster]]:
    from bot.engine import EngineError, open_engine
    from bot.questions.clusters import cluster_questions
    from bot.store import StoreUnavailable

    try:
        questions = asyncio.run(_questions(settings))
        engine = open_engine(settings)
    except StoreUnavailable as error:
        raise UsageFailure(f"the open questions cannot be read: {error}") from error
    except EngineError as error:
        raise UsageFailure(str(error)) from error
    return engine, cluster_questions(engine, questions)


async def _questions(settings: Settings) -> tuple[OpenQuestion, ...]:
    from bot.store import Store

    async with Store(settings.store_url) as store:
        return await store.questions.list()


async def _forget(settings: Settings, cluster: QuestionCluster) -> None:
    from bot.store import Store

    async with Store(settings.store_url) as store:
        for question in cluster.questions:
            await store.questions.forget(question.id)


def _object(cluster: QuestionCluster) -> dict[str, Any]:
    return {
        "id": cluster.id,
        "count": cluster.count,
        "causes": list(cluster.causes),
        "last_at": cluster.last_at.isoformat(),
        "nearest": [{"entry": entry, "confidence": round(confidence, 4)} for entry, confidence in cluster.nearest],
        "questions": [
            {"id": one.id, "text": one.text, "cause": one.cause, "count": one.count} for one in cluster.questions
        ],
    }


def _line(text: str) -> str:
    """Return what somebody wrote as one printable line: it must not act on a terminal."""
    said = " ".join(text.split())
    said = "".join(char if char.isprintable() else " " for char in said)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"
