"""``acknet watch``: only the watcher, and what it tells of."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from bot.cli.console import UsageFailure, print_line
from bot.cli.looking import ContextFlag, KubeconfigFlag
from bot.cli.serve import end_while_building
from bot.cli.settings import ConfigFlag, load_or_fail

if TYPE_CHECKING:
    from bot.settings import Settings

__all__ = ["watch"]


def watch(kubeconfig: KubeconfigFlag = None, context: ContextFlag = None, config: ConfigFlag = None) -> None:
    """Watch events and hanging pods in the namespaces of the settings, read-only, until it is stopped.

    What is a sign of a trouble that the FAQ knows becomes an incident, told where the settings say, else on stdout.
    acknet serve does the same beside all else.
    """
    settings = load_or_fail({"kubeconfig": kubeconfig, "context": context}, config)
    if not settings.watch_namespaces:
        raise UsageFailure("there is nothing to watch; set ACKNET_WATCH_NAMESPACES=shop,pay (docs/oncall.md)")
    from bot.observe.log import log_to_stderr

    log_to_stderr(settings)
    if not asyncio.run(_run(settings)):
        end_while_building()


async def _run(settings: Settings) -> bool:
    """Run until SIGINT or SIGTERM; tell whether the index was open (or could not be opened) by then."""
    from bot.engine import open_engine
    from bot.oncall.part import AlertsPart
    from bot.oncall.watch.part import WatchPart
    from bot.opening import EngineOpening
    from bot.part import Assembly
    from bot.service import Service

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    opening = EngineOpening(lambda: open_engine(settings))
    service = Service(settings, opening)
    opening.start()
    alerts = AlertsPart(service)
    try:
        async with Assembly([alerts, WatchPart(service, alerts.wake)]):
            print_line(f"acknet watches {', '.join(settings.watch_namespaces)}", sys.stderr)
            await stopped.wait()
    finally:
        await service.close()
    return opening.wait(0)
