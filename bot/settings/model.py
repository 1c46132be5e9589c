"""What can be set, and where a value comes from: a flag, else the environment, else a TOML file, else the default."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import PrivateAttr, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bot.settings.cluster import ClusterSettings
from bot.settings.kinds import accepted
from bot.settings.llm import LlmSettings
from bot.settings.observing import ObservingSettings
from bot.settings.oncall import OnCallSettings
from bot.settings.retrieval import RetrievalSettings
from bot.settings.serving import ServingSettings
from bot.settings.slack import SlackSettings
from bot.settings.sources import Environment, SettingsError, printable, read_config
from bot.settings.storing import StoreSettings

__all__ = ["SettingReference", "SettingValue", "Settings", "SettingsError", "explain", "load_settings", "reference"]

_PREFIX = "ACKNET_"


@dataclass(frozen=True, slots=True)
class SettingValue:
    """A setting in force: ``value`` is plain JSON data with secrets masked.

    ``source`` is ``flag``, ``environment ACKNET_…``, ``file PATH`` or ``default``.
    """

    name: str
    env: str
    value: object
    source: str
    description: str

    @property
    def text(self) -> str:
        """The value as one printable line; ``-`` where nothing is set."""
        return printable(_as_written(self.value) or "-")


@dataclass(frozen=True, slots=True)
class SettingReference:
    """What the reference page says of a setting: what it ``accepts`` in words, and its ``default``; None for none."""

    name: str
    env: str
    accepts: str
    default: str | None
    description: str


# Fields are listed from the last group to the first.
class Settings(
    ObservingSettings,
    LlmSettings,
    OnCallSettings,
    SlackSettings,
    StoreSettings,
    ClusterSettings,
    ServingSettings,
    RetrievalSettings,
    BaseSettings,
):
    """Every setting of acknet. Built directly, it holds what is passed and the defaults; `load_settings` reads more."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
    )

    _origins: Mapping[str, str] | None = PrivateAttr(default=None)

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keep an object that is built directly free of its surroundings; `load` names its sources itself."""
        return (sources["init_settings"],)

    @classmethod
    def load(cls, overrides: Mapping[str, object] | None = None, config: Path | None = None) -> Self:
        """Return the settings in force; see `load_settings`."""
        path, table = read_config(config)
        given = {name: value for name, value in (overrides or {}).items() if value is not None}
        flags = InitSettingsSource(cls, init_kwargs=given)
        environment = Environment(cls)
        file = InitSettingsSource(cls, init_kwargs=table)
        origins = (
            dict.fromkeys(file(), printable(f"file {path}"))
            | {name: f"environment {_variable(name)}" for name in environment()}
            | dict.fromkeys(flags(), "flag")
        )
        try:
            settings = cls(_build_sources=((flags, environment, file), {}))
        except ValidationError as error:
            raise SettingsError(_complaint(cls, error, origins)) from error
        settings._origins = origins
        return settings

    def source_of(self, name: str) -> str:
        """Return where the value of ``name`` came from: see `SettingValue`."""
        origins = dict.fromkeys(self.model_fields_set, "flag") if self._origins is None else self._origins
        return origins.get(name, "default")


def load_settings(overrides: Mapping[str, object] | None = None, config: Path | None = None) -> Settings:
    """Return the settings in force.

    ``overrides`` are the values of flags by the names of the settings; None stands for a flag that was not given. The
    TOML file is ``config``, else the one that ``ACKNET_CONFIG`` names, else ``acknet.toml`` in the user's configuration
    directory where there is one. Raises SettingsError.
    """
    return Settings.load(overrides, config)


def explain(settings: Settings) -> tuple[SettingValue, ...]:
    """Return every setting with its value and where it came from, secrets masked."""
    values = settings.model_dump(mode="json")
    return tuple(
        SettingValue(name, _variable(name), values[name], settings.source_of(name), field.description or "")
        for name, field in type(settings).model_fields.items()
    )


def reference(model: type[Settings] = Settings) -> tuple[SettingReference, ...]:
    """Return what there is to say of every setting of ``model``, the same on every machine."""
    schemas = model.model_json_schema()["properties"]
    return tuple(
        SettingReference(
            name=name,
            env=_variable(name),
            accepts=accepted(schemas[name]),
            default=_as_written(schemas[name].get("default")),
            description=field.description or "",
        )
        for name, field in model.model_fields.items()
    )


def _complaint(model: type[Settings], error: ValidationError, origins: Mapping[str, str]) -> str:
    known = {setting.name: setting.accepts for setting in reference(model)}
    complaints = {}
    for problem in error.errors(include_url=False, include_input=False):
        name = str(problem["loc"][0])
        origin = origins.get(name, "default")
        if name in known:
            detail = f" ({problem['msg'].removeprefix('Value error, ')})" if problem["type"] == "value_error" else ""
            complaints[name] = f"{_place(origin, name)}: expected {known[name]}{detail}"
        else:
            near = difflib.get_close_matches(name.lower(), known, n=1)
            hint = f"did you mean {near[0]}?" if near else "acknet settings lists those there are"
            complaints[name] = f"{origin}: {name[:60]} is no setting; {hint}"
    return "; ".join(complaints.values())


def _place(origin: str, name: str) -> str:
    if origin == "flag":
        return f"flag --{name.replace('_', '-')}"
    if origin == "default":
        return f"no usable default of {name}, set {_variable(name)}"
    return origin if origin.startswith("environment ") else f"{origin}: {name}"


def _as_written(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"
