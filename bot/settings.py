"""What can be set, and where a value comes from: a flag, else the environment, else a TOML file, else the default."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from platformdirs import user_cache_path
from pydantic import Field, PrivateAttr, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bot.setting_kinds import Decimal, Lowercase, ServerUrl, SettingPath, Text, Whole, accepted
from bot.setting_sources import Environment, SettingsError, printable, read_config
from bot.store_url import StoreUrl, usual_store
from index.model import DEFAULT_MODEL

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


def _usual_cache() -> Path:
    try:
        return user_cache_path("acknet", appauthor=False)
    except RuntimeError:
        return Path("~/.cache/acknet")  # no home is known; the field then refuses its ~


class Settings(BaseSettings):
    """Every setting of acknet. Built directly, it holds what is passed and the defaults; `load_settings` reads more."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
    )

    cache_dir: SettingPath = Field(
        default_factory=_usual_cache,
        description="Directory that holds the built index. The default shown is that of Linux; other systems have "
        "their own place for caches, and XDG_CACHE_HOME moves it.",
        json_schema_extra={"default": "~/.cache/acknet", "accepts": "a path"},
    )
    model: Text = Field(
        default=DEFAULT_MODEL,
        description="Encoder that turns text into vectors: the name of the default one, or the directory of another "
        "sentence-transformers model. Another model needs another index, which is then built.",
        json_schema_extra={"accepts": "a model's name or directory"},
    )
    corpus_dir: SettingPath | None = Field(
        default=None,
        description="Directory of a corpus to answer from in place of the one that acknet brings.",
        json_schema_extra={"accepts": "a path"},
    )
    encoder_threads: Whole = Field(
        default=1,
        ge=0,
        le=64,
        description="Threads that encode one question; 0 takes as many as there are cores. More make a single question "
        "a little faster and many at once slower.",
    )
    host: Text = Field(
        default="127.0.0.1",
        description="Address that acknet serve listens on; 0.0.0.0 opens it to the network.",
        json_schema_extra={"accepts": "an address or host name"},
    )
    port: Whole = Field(
        default=8080, ge=0, le=65535, description="TCP port that acknet serve listens on; 0 takes any free one."
    )
    max_body_bytes: Whole = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        le=1024**3,
        description="Largest request body, in bytes, that acknet serve reads. The default has room for a paste of "
        "1 MB, escaped as JSON.",
    )
    request_timeout: Decimal = Field(
        default=30.0,
        gt=0,
        le=3600,
        description="Seconds a request may take: how long acknet ask waits for a server, and how long acknet serve "
        "works on a request.",
    )
    server: ServerUrl | None = Field(
        default=None,
        description="URL of a running acknet serve that acknet ask asks in place of its own index.",
        json_schema_extra={"accepts": "an http or https URL"},
    )
    kubeconfig: SettingPath | None = Field(
        default=None,
        description="File that says how to reach the cluster that acknet looks into, read-only. Without it, that of "
        "kubectl is used ($KUBECONFIG, ~/.kube/config), and within a cluster its service account.",
        json_schema_extra={"accepts": "a path"},
    )
    context: Text | None = Field(
        default=None,
        description="Context of the kubeconfig, in place of its current one.",
        json_schema_extra={"accepts": "a context's name"},
    )
    diagnosis_timeout: Decimal = Field(
        default=15.0,
        gt=0,
        le=600,
        description="Seconds that a look into the cluster may take; what was not read by then is reported as such.",
    )
    diagnosis_requests: Whole = Field(
        default=200, ge=1, le=10_000, description="The most requests that one look into the cluster makes."
    )
    diagnosis_bytes: Whole = Field(
        default=64 * 1024 * 1024,
        ge=1024,
        le=1024**3,
        description="The most bytes that one look into the cluster reads.",
    )
    store_url: StoreUrl = Field(
        default_factory=usual_store,
        description="What acknet remembers lies here: a SQLite file, which it makes, or a PostgreSQL database, which "
        "several replicas can share. In the path of a file a leading ~ is the home directory; XDG_STATE_HOME moves the "
        "default.",
        json_schema_extra={
            "default": "sqlite:///~/.local/state/acknet/acknet.db",
            "accepts": "sqlite:///PATH or a connection URI of PostgreSQL",
        },
    )
    store_days: Whole = Field(
        default=90,
        ge=1,
        le=3650,
        description="Days that acknet remembers what is over; what is older is deleted.",
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Lowercase] = Field(
        default="warning", description="The least severe log lines that go to stderr."
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
