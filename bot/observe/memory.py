"""Keeps a process that stays up from holding more memory than it uses."""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from collections.abc import Callable

__all__ = ["give_back", "keep_small"]

_EVERY_SECONDS = 60.0


def give_back() -> bool:
    """Return to the system what was freed; False where the C library (another than glibc) knows no way.

    What is freed between things that stay is kept by the allocator, which takes a little more of it with every ten
    thousand questions.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return False
    trim(0)
    return True


def keep_small(wait_until_loaded: Callable[[], object]) -> None:
    """Begin to give memory back, in a thread of its own: once all is loaded, and from then on every minute.

    What is loaded by then stays: the garbage collector looks through it no more, which would stop all threads for a
    tenth of a second each time.
    """

    def work() -> None:
        wait_until_loaded()
        gc.collect()
        gc.freeze()
        while give_back():
            time.sleep(_EVERY_SECONDS)

    threading.Thread(target=work, name="keep-small", daemon=True).start()
