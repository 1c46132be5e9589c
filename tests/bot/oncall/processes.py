"""A server that tests can kill: ``python -m tests.bot.oncall.processes STORE_URL WEBHOOK_URL``.

It answers from the stand-in engine, looks into no cluster, prints its address when it is ready, and gives the work of
one that was killed to the next after a second.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.oncall.part import AlertsPart
from bot.part import Part
from bot.service import Service
from bot.settings import Settings
from bot.settings.store_url import StoreUrl
from bot.web.app import create_app
from bot.web.parts import serve_parts
from bot.web.server import Server, listen, url_of
from tests.doubles.engine import StandInEngine

LEASE = dt.timedelta(seconds=1)


def parts(service: Service) -> Sequence[Part]:
    return [AlertsPart(service, lease=LEASE) if isinstance(part, AlertsPart) else part for part in serve_parts(service)]


def main(store_url: str, webhook_url: str) -> None:
    settings = Settings(kubeconfig=Path("nowhere"), store_url=StoreUrl(store_url), incident_webhook_url=webhook_url)
    app = create_app(settings, lambda _: StandInEngine(), parts=parts)
    listener = listen("127.0.0.1", 0)
    Server(app, settings, lambda: print(url_of(listener), flush=True)).run_until_signalled(listener)


if __name__ == "__main__":
    main(*sys.argv[1:])
