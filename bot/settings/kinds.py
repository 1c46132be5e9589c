"""The kinds of value a setting takes, and how an error or the reference page says what is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

__all__ = ["Decimal", "Lowercase", "Names", "ServerUrl", "SettingPath", "Text", "Whole", "accepted"]


def _expanded(value: object) -> object:
    if not isinstance(value, str | Path):
        return value
    if not str(value).strip() or "\0" in str(value):
        raise ValueError("not empty, without NUL")
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        raise ValueError("no home directory is known for its ~") from error


def _no_boolean(value: object) -> object:
    # pydantic reads true as 1, and passes only ValueError on.
    if isinstance(value, bool):
        raise ValueError("true and false are none")  # noqa: TRY004
    return value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _server_url(url: str) -> str:
    # A reason never quotes the URL: it may hold a password.
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or any(char.isspace() for char in url):
        raise ValueError("such as http://127.0.0.1:8080")
    if "@" in parts.netloc:
        raise ValueError("without user name and password")
    return url.rstrip("/")


def _listed(value: object) -> object:
    if isinstance(value, str):
        return tuple(name for name in (part.strip() for part in value.split(",")) if name)
    return tuple(value) if isinstance(value, list) else value


SettingPath = Annotated[Path, BeforeValidator(_expanded)]
"""A path; a leading ``~`` is expanded, a relative one is taken from the working directory."""

Whole = Annotated[int, BeforeValidator(_no_boolean)]
"""A whole number."""

Decimal = Annotated[float, BeforeValidator(_no_boolean), Field(allow_inf_nan=False)]
"""A finite number."""

Text = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Text of at least one character and no control characters."""

Names = Annotated[tuple[Text, ...], BeforeValidator(_listed)]
"""Names: a list in TOML, with commas between them in the environment."""

ServerUrl = Annotated[Text, AfterValidator(_server_url)]
"""An http or https URL without credentials, query and trailing slash."""

Lowercase = BeforeValidator(_lower)
"""Lets the words of a ``Literal`` be written in any case."""

_BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "up to", "exclusiveMaximum": "below"}
_TYPES = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}


def accepted(schema: Mapping[str, Any]) -> str:
    """Say in words what the JSON schema of a setting accepts; its own ``accepts`` goes before what is derived."""
    if "accepts" in schema:
        return str(schema["accepts"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(accepted(option) for option in schema["anyOf"] if option.get("type") != "null")
    if schema.get("type") == "array":
        return f"a list of {accepted(schema['items'])}"
    bounds = [f"{word} {schema[bound]}" for bound, word in _BOUNDS.items() if bound in schema]
    return " ".join([_TYPES[schema["type"]], *bounds])
