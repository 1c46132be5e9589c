"""Where settings are read from besides flags: the environment and one TOML file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from platformdirs import user_config_path
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

__all__ = ["Environment", "SettingsError", "printable", "read_config"]

_CONFIG_VARIABLE = "ACKNET_CONFIG"


class SettingsError(ValueError):
    """A value that cannot be used; one line names its source, its key and what is expected, never the value."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class Environment(EnvSettingsSource):
    """The environment; a value that a setting cannot take is left for the model to refuse by name."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the variable's value, its key and whether it has to be decoded."""
        value, key, is_complex = super().get_field_value(field, field_name)
        # Kubernetes sets ACKNET_PORT=tcp://… in the pods beside a Service named acknet; that is not meant for us.
        linked = field_name.endswith("port") and str(value).startswith(("tcp://", "udp://", "sctp://"))
        return (None if linked else value), key, is_complex

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Return the value decoded from JSON, or as it is where it is none, or a mere number or word of JSON's."""
        try:
            decoded = super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value
        return decoded if isinstance(decoded, list | dict | str) else value


def read_config(config: Path | None) -> tuple[Path | None, dict[str, Any]]:
    """Return the path of the TOML file and its content; None and nothing where there is no file.

    The file is ``config``, else the one that ``ACKNET_CONFIG`` names, else ``acknet.toml`` in the user's configuration
    directory where there is one. Raises SettingsError when it cannot be read or is no TOML.
    """
    if config is not None:
        return _read(config, "flag --config")
    if named := os.environ.get(_CONFIG_VARIABLE):
        return _read(Path(named), f"environment {_CONFIG_VARIABLE}")
    path = _usual_file()
    return _read(path, "settings file") if path else (None, {})


def printable(text: str) -> str:
    """Return ``text`` with everything that is not printable escaped."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _usual_file() -> Path | None:
    try:
        path = user_config_path("acknet", appauthor=False) / "acknet.toml"
        return path if path.exists() else None
    except (OSError, RuntimeError):
        return None  # no home, or that of another user: a container may run under any user id


def _read(path: Path, origin: str) -> tuple[Path, dict[str, Any]]:
    import tomllib

    expected = f"{origin}: expected a TOML file, cannot"
    try:
        path = path.expanduser()
    except RuntimeError as error:
        raise SettingsError(f"{expected} read {path}: no home directory is known for its ~") from error
    try:
        return path, tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{expected} read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{expected} parse {path}: it is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{expected} parse {path}: {error}") from error
