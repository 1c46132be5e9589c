from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.deploy.helm import Object, helm_process, rendered

Run = Callable[..., Any]
Render = Callable[[Mapping[str, Any]], list[Object]]


@pytest.fixture(scope="session")
def kubectl() -> str:
    """The path of kubectl, where there is one."""
    tool = shutil.which("kubectl")
    if tool is None:
        pytest.skip("kubectl is not installed")
    return tool


@pytest.fixture(scope="session")
def helm() -> Iterator[Run]:
    if importlib.util.find_spec("helm_python") is None:
        pytest.skip("helm-python-sdk, which brings Helm's engine, is not installed: there is no wheel for this machine")
    with helm_process() as run:
        yield run


@pytest.fixture(scope="session")
def render(helm: Run) -> Render:
    """The objects that the chart makes of some values, with an image named."""
    return lambda values: helm(rendered, {"image": {"repository": "registry.example.com/acknet"}} | dict(values))
