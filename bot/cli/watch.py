"""``acknet watch``: only the watcher, and what it tells of."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from bot.cli.console import UsageFailure, print_line
from bot.cli.looking import ContextFlag, KubeconfigFlag
from bot.cli.running import run_until_signalled
from bot.cli.settings import ConfigFlag, load_or_fail

if TYPE_CHECKING:
    from bot.service import Service

__all__ = ["watch"]


def watch(kubeconfig: KubeconfigFlag = None, context: ContextFlag = None, config: ConfigFlag = None) -> None:
    """Watch namespaces for events and hanging pods.

    It reads and does nothing else, in the namespaces that the settings name, until it is stopped. What is a sign of a
    trouble that the FAQ knows becomes an incident, told where the settings say, else on stdout. acknet serve does the
    same beside all else.
    """
    settings = load_or_fail({"kubeconfig": kubeconfig, "context": context}, config)
    if not settings.watch_namespaces:
        raise UsageFailure("there is nothing to watch; set ACKNET_WATCH_NAMESPACES=shop,pay (docs/oncall.md)")
    run_until_signalled(settings, _watch)


async def _watch(service: Service, stopped: asyncio.Event) -> None:
    from bot.oncall.part import AlertsPart
    from bot.oncall.watch.part import WatchPart
    from bot.part import Assembly

    alerts = AlertsPart(service)
    async with Assembly([alerts, WatchPart(service, alerts.wake)]):
        print_line(f"acknet watches {', '.join(service.settings.watch_namespaces)}", sys.stderr)
        await stopped.wait()
