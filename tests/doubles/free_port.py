"""A port for a server that cannot choose one itself."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

__all__ = ["free_port"]


def free_port() -> int:
    """Return a port from below those that the system gives to clients: it has to be free after a restart, too."""
    while True:
        port = random.randrange(15_000, 30_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port
