"""What a cluster says: typed facts, a module a subject, each fact read by one collector."""

from __future__ import annotations

import importlib
import pkgutil

__all__ = ["load_all"]


def load_all() -> None:
    """Import every module of facts, so that all collectors are registered."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
