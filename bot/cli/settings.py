"""``acknet settings``: every setting, its value and where it came from; and how other commands load them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.console import UsageFailure, console, is_interactive, print_line

if TYPE_CHECKING:
    from bot.settings import SettingReference, Settings, SettingValue

__all__ = ["ConfigFlag", "load_or_fail", "settings"]

ConfigFlag = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file with settings, in place of the usual one."),
]
"""The flag ``--config`` of every command that takes settings."""

_PAGE = """\
# Settings

acknet takes each setting from the first of these places that has it:

1. a flag, where the command has one for it: `--port 9000`
2. the environment: `ACKNET_PORT=9000`; an empty variable counts as not set
3. a TOML file: `port = 9000`
4. the default

The file is the one given with `--config FILE`, else the one that `ACKNET_CONFIG` names, else `acknet.toml` in the
user's configuration directory (`~/.config/acknet/acknet.toml` on Linux) where there is one. It holds settings by their
names, and a name that is none is an error:

```toml
cache_dir = "/var/cache/acknet"
port = 9000
```

In a path `~` is the home directory, and a relative path starts at the working directory. `acknet settings` shows the
values in force and where each came from; secrets are masked.

| setting | environment | accepts | default | meaning |
| --- | --- | --- | --- | --- |
{rows}

`acknet settings --markdown` writes this page.
"""


def settings(
    config: ConfigFlag = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the reference page of all settings.")] = False,
) -> None:
    """Show every setting, its value and where it came from."""
    if as_markdown and (as_json or config is not None):
        raise UsageFailure("--markdown prints the reference page, which no other option changes; give it alone")
    from bot.settings import explain, reference

    if as_markdown:
        print_line(_page(reference()).rstrip("\n"))
        return
    values = explain(load_or_fail(config=config))
    if as_json:
        print_line(json.dumps({"settings": [asdict(value) for value in values]}, indent=2))
        return
    _print_table(values)


def load_or_fail(overrides: Mapping[str, object] | None = None, config: Path | None = None) -> Settings:
    """Return the settings in force as `load_settings` does; what is wrong with them is a UsageFailure."""
    from bot.settings import SettingsError, load_settings

    try:
        return load_settings(overrides, config)
    except SettingsError as error:
        raise UsageFailure(str(error)) from error


def _print_table(values: Iterable[SettingValue]) -> None:
    rows = [("SETTING", "VALUE", "FROM"), *((value.name, value.text, value.source) for value in values)]
    names, texts = (max(len(row[column]) for row in rows) for column in (0, 1))
    for number, (name, text, source) in enumerate(rows):
        style = "bold" if number == 0 else "" if source == "default" else "cyan"
        _print_row(f"{name:<{names}}  {text:<{texts}}  {source}", style)


def _print_row(row: str, style: str) -> None:
    if not is_interactive():
        print_line(row)
        return
    from rich.text import Text

    console().print(Text(row, style), soft_wrap=True)


def _page(everything: Iterable[SettingReference]) -> str:
    return _PAGE.format(rows="\n".join(map(_row, everything)))


def _row(one: SettingReference) -> str:
    default = "none" if one.default is None else f"`{one.default}`"
    cells = (f"`{one.name}`", f"`{one.env}`", one.accepts, default, one.description)
    return f"| {' | '.join(cells)} |"
