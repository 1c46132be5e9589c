"""What is said about an incident, whatever the place where it is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.answer import Answer
from bot.store import Incident

__all__ = ["Headline", "Looked", "Notice", "NoticeKind", "headline", "look_note", "looks"]

NoticeKind = Literal["opened", "answered", "updated", "still_confirmed", "reopened", "resolved"]

_LOOK = "look "
_SHOWN = 6


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Looked(_Frozen):
    """What came of the look into one place of an incident.

    ``confirmed`` are the entries about faults that the look confirmed and on which closing depends, ``alerts`` how many
    pointed there, ``unread`` says why nothing was looked into.
    """

    place: str
    cluster: str | None = None
    scope: Mapping[str, str]
    alerts: int
    entry: str | None = None
    title: str = ""
    confirmed: tuple[str, ...] = ()
    unread: str = ""


class Headline(_Frozen):
    """An incident in a few words, as it is now: what a thread begins with."""

    incident: int
    state: Literal["open", "resolved"]
    source: str
    title: str
    firing: int
    left_out: int
    url: str | None
    looked: tuple[Looked, ...]

    @property
    def text(self) -> str:
        """All of it in plain text, a line each."""
        more = f" and {self.left_out} more that {self.source} did not list" if self.left_out else ""
        alerts = "no alert fires" if not self.firing else f"{self.firing} alert{'s' * (self.firing > 1)} firing{more}"
        lines = [f"{self.state.upper()}: {self.title}", f"Incident {self.incident}, from {self.source}: {alerts}."]
        lines += [f"- {one.place}: {_seen(one)}" for one in self.looked[:_SHOWN]]
        if len(self.looked) > _SHOWN:
            lines.append(f"- and {len(self.looked) - _SHOWN} more places")
        return "\n".join(lines)


class Notice(_Frozen):
    """One thing that is said. ``key`` tells it from all others: what has the same key is the same notice.

    ``text`` is what to say in plain text; an ``answered`` notice bears the ``answer`` and the id by which it is rated.
    ``thread`` names the incident's thread, which the first notice, ``opened``, begins.
    """

    key: str
    thread: str
    kind: NoticeKind
    text: str
    headline: Headline
    answer_id: str | None = None
    answer: Answer | None = None


def headline(incident: Incident, state: Literal["open", "resolved"] | None = None) -> Headline:
    """Return what there is to say of ``incident``, as it is or in the ``state`` that it is about to be in."""
    details = incident.details
    return Headline(
        incident=incident.id,
        state=state or incident.state,
        source=details.get("source", "acknet"),
        title=details.get("title", incident.key),
        firing=0 if state == "resolved" else len(incident.fingerprints),
        left_out=0 if state == "resolved" else details.get("left_out", 0),
        url=details.get("url"),
        looked=tuple(looks(incident).values()),
    )


def looks(incident: Incident) -> dict[str, Looked]:
    """Return what came of each look, by the key of its place."""
    return {
        name.removeprefix(_LOOK): Looked.model_validate(value)
        for name, value in sorted(incident.details.items())
        if name.startswith(_LOOK)
    }


def look_note(key: str, looked: Looked) -> dict[str, object]:
    """Return the look into the place ``key`` as a detail of an incident."""
    return {f"{_LOOK}{key}": looked.model_dump(mode="json")}


def _seen(looked: Looked) -> str:
    if looked.confirmed:
        return f"confirmed: {looked.title or looked.confirmed[0]}"
    said = looked.title or "the FAQ has no answer"
    return f"{said} (not confirmed{f': {looked.unread}' if looked.unread else ''})"
