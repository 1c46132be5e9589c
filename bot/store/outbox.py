"""The outbox: messages that have to be seen exactly once, whatever stops in the middle."""

from __future__ import annotations

from bot.store.work import Lease, WorkQueue

__all__ = ["Outbox"]


class Outbox(WorkQueue):
    """Messages to be sent; the key of a message is its idempotency key.

    A sender that finds ``attempt`` above 1 first looks whether the platform has the message already, by its key.
    """

    async def sent(self, held: Lease, message: str) -> bool:
        """Mark a message as sent; ``message`` is the platform's id of it. False: the lease was lost.

        The id is the ``result`` that `get` returns for the message's key. Raises StoreUnavailable.
        """
        return await self.done(held, message)
