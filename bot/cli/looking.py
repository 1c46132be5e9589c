"""The options of looking into a cluster, and the look itself with its progress on a terminal."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bot.cli.console import UsageFailure, console, is_interactive

if TYPE_CHECKING:
    from bot.diagnosis.facts.registry import Progress
    from bot.diagnosis.models import Diagnosis
    from bot.settings import Settings
    from corpus import Corpus, Entry

__all__ = [
    "ContextFlag",
    "KubeconfigFlag",
    "Look",
    "NamespaceFlag",
    "NodeFlag",
    "NowFlag",
    "PodFlag",
    "ServiceFlag",
    "SnapshotFlag",
    "facts_progress",
    "look_into",
]

_PANEL = "Where to look"

KubeconfigFlag = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="How to reach the cluster; as kubectl without it.", rich_help_panel=_PANEL),
]
ContextFlag = Annotated[
    str | None, typer.Option(metavar="NAME", help="Context of the kubeconfig.", rich_help_panel=_PANEL)
]
SnapshotFlag = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Look into a directory, tar or file of objects in place of a cluster: what acknet snapshot, kubectl get "
        "-o json|yaml or kubectl cluster-info dump wrote.",
        rich_help_panel=_PANEL,
    ),
]
NowFlag = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="The present of a snapshot (RFC 3339), where it does not say.", rich_help_panel=_PANEL
    ),
]
NamespaceFlag = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Namespace in question.", rich_help_panel=_PANEL)
]
PodFlag = Annotated[str | None, typer.Option(help="Pod in question.", rich_help_panel=_PANEL)]
NodeFlag = Annotated[str | None, typer.Option(help="Node in question.", rich_help_panel=_PANEL)]
ServiceFlag = Annotated[str | None, typer.Option(help="Service in question.", rich_help_panel=_PANEL)]


@dataclass(frozen=True)
class Look:
    """Where to look, as given on the command line."""

    snapshot: Path | None
    now: str | None
    namespace: str | None
    pod: str | None
    node: str | None
    service: str | None

    @property
    def present(self) -> dt.datetime | None:
        """The time given with ``--now``; raises UsageFailure when it is none."""
        if self.now is None:
            return None
        try:
            found = dt.datetime.fromisoformat(self.now)
        except ValueError as error:
            raise UsageFailure(f"--now {self.now!r} is no time such as 2026-03-02T03:04:05Z") from error
        return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def look_into(
    settings: Settings, corpus: Corpus, look: Look, *, entries: Sequence[Entry] | None = None, text: str = ""
) -> Diagnosis:
    """Diagnose ``entries`` (None: all) where ``look`` says; raises UsageFailure when nothing can be looked into."""
    import bot.look

    scope = bot.look.Scope(look.namespace, look.pod, look.node, look.service)
    where = bot.look.Look(scope, snapshot=look.snapshot, now=look.present)
    try:
        with facts_progress() as progress:
            return asyncio.run(
                bot.look.look_into(settings, corpus, where, entries=entries, text=text, progress=progress)
            )
    except bot.look.SourceError as error:
        raise UsageFailure(str(error)) from error


@contextmanager
def facts_progress() -> Iterator[Progress]:
    """Yield what facts tell their progress to: a line on a terminal that is gone at the end, else nothing."""
    if not is_interactive(sys.stderr):
        yield lambda _name, _state: None
        return
    reading: dict[str, None] = {}
    done = 0
    with console(sys.stderr).status("looking …") as status:

        def tell(name: str, state: Literal["reading", "read", "unreadable"]) -> None:
            nonlocal done
            if state == "reading":
                reading[name] = None
            else:
                reading.pop(name, None)
                done += 1
            status.update(f"looking, read-only: {done} facts read; reading {', '.join(reading) or '…'}"[:100])

        yield tell
