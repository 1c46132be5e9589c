"""Who people are and who is in a channel, as Slack says, remembered for a few minutes."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from bot.slack.calls import Limited, Refused, SlackCalls, Trouble

__all__ = ["Directory"]

T = TypeVar("T")

_SECONDS = 300.0
_MOST_KEPT = 5000
_MOST_MEMBERS = 100


class Directory:
    """Looks people up. What cannot be found out is None."""

    def __init__(self, calls: SlackCalls) -> None:
        self._calls = calls
        self._kept: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._ours: tuple[str, str] | None = None

    async def is_member(self, user: str) -> bool | None:
        """Tell whether ``user`` is a full member of the workspace: no guest, no stranger, no bot."""

        async def ask() -> bool:
            found = await self._insider(user)
            limited = found.get("is_restricted") or found.get("is_ultra_restricted")
            return bool(found) and not (limited or found.get("is_bot") or found.get("deleted"))

        return await self._known(f"user {user}", ask)

    async def members_of(self, group: str) -> frozenset[str] | None:
        """Return the ids of the members of a user group."""

        async def ask() -> frozenset[str]:
            answer = await self._calls.call(self._calls.client.usergroups_users_list, usergroup=group)
            return frozenset(map(str, answer.get("users") or ()))

        return await self._known(f"group {group}", ask)

    async def is_private_to_members(self, channel: str) -> bool | None:
        """Tell whether only full members of the workspace read a channel."""

        async def ask() -> bool:
            client = self._calls.client
            info = (await self._calls.call(client.conversations_info, channel=channel)).get("channel") or {}
            if info.get("is_ext_shared") or info.get("is_pending_ext_shared") or info.get("is_org_shared"):
                return False
            answer = await self._calls.call(client.conversations_members, channel=channel, limit=_MOST_MEMBERS)
            if (answer.get("response_metadata") or {}).get("next_cursor"):
                return False  # too many to look at each
            for user in answer.get("members") or ():
                if not await self._is_member_or_bot(user):
                    return False
            return True

        return await self._known(f"channel {channel}", ask)

    async def _is_member_or_bot(self, user: str) -> bool:
        async def ask() -> bool:
            return bool((await self._insider(user)).get("is_bot"))

        return bool(await self.is_member(user)) or bool(await self._known(f"bot {user}", ask))

    async def _insider(self, user: str) -> Mapping[str, Any]:
        """Return what Slack says of a user of this organization; nothing for one of another.

        ``is_stranger`` is false for those with whom a channel is shared, so that it takes the ids to tell. Raises
        Trouble, Limited, Refused.
        """
        found: Mapping[str, Any] = (await self._calls.call(self._calls.client.users_info, user=user)).get("user") or {}
        team, enterprise = await self._home()
        of_enterprise = (found.get("enterprise_user") or {}).get("enterprise_id")
        inside = found.get("team_id") == team or (enterprise and of_enterprise == enterprise)
        return found if inside and not found.get("is_stranger") else {}

    async def _home(self) -> tuple[str, str]:
        """Return the ids of the workspace and, on Enterprise Grid, of the organization that acknet belongs to."""
        if self._ours is None:
            told = await self._calls.call(self._calls.client.auth_test)
            self._ours = str(told["team_id"]), str(told.get("enterprise_id") or "")
        return self._ours

    async def _known(self, key: str, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Return what is known, or ask for it; None where it cannot be found out now."""
        at, value = self._kept.get(key, (0.0, None))
        if value is not None and time.monotonic() - at < _SECONDS:
            return value  # type: ignore[no-any-return]
        try:
            found = await ask()
        except (Trouble, Limited, Refused):
            return None
        self._kept[key] = (time.monotonic(), found)
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return found
