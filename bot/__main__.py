"""``python -m bot`` is ``acknet``."""

from bot.cli import main

main()
