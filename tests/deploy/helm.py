"""Helm's own engine, in a process of its own: its Go runtime shares none with the tests'."""

from __future__ import annotations

import importlib.util
import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "chart" / "acknet"
Object = dict[str, Any]


class Refused(Exception):
    """What Helm says when it does not render."""


@contextmanager
def helm_process() -> Iterator[Callable[..., Any]]:
    """Run functions of this module in a process that has loaded Helm; what is not rendered raises Refused."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield lambda function, *arguments: pool.submit(function, *arguments).result()


def rendered(values: Mapping[str, Any], namespace: str = "acknet") -> list[Object]:
    import helm_python

    try:
        return _generator().render(CHART, values, namespace)
    except helm_python.HelmError as error:
        raise Refused(str(error)) from None


def linted(values: Mapping[str, Any]) -> list[str]:
    import helm_python

    report = helm_python.lint(CHART, dict(values), strict=True)
    return report["errors"] + [one["error"] for one in report["messages"] if one["severity"] > 1]


def generated() -> dict[str, str]:
    return _generator().generated()


def plain(objects: list[Object]) -> list[Object]:
    return [_generator().plain(one) for one in objects]


def _generator() -> Any:
    """``deploy/generate.py``, which is a script and no part of a package."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "deploy" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
