"""``acknet diagnose``: looks into a cluster, read-only, and says which case it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.ask import leave, print_markdown
from bot.cli.console import UsageFailure, print_line, unknown_entry
from bot.cli.looking import (
    ContextFlag,
    KubeconfigFlag,
    Look,
    NamespaceFlag,
    NodeFlag,
    NowFlag,
    PodFlag,
    ServiceFlag,
    SnapshotFlag,
    look_into,
)
from bot.cli.progress import BUILDING, progress_on_stderr
from bot.cli.settings import ConfigFlag, load_or_fail
from bot.cli.turns import read_turns

if TYPE_CHECKING:
    from bot.compose import Composer
    from bot.settings import Settings
    from corpus import Corpus, Entry

__all__ = ["diagnose"]

_CONFIRMED = 1
_EXPLAINED = 3


def diagnose(
    question: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUESTION", help="What is wrong, to look at the entries that may explain it; - reads stdin."
        ),
    ] = None,
    entry: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Look at this entry only; may be repeated.")
    ] = None,
    namespace: NamespaceFlag = None,
    pod: PodFlag = None,
    node: NodeFlag = None,
    service: ServiceFlag = None,
    kubeconfig: KubeconfigFlag = None,
    context: ContextFlag = None,
    snapshot: SnapshotFlag = None,
    now: NowFlag = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, that of POST /v1/diagnose.")] = False,
    config: ConfigFlag = None,
) -> None:
    """Find out which cases of the FAQ it is, read-only.

    It looks into a cluster, a snapshot or pasted text. Without a question and --entry all entries are looked at.
    Nothing is ever changed: only GET requests on a short list of resources leave, no secrets among them. Exit code 1: a
    case is confirmed; 0: none is; 2: something failed.
    """
    settings = load_or_fail({"kubeconfig": kubeconfig, "context": context}, config)
    look = Look(snapshot, now, namespace, pod, node, service)
    turns = read_turns([] if question == ["-"] else question, None) if question else []
    corpus, composer, entries = _entries(settings, turns, entry or ())
    found = look_into(settings, corpus, look, entries=entries, text="\n".join(turns))
    if as_json:
        from bot.render import json_diagnosis

        print_line(json.dumps(json_diagnosis(found), indent=2))
    else:
        from bot.diagnosis.report import report
        from bot.render import markdown_diagnosis

        sorted_out = report(found, corpus)
        explained = [composer.explain(one.id, found) for one in sorted_out.confirmed[:_EXPLAINED]]
        print_markdown(markdown_diagnosis(sorted_out, explained))
    leave(_CONFIRMED if found.of("confirmed") else 0)


def _entries(
    settings: Settings, turns: Sequence[str], ids: Sequence[str]
) -> tuple[Corpus, Composer, Sequence[Entry] | None]:
    """Return the corpus, what explains its entries, and which are to be looked at (None: all).

    Only a question takes an index.
    """
    from bot.compose import Composer

    engine: Any = None
    if turns:
        from bot.engine import EngineError, open_engine

        with progress_on_stderr(BUILDING) as progress:
            try:
                engine = open_engine(settings, progress)
            except EngineError as error:
                raise UsageFailure(str(error)) from error
        corpus = engine.corpus
    else:
        corpus = _load(settings.corpus_dir)
    if unknown := [one for one in ids if one not in corpus]:
        raise unknown_entry(unknown[0], corpus)
    wanted = [corpus[one] for one in dict.fromkeys(ids)]
    if engine is not None:
        wanted += [one for one in engine.suspects(turns) if one not in wanted]
    return corpus, Composer(corpus), wanted or None


def _load(directory: Path | None) -> Corpus:
    from corpus import CORPUS_DIR, CorpusError, load_corpus

    try:
        return load_corpus(directory or CORPUS_DIR)
    except CorpusError as error:
        raise UsageFailure(f"the corpus has mistakes: {error.problems[0]}; see: acknet corpus check") from error
