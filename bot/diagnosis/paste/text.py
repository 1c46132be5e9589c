"""Pasted text into plain lines: what chats, mail and terminals put around a command's output is taken off."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["BREAK", "Command", "command", "is_prompt", "plain_lines"]

BREAK = "\f"
"""A line that stands for the edge of a code block."""

_MAX_TEXT = 2 * 1024 * 1024
_MAX_LINES = 40_000
_ESCAPES = {"&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&#39;": "'", "&nbsp;": " "}
_ESCAPE = re.compile("|".join(_ESCAPES))
_LINK = re.compile(r"<(?P<url>(?:https?://|mailto:)[^\s|<>]{1,2000})(?:\|(?P<label>[^<>\n]{1,2000}))?>")
_ANSI = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|[\u200b-\u200f\u2060\ufeff\x00-\x08\x0b\x0e-\x1f]")
_FENCE = re.compile(
    r"(?:```|~~~)(?:(?:ya?ml|json|text|txt|bash|shell|sh|console|log|plaintext|none|k8s)[ \t]*(?=\n|\Z))?"
)
_QUOTED = re.compile(r"(?: {0,3}> ?)+")
_BACKTICKS = re.compile(r"(?P<before>\s*)`(?P<line>[^`]+)`\s*\Z")

# user@host:~$ kubectl, [root@host ~]# kubectl, PS C:\\> kubectl, $ k; without a prompt only the full name.
_KUBECTL = re.compile(
    r"(?:(?:\A|[$#%>➜❯]) *(?:sudo +)?(?:kubectl|kubecolor|oc)|[$#%>➜❯] +(?:sudo +)?k) +(?P<rest>\S.*)\Z"
)
_VERB = re.compile(r" (?:get|describe|logs?|events) ")
_OTHER_COMMAND = re.compile(r"\s*(?:\[?[\w.-]{1,60}@[\w.-]{1,60}[ :][^$#\s]{0,80}\]?[$#]|\$) \S")
_VALUE_FLAGS = frozenset({"-n", "--namespace", "-o", "--output", "-c", "--container", "-l", "--selector", "--tail",
                          "--since", "--context", "--kubeconfig", "--field-selector", "--sort-by", "-f"})  # fmt: skip
_SHELL_END = re.compile(r"\s(?:\||;|&&|>|2>|#)")


@dataclass(frozen=True, slots=True)
class Command:
    """A kubectl command: ``verb`` (get, describe, logs, events), its kind as typed and the names asked for."""

    verb: str
    kind: str
    names: tuple[str, ...]
    namespace: str | None = None
    container: str | None = None
    previous: bool = False


def plain_lines(text: str) -> list[str]:
    """Return the lines without quoting, escapes, colours and tabs; BREAK where a code block starts or ends.

    What is longer than any paste that a person would read is cut.
    """
    text = text[:_MAX_TEXT].replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ").replace(BREAK, "\n")
    text = _ESCAPE.sub(lambda found: _ESCAPES[found[0]], text)
    text = _LINK.sub(lambda found: found["label"] or found["url"], text)
    text = _ANSI.sub("", text)
    text = _FENCE.sub(f"\n{BREAK}\n", text)
    return [BREAK if line == BREAK else _plain(line) for line in text.split("\n", _MAX_LINES)[:_MAX_LINES]]


def is_prompt(line: str) -> bool:
    """Whether a command was typed in this line."""
    return command(line) is not None or (("$" in line or "#" in line) and bool(_OTHER_COMMAND.match(line[:300])))


def command(line: str) -> Command | None:
    """Return the kubectl command that a line shows, with a prompt before it or without; None where it shows none."""
    match = _KUBECTL.search(line[:1000].lstrip(" ")) if _VERB.search(line[:1000]) else None
    return _parsed(_SHELL_END.split(match["rest"], maxsplit=1)[0].split()) if match else None


def _parsed(arguments: list[str]) -> Command | None:
    words: list[str] = []
    flags: dict[str, str] = {}
    remaining = iter(arguments)
    for argument in remaining:
        if not argument.startswith("-"):
            words.append(argument)
            continue
        name, equals, value = argument.partition("=")
        if not equals and name in _VALUE_FLAGS:
            value = next(remaining, "")
        elif not equals and re.match(r"-[nocl][^-=]", name):  # -nkube-system, -oyaml
            name, value = name[:2], name[2:]
        flags[name] = value
    if not words or words[0] not in ("get", "describe", "logs", "log", "events"):
        return None
    verb, *rest = words
    if verb in ("logs", "log"):
        kind, names = "pods", rest[:1]
        container = flags.get("-c") or flags.get("--container") or (rest[1] if len(rest) > 1 else None)
    else:
        kind, _, name = (rest[0] if rest else verb).partition("/")
        names, container = ([name] if name else []) + rest[1:], None
    return Command(
        "logs" if verb == "log" else verb,
        kind.lower(),
        tuple(names),
        flags.get("-n") or flags.get("--namespace") or None,
        container,
        "-p" in flags or "--previous" in flags,
    )


def _plain(line: str) -> str:
    if ">" in line[:8]:
        line = _QUOTED.sub("", line, count=1) if _QUOTED.match(line) else line
    if line.endswith("`") and (match := _BACKTICKS.match(line)):
        line = match["before"] + match["line"]
    return line.expandtabs(8).rstrip()
