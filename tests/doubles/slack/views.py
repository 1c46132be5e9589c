"""Modals and Home tabs, and what people have filled in."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.slack.blocks import words
from tests.doubles.slack.blocks.ids import with_ids
from tests.doubles.slack.errors import SlackError
from tests.doubles.slack.messages import element_of

__all__ = ["View", "Views"]

_DEEPEST = 3


@dataclass(slots=True)
class View:
    """A view that ``user`` sees; ``body`` is what the app sent, with ids where it gave none."""

    id: str
    user: str
    body: dict[str, Any]
    hash: str
    root: str
    previous: str | None = None
    open: bool = True
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    revisions: int = 0

    @property
    def kind(self) -> str:
        return str(self.body["type"])

    @property
    def callback_id(self) -> str:
        return str(self.body.get("callback_id", ""))

    @property
    def blocks(self) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = self.body["blocks"]
        return blocks

    @property
    def title(self) -> str:
        return str(self.body.get("title", {}).get("text", ""))

    @property
    def words(self) -> str:
        return words(self.blocks)

    def element(self, action_id: str) -> dict[str, Any]:
        """Return the element of that action_id with its block_id; raise LookupError where there is none."""
        return element_of(self.blocks, action_id)

    def as_json(self, team_id: str, app_id: str, bot_id: str) -> dict[str, Any]:
        said = {
            "callback_id": "",
            "external_id": "",
            "private_metadata": "",
            "clear_on_close": False,
            "notify_on_close": False,
            **copy.deepcopy(self.body),
            "id": self.id,
            "team_id": team_id,
            "state": {"values": copy.deepcopy(self.values)},
            "hash": self.hash,
            "root_view_id": self.root,
            "previous_view_id": self.previous,
            "app_id": app_id,
            "bot_id": bot_id,
        }
        if self.kind == "modal":
            said = {"close": None, "submit": None} | said
        return said


class Views:
    """All views; each user has a stack of open modals and a Home tab."""

    def __init__(self) -> None:
        self._views: dict[str, View] = {}
        self._homes: dict[str, str] = {}

    def get(self, view_id: str) -> View:
        view = self._views.get(view_id)
        if view is None or not view.open:
            raise SlackError("not_found")
        return view

    def by_external_id(self, external_id: str) -> View:
        for view in self._views.values():
            if view.open and view.body.get("external_id") == external_id:
                return view
        raise SlackError("not_found")

    def stack(self, user: str) -> list[View]:
        """Return the open modals of ``user``, the one on top last."""
        return [view for view in self._views.values() if view.open and view.user == user and view.kind == "modal"]

    def home(self, user: str) -> View | None:
        return self._views.get(self._homes.get(user, ""))

    def open(self, user: str, body: dict[str, Any], previous: View | None = None) -> View:
        """Open a modal, on top of ``previous`` or in place of all there are."""
        external_id = body.get("external_id")
        if external_id and any(view.open and view.body.get("external_id") == external_id for view in self._all()):
            raise SlackError("duplicate_external_id")
        if previous is None:
            self.clear(user)
        elif len(self.stack(user)) >= _DEEPEST:
            raise SlackError("push_limit_reached")
        view = self._add(user, body)
        if previous is not None:
            view.root, view.previous = previous.root, previous.id
        return view

    def update(self, view: View, body: dict[str, Any], given_hash: str | None = None) -> View:
        """Show another body; with ``given_hash`` only where the view is still as that hash says."""
        if given_hash and given_hash != view.hash:
            raise SlackError("hash_conflict")
        view.body = _with_ids(body)
        view.revisions += 1
        view.hash = f"{view.id}.{view.revisions}"
        return view

    def publish(self, user: str, body: dict[str, Any], given_hash: str | None = None) -> View:
        home = self.home(user)
        if home is not None:
            return self.update(home, body, given_hash)
        home = self._add(user, body)
        self._homes[user] = home.id
        return home

    def close(self, view: View) -> None:
        view.open = False

    def clear(self, user: str) -> None:
        """Close all modals of ``user``."""
        for view in self.stack(user):
            view.open = False

    def _all(self) -> list[View]:
        return list(self._views.values())

    def _add(self, user: str, body: dict[str, Any]) -> View:
        view_id = f"V{len(self._views) + 1:010d}"
        view = View(view_id, user, _with_ids(body), f"{view_id}.0", view_id)
        self._views[view_id] = view
        return view


def _with_ids(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "blocks": with_ids(body["blocks"])}
