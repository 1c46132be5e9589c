"""The ``acknet`` command; its parts are loaded when it runs."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the ``acknet`` command."""
    from bot.cli.app import main as run

    run()
