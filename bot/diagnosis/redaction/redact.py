"""Takes credentials out of text and objects before they leave acknet, and nothing that a diagnosis needs.

What goes: access keys and what belongs to them, passwords, tokens, private keys, kubeconfig material, Authorization
headers, registry logins, user information in URLs; the values of Secrets; the environment of containers. Ids,
addresses, versions, flags, MACs and digests stay, unless Pseudonyms are asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.diagnosis.redaction.field_values import (
    REDACTED,
    is_credential_field,
    is_credential_flag,
    is_no_credential,
    without_field_values,
)
from bot.diagnosis.redaction.key_material import without_base64, without_private_keys, without_tokens
from bot.diagnosis.redaction.pseudonyms import Pseudonyms
from bot.diagnosis.redaction.redact_json import redacted_json

__all__ = ["REDACTED", "Pseudonyms", "redact", "redact_object"]

_MAX_DEPTH = 150
_SHORTEST = 6
"""No text that is shorter shows that it is a credential, or names one and holds it."""

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_SECRET_KIND = re.compile(r"\bkind\\{0,8}[\"']?:\s{0,8}\\{0,8}[\"']?Secret\b")
_DATA_OBJECT = re.compile(r"(?<=[\"'])(?:data|stringData)\\{0,8}[\"']\s{0,8}:\s{0,8}\{[^{}]{1,65536}\}?")
_JSON_VALUE = re.compile(r":\s{0,8}(?P<quote>\\{0,8}[\"'])(?P<value>[^\"'\\]{1,65536})")
_DATA_FIELD = re.compile(r"(?P<indent>[ >\t]*)[\"']?(?:data|stringData)[\"']?:\s*\{?\s*\Z")
_ENTRY = re.compile(r"(?P<head>[ >\t]*[\"']?[\w.-]+[\"']?:[ \t]*)(?P<value>[^\s{].*?)(?P<tail>,?\s*)\Z")
_LONG_WORD = re.compile(r"[A-Za-z0-9+/=]{16,}")


def redact(text: str) -> str:
    """Return ``text`` without credentials, all else unchanged. Text that was redacted stays as it is.

    Text that is a JSON object or array stays one.
    """
    if len(text) < _SHORTEST:
        return text
    if (as_json := redacted_json(text, redact)) is not None:
        return as_json
    text = without_private_keys(text)
    text = _without_secret_data(text)
    had_access_key = "LTAI" in text
    if had_access_key:
        text = without_tokens(text)
    text = without_field_values(text)
    if not had_access_key:
        text = without_tokens(text)
    return without_base64(text, redact)


def redact_object(obj: Any) -> Any:
    """Return a copy of a Kubernetes object, or of any JSON value, without credentials.

    The values of Secrets and of containers' environments go whatever they are; what lies deeper than any Kubernetes
    object goes as a whole.
    """
    return _value(obj, 0)


def _without_secret_data(text: str) -> str:
    """Take out the data of Secrets that are written as YAML or JSON over several lines."""
    if not _SECRET_KIND.search(text):
        return text
    text = _DATA_OBJECT.sub(lambda data: _JSON_VALUE.sub(rf": \g<quote>{REDACTED}", data[0]), text)
    lines = text.split("\n")
    indent: int | None = None
    for number, line in enumerate(lines):
        if line.startswith("---"):
            indent = None
        elif field := _DATA_FIELD.match(line):
            indent = len(field["indent"])
        elif indent is not None and line.strip(" >\t\r"):
            if len(line) - len(line.lstrip(" >\t")) <= indent:
                indent = None
            elif entry := _ENTRY.match(line):
                quote = entry["value"][0] if entry["value"][0] in "\"'" else ""
                lines[number] = f"{entry['head']}{quote}{REDACTED}{quote}{entry['tail']}"
            else:
                lines[number] = _LONG_WORD.sub(REDACTED, line)
    return "\n".join(lines)


def _value(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return _mapping(value, depth + 1) if depth < _MAX_DEPTH else REDACTED
    if isinstance(value, list | tuple):
        return _items(value, depth + 1) if depth < _MAX_DEPTH else REDACTED
    return value


def _mapping(mapping: Mapping[str, Any], depth: int) -> dict[str, Any]:
    is_secret = mapping.get("kind") == "Secret"
    redacted: dict[str, Any] = {}
    for key, value in mapping.items():
        if is_secret and key in ("data", "stringData") and isinstance(value, Mapping):
            redacted[key] = dict.fromkeys(value, REDACTED)
        elif key == "env" and isinstance(value, list):
            redacted[key] = [_environment_entry(entry, depth) for entry in value]
        elif key == _LAST_APPLIED and isinstance(value, str):
            redacted[key] = _json_text(value, depth)
        elif _is_scalar(value) and is_credential_field(key, str(value)):
            redacted[key] = REDACTED
        else:
            redacted[redact(key)] = _value(value, depth)
    return redacted


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _environment_entry(entry: Any, depth: int) -> Any:
    if isinstance(entry, Mapping) and "name" in entry:
        return {key: _value(value, depth + 1) for key, value in entry.items() if key != "value"}
    return _value(entry, depth)


def _json_text(text: str, depth: int) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return REDACTED
    return json.dumps(_value(value, depth), separators=(",", ":"), ensure_ascii=False)


def _items(items: Sequence[Any], depth: int) -> list[Any]:
    """Redact a list, in which a flag of a command line may have its value in the item after it."""
    redacted: list[Any] = []
    follows_flag = False
    for item in items:
        is_value = follows_flag and isinstance(item, str) and not item.startswith("-")
        redacted.append(REDACTED if is_value and not is_no_credential(item, strong=True) else _value(item, depth))
        follows_flag = isinstance(item, str) and is_credential_flag(item)
    return redacted
