"""A kubeconfig file for one server and one user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["write_kubeconfig"]


def write_kubeconfig(
    path: Path, server: str, *, user: Mapping[str, Any], authority: Path | None = None, context: str = "double"
) -> Path:
    """Write it, with the certificate that the server's is to be checked against, and return its path."""
    cluster = {"server": server} | ({"certificate-authority": str(authority)} if authority else {})
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "double", "cluster": cluster}],
                "users": [{"name": "reader", "user": dict(user)}],
                "contexts": [{"name": context, "context": {"cluster": "double", "user": "reader"}}],
                "current-context": context,
            }
        )
    )
    return path
