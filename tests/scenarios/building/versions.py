"""Image tags compared as ACK's are: number by number."""

from __future__ import annotations

import re

__all__ = ["at_least"]

_UNTAGGED = [1, 14]


def at_least(image: str, *wanted: int) -> bool:
    """Tell whether a tag (or the tag of an image) is that release or a later one; a digest counts as v1.14."""
    if "@sha256:" in image:
        have = _UNTAGGED
    else:
        numbers = re.match(r"v?(\d+(?:\.\d+)*)", image.rsplit(":", 1)[-1])
        have = [int(one) for one in numbers[1].split(".")] if numbers else [0]
    return have + [0] * (len(wanted) - len(have)) >= list(wanted)
