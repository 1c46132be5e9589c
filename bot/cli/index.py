"""``acknet index``: build the index, and tell about the one that is there."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.console import UsageFailure, print_line
from bot.cli.progress import BUILDING, progress_on_stderr
from bot.cli.settings import ConfigFlag, load_or_fail

if TYPE_CHECKING:
    from bot.settings import Settings
    from index.layout import Manifest

__all__ = ["index_app"]

index_app = typer.Typer(
    help="Build the index that answers are found with, or tell about it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@index_app.command()
def build(
    force: Annotated[bool, typer.Option("--force", help="Build it again although it is there.")] = False,
    as_json: JsonFlag = False,
    config: ConfigFlag = None,
) -> None:
    """Build the index, unless there is one that fits.

    It fits where corpus, model and acknet are those that it was built from. acknet builds one by itself when it needs
    it; doing so beforehand makes the first answer quick. The old index serves until the new one is complete. Needs the
    extra "build".
    """
    settings = load_or_fail(config=config)
    from bot.engine import EngineError
    from bot.engine import build as build_index

    start = time.monotonic()
    reports = 0
    with progress_on_stderr(BUILDING) as progress:

        def count(what: str, share: float) -> None:
            nonlocal reports
            reports += 1
            progress(what, share)

        try:
            directory = build_index(settings, force=force, progress=count)
        except EngineError as error:
            raise UsageFailure(str(error)) from error
    if as_json:
        _print_json(_described(settings))
    elif reports:
        print_line(f"built {directory} in {time.monotonic() - start:.0f} s")
    else:
        print_line(f"{directory} is there and up to date; --force builds it again")


@index_app.command()
def info(as_json: JsonFlag = False, config: ConfigFlag = None) -> None:
    """Tell where the index is, of what, and whether it still fits.

    Exit code 2: there is none, or it is damaged.
    """
    shown = _described(load_or_fail(config=config))
    if as_json:
        _print_json(shown)
        return
    from bot.settings.sources import printable

    changed = "no: corpus, model or acknet changed; acknet index build makes a new one"
    rows = {
        "directory": shown["directory"],
        "digest": shown["digest"],
        "model": shown["model"],
        "entries": shown["entries"],
        "texts": shown["texts"],
        "size": f"{shown['size_bytes'] / 1e6:.1f} MB",
        "built": shown["built_at"],
        "fits": "yes" if shown["current"] else changed,
    }
    for name, value in rows.items():
        print_line(printable(f"{name:<11}{value}"))


def _print_json(shown: dict[str, Any]) -> None:
    print_line(json.dumps(shown, indent=2))


def _described(settings: Settings) -> dict[str, Any]:
    """Return what there is to say about the index that fits, else about the newest; raise UsageFailure without any."""
    from corpus import CORPUS_DIR
    from index.build import index_digest
    from index.layout import IndexDamaged, verify
    from index.model import ModelError

    try:
        digest = index_digest(settings.corpus_dir or CORPUS_DIR, settings.model)
        directory, manifest = _newest(settings.cache_dir / "index", digest)
        verify(directory, manifest.digest)
    except ModelError as error:
        raise UsageFailure(str(error)) from error
    except IndexDamaged as error:
        raise UsageFailure(f"{error}; build the index again: acknet index build") from error
    except OSError as error:
        raise UsageFailure(f"{error.filename}: {error.strerror}; name another cache with ACKNET_CACHE_DIR") from error
    return {
        "directory": str(directory),
        **manifest.model_dump(exclude={"files"}),
        "size_bytes": sum(path.stat().st_size for path in directory.iterdir()),
        "current": manifest.digest == digest,
    }


def _newest(home: Path, digest: str) -> tuple[Path, Manifest]:
    """Return the index below ``home`` with this digest, else the newest; a damaged one only where there is no other."""
    from index.layout import IndexDamaged, read_manifest

    found: list[tuple[bool, str, Path, Manifest]] = []
    damage: IndexDamaged | None = None
    # What begins with a dot is being built, or was when a build was cut off.
    for directory in sorted(home.glob("[!.]*/")):
        try:
            manifest = read_manifest(directory)
        except IndexDamaged as error:
            damage = error
        else:
            found.append((manifest.digest == digest, manifest.built_at, directory, manifest))
    if found:
        return max(found)[2:]
    raise damage or UsageFailure(f"there is no index below {home}; build it: acknet index build")
