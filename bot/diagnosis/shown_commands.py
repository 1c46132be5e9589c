"""The kubectl commands that evidence shows: only reading ones, whatever a cluster calls its objects.

People copy these commands into a shell. Names come from the cluster, which may lie, so each command is checked as a
whole before it is shown.
"""

from __future__ import annotations

import re

__all__ = ["NO_COMMAND", "shown_command"]

NO_COMMAND = "(no command: the object has a name that Kubernetes does not allow)"

_WORD = r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?"
_NAME = rf"(?:{_WORD}|<[a-z][a-z -]{{0,30}}>)"
_KINDS = r"[a-z][a-z0-9]*(?:\.[a-z0-9]+)*(?:,[a-z]+)*"
# A name could be -A, too: of these kinds alone all namespaces are shown.
_EVERYWHERE = r"(?:pods?|ds|svc|events|networkpolicy|podeips\.alibabacloud\.com) -A"
_OUTPUT = r"yaml|json|wide|jsonpath='\{[\w.*\[\]\\-]+\}'|custom-columns=[\w:.,\[\]*-]+"
_PAIR = r"[A-Za-z][\w./-]{0,300}=(?:[\w.-]{1,253}|<[a-z]{1,30}>)"
_OPTION = (
    rf" -o (?:{_OUTPUT})| -l {_PAIR}| -L [\w./-]+(?:,[\w./-]+)*| --field-selector {_PAIR}(?:,{_PAIR})*"
    rf"| -c {_NAME}| --show-labels| --show-managed-fields| --previous| --since=1h"
)
_COMMAND = (
    rf"kubectl(?: -n {_NAME})? "
    rf"(?:get (?:{_EVERYWHERE}|{_KINDS}(?: {_NAME}){{0,4}})|describe {_KINDS} {_NAME}|logs {_NAME}|version)"
    rf"(?:{_OPTION})*(?: \| grep (?:-i routeTableIDs|-B30 hostPort|Proxier))?"
)
_SHAPE = re.compile(rf"{_COMMAND}(?:; {_COMMAND}){{0,2}}", re.ASCII)


def shown_command(command: str) -> str:
    """Return a command that may be shown: itself where it is of a shape that only reads, else `NO_COMMAND`."""
    return command if len(command) < 2000 and _SHAPE.fullmatch(command) else NO_COMMAND
