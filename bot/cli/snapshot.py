"""``acknet snapshot``: writes what a diagnosis would read, redacted, to be looked into elsewhere."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.console import UsageFailure, print_line
from bot.cli.looking import (
    ContextFlag,
    KubeconfigFlag,
    NamespaceFlag,
    NodeFlag,
    PodFlag,
    ServiceFlag,
    facts_progress,
)
from bot.cli.settings import ConfigFlag, load_or_fail

__all__ = ["snapshot"]


def snapshot(
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="A directory, or a file that ends with .tar.gz; neither may exist yet."),
    ],
    namespace: NamespaceFlag = None,
    pod: PodFlag = None,
    node: NodeFlag = None,
    service: ServiceFlag = None,
    pseudonyms: Annotated[
        bool, typer.Option("--pseudonyms", help="Replace cloud ids and addresses by stable stand-ins, too.")
    ] = False,
    kubeconfig: KubeconfigFlag = None,
    context: ContextFlag = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object about what was written.")] = False,
    config: ConfigFlag = None,
) -> None:
    """Write down what a diagnosis reads, without credentials.

    acknet diagnose --snapshot looks into it in place of the cluster. Name the pod, node or service in question as for
    diagnose: what is read follows it. Keys, tokens and the values of environment variables are always left out.
    """
    from bot.diagnosis.facts.registry import Scope
    from bot.diagnosis.redaction.redact import Pseudonyms
    from bot.diagnosis.resources import resource
    from bot.diagnosis.snapshot.capture import Capture, capture
    from bot.diagnosis.snapshot.files import SnapshotError
    from bot.diagnosis.snapshot.meta import SnapshotMeta
    from bot.diagnosis.snapshot.writer import write_snapshot
    from bot.diagnosis.sources import SourceError, Sources, check_scope, open_reader

    settings = load_or_fail({"kubeconfig": kubeconfig, "context": context}, config)

    scope = Scope(namespace, pod, node, service)

    async def take() -> tuple[Capture, SnapshotMeta]:
        check_scope(scope)
        async with open_reader(settings, Sources()) as reader:
            with facts_progress() as progress:
                kept = await capture(
                    reader,
                    scope=scope,
                    seconds=settings.diagnosis_timeout,
                    progress=progress,
                )
            return kept, await kept.meta()

    try:
        kept, meta = asyncio.run(take())
        if not any(kept.objects.values()):
            refused = ", ".join(sorted({kind for kind, _ in kept.refused})) or "everything"
            raise UsageFailure(f"nothing could be read in the cluster ({refused}); does kubectl reach it?")
        objects = {resource(kind): list(found.values()) for kind, found in kept.objects.items() if found}
        write_snapshot(objects, kept.logs, meta, out, pseudonyms=Pseudonyms() if pseudonyms else None)
    except (SourceError, SnapshotError) as error:
        raise UsageFailure(str(error)) from error
    count = sum(map(len, objects.values()))
    if as_json:
        missing = [{"kind": kind, "reason": reason} for kind, reason in sorted(kept.refused)]
        print_line(
            json.dumps({"path": str(out), "objects": count, "logs": len(kept.logs), "missing": missing}, indent=2)
        )
        return
    print_line(f"wrote {count} objects and {len(kept.logs)} logs to {out}")
    for kind, reason in sorted(kept.refused):
        print_line(f"acknet: not in it: {kind} ({reason})", sys.stderr)
