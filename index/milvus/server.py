"""The connection to a Milvus server: every call has a time limit, every failure is one line."""

from __future__ import annotations

import logging
from typing import Any

from index.vectors import VectorStoreError

__all__ = ["MilvusServer", "VectorStoreUnavailable"]

_LONGEST_REASON = 200

_PREPARING = frozenset({"create_collection", "load_collection"})
_PREPARING_SECONDS = 60.0
"""What a call of those may take at least: a server makes and loads a collection in seconds, not in one answer."""


class VectorStoreUnavailable(VectorStoreError):
    """Raised when the server of a store cannot be reached, is too slow or refuses; trying again may help."""


class MilvusServer:
    """A Milvus server at ``url``; ``token`` is what it wants to let somebody in (``user:password`` or a key).

    ``timeout`` is the seconds that one call may take, attempts to connect again among them; making and loading a
    collection has a minute. Raises VectorStoreUnavailable when the server cannot be reached, ImportError without
    pymilvus. Safe to use from several threads.
    """

    def __init__(self, url: str, *, token: str = "", timeout: float = 5.0) -> None:
        import grpc
        import pymilvus

        # It logs each failure with two or three stack traces and raises it too; what is raised is enough.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
        self.url = url
        self._timeout = timeout
        self._failures = (pymilvus.MilvusException, grpc.RpcError, grpc.FutureTimeoutError)
        # dedicated: closing this one closes no other's connection to the same server.
        self._client: Any = self._said(pymilvus.MilvusClient, timeout, uri=url, token=token, dedicated=True)

    def call(self, method: str, *args: object, **options: object) -> Any:
        """Call a method of ``pymilvus.MilvusClient``; raise VectorStoreUnavailable when it fails."""
        timeout = max(self._timeout, _PREPARING_SECONDS) if method in _PREPARING else self._timeout
        return self._said(getattr(self._client, method), timeout, *args, **options)

    def schema(self, dimension: int) -> dict[str, Any]:
        """Return what ``create_collection`` takes to make one for vectors: an id, a vector, exact inner product."""
        from pymilvus import DataType

        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        index = self._client.prepare_index_params()
        index.add_index("vector", index_type="FLAT", metric_type="IP")
        return {"schema": schema, "index_params": index, "consistency_level": "Strong"}

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _said(self, function: Any, timeout: float, *args: object, **options: object) -> Any:
        try:
            return function(*args, timeout=timeout, **options)
        except self._failures as error:
            reason = " ".join(str(getattr(error, "message", "") or error or type(error).__name__).split())
            raise VectorStoreUnavailable(f"the vector store {self.url} fails: {reason[:_LONGEST_REASON]}") from error
