"""Tells a foreign error in the frame of a known one from the known one.

Some errors come wrapped: ``failed to allocate for range 0:`` stands before what went wrong. Where a signature is such a
frame around another signature, a text that has the frame around something else tells of another error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from index.phrases import FUNCTION_WORDS, vocabulary
from index.signature_text import REACH, squeezed_pattern
from index.slips import distance
from index.squeezed import places, squeezed

__all__ = ["Frames"]

MIN_TELLING = 3
"""How many telling words a frame has; shorter ones stand around everything (``Node <name> status is now:``)."""

MIN_LITERAL = 9

_COMPARED = 12
_SLIPS = 3
"""How many letters of what stands in a frame are compared, and how many of them may be wrong."""

_MASK = re.compile(r"<[a-z]+>")


class _Frame:
    """What stands in ``signature`` before another one that begins with ``inner``."""

    def __init__(self, signature: str, frame: str, inner: str) -> None:
        self.signature = signature
        self.head = squeezed(_MASK.split(frame)[0])
        self._pattern = re.compile(squeezed_pattern(frame))
        self._inner = squeezed(inner)[:_COMPARED]

    def holds_another(self, letters: str) -> bool:
        for at in places(letters, self.head):
            if frame := self._pattern.match(letters, at, at + REACH):
                held = letters[frame.end() : frame.end() + len(self._inner)]
                # Fewer letters are what is left of a message that was cut.
                if len(held) == len(self._inner) and distance(held, self._inner) > _SLIPS:
                    return True
        return False


class Frames:
    """All frames among ``signatures``, looked for at once."""

    def __init__(self, signatures: Sequence[str]) -> None:
        self._frames = list(_frames(signatures))

    def find(self, letters: str) -> list[str]:
        """Return the signatures whose frame stands in ``letters``, a squeezed text, around something else."""
        return [frame.signature for frame in self._frames if frame.head in letters and frame.holds_another(letters)]


def _frames(signatures: Sequence[str]) -> Iterator[_Frame]:
    for signature in signatures:
        for other in signatures:
            inner = _MASK.split(other)[0].strip()
            at = signature.casefold().find(f" {inner.casefold()}") if len(inner) >= MIN_LITERAL else -1
            frame = signature[: max(at, 0)]
            if len(vocabulary([_MASK.sub(" ", frame)]) - FUNCTION_WORDS) >= MIN_TELLING:
                yield _Frame(signature, frame, inner)
                break
