"""The ``acknet`` command; its parts are loaded when it runs."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the ``acknet`` command."""
    import gc

    # What is imported stays. Looking for garbage in it again and again would take a tenth of the time that ask takes.
    gc.set_threshold(100_000, 20, 20)
    from bot.cli.app import main as run

    run()
