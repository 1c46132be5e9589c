"""What a snapshot says of itself: what it holds whole, what was not there, what could not be read."""

from __future__ import annotations

from functools import cached_property

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

__all__ = ["META_NAME", "Query", "SnapshotMeta"]

META_NAME = "acknet-snapshot.json"


class Query(BaseModel):
    """A read that was answered in full when a snapshot was taken: what it does not hold of this was not there."""

    model_config = ConfigDict(frozen=True)

    resource: str
    namespace: str | None = None
    labels: dict[str, str] = {}
    fields: dict[str, str] = {}

    @property
    def key(self) -> tuple[str, str | None, frozenset[tuple[str, str]], frozenset[tuple[str, str]]]:
        """What two equal reads have in common."""
        return self.resource, self.namespace, frozenset(self.labels.items()), frozenset(self.fields.items())


class SnapshotMeta(BaseModel):
    """What ``acknet-snapshot.json`` says of a snapshot; kinds by their qualified names (``nodes.network.…``)."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    captured_at: AwareDatetime | None = None
    """When it was taken, by the server's clock."""
    version: str | None = None
    """The API server's gitVersion."""
    served: tuple[str, ...] = ()
    """Kinds that were read to the end: where there are no objects, there were none."""
    incomplete: tuple[str, ...] = ()
    """Kinds of which only some objects were read, so that absence proves nothing."""
    not_served: tuple[str, ...] = ()
    """Kinds that the server does not have."""
    forbidden: tuple[str, ...] = ()
    """Kinds, or ``pods/log``, that whoever took it was not permitted to read."""
    answered: tuple[Query, ...] = ()
    """Reads that were answered in full, of kinds of which only some objects are here."""

    @cached_property
    def answered_keys(self) -> frozenset[object]:
        """The keys of ``answered``."""
        return frozenset(query.key for query in self.answered)
