"""The settings of the store: what is taken, and that no password is shown."""

from __future__ import annotations

import os
import pwd

import platformdirs
import pytest
from pydantic import TypeAdapter, ValidationError

from bot.settings import SettingsError, explain, load_settings
from bot.settings.store_url import StoreUrl

EXPECTED = (
    "expected sqlite:///PATH or a connection URI of PostgreSQL "
    "(such as sqlite:////var/lib/acknet/acknet.db or postgresql://acknet@db.example.com/acknet)"
)


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.upper().startswith("ACKNET_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


def shown(name: str) -> str:
    return next(value.text for value in explain(load_settings()) if value.name == name)


def test_the_store_is_a_file_in_the_users_state_directory_unless_told_otherwise():
    settings = load_settings()
    path = platformdirs.user_state_path("acknet", appauthor=False) / "acknet.db"
    assert settings.store_url.get_secret_value() == shown("store_url") == f"sqlite:///{path}"
    assert settings.store_days == 90


def test_a_user_without_a_home_directory_needs_no_store(monkeypatch):
    def unknown(uid):
        raise KeyError(uid)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setenv("ACKNET_CACHE_DIR", "/srv/cache")
    assert load_settings().store_url.get_secret_value() == "sqlite:///~/.local/state/acknet/acknet.db"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/lib/acknet/acknet.db",
        "sqlite:///here.db",
        "sqlite:///~/acknet.db",
        "postgresql://acknet@db/acknet",
        "postgres://acknet@db/acknet",
        "postgresql:///acknet?host=/run/postgresql",
        "postgresql://one:5432,two:5432/acknet?target_session_attrs=read-write",
        "postgresql://[::1]:5432/acknet",
    ],
)
def test_a_url_without_secrets_is_taken_and_shown_as_it_is(monkeypatch, url):
    monkeypatch.setenv("ACKNET_STORE_URL", url)
    assert load_settings().store_url.get_secret_value() == url
    assert shown("store_url") == url


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://acknet:hushed@db/acknet", "postgresql://acknet:**********@db/acknet"),
        ("postgresql://acknet:hushed@[::1]:5432/a", "postgresql://acknet:**********@[::1]:5432/a"),
        ("postgresql://acknet:hu@shed@db/acknet", "postgresql://acknet:**********@db/acknet"),
        ("postgresql://acknet:hu/shed#1@db/acknet", "postgresql://acknet:**********@db/acknet"),
        ("postgresql://acknet:hu?shed@db/acknet", "postgresql://acknet:**********@db/acknet"),
        ("postgresql://:hushed@db/acknet", "postgresql://:**********@db/acknet"),
        ("postgresql:///a?user=u&password=hushed", "postgresql:///a?user=u&password=**********"),
        ("postgresql:///a?sslpassword=hushed&host=h", "postgresql:///a?sslpassword=**********&host=h"),
        ("postgresql:///a?pass%77ord=hushed", "postgresql:///a?pass%77ord=**********"),
        ("postgresql:///a?passfile=/hushed&port=1", "postgresql:///a?passfile=**********&port=1"),
    ],
)
def test_what_may_be_secret_in_a_url_is_masked_wherever_it_is_shown(monkeypatch, url, masked):
    monkeypatch.setenv("ACKNET_STORE_URL", url)
    settings = load_settings()
    assert settings.store_url.get_secret_value() == url
    assert shown("store_url") == masked
    assert "hushed" not in f"{settings!r}{settings}{explain(settings)}{settings.model_dump_json()}"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hushed@h/db",
        "postgresql+asyncpg://u:hushed@h/db",
        "postgresql:hushed",
        "http://u:hushed@h",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///hushed.db?mode=memory",
        "/var/lib/hushed.db",
        "postgresql://u:hushed\n@h",
        "postgresql://u:hushed@[h",
    ],
)
def test_what_is_no_place_for_a_store_is_refused_without_repeating_it(monkeypatch, url):
    monkeypatch.setenv("ACKNET_STORE_URL", url)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value) == f"environment ACKNET_STORE_URL: {EXPECTED}"
    assert "hushed" not in f"{caught.value.__cause__}"


@pytest.mark.parametrize("days", ["0", "3651", "1.5", "ever"])
def test_days_that_are_none_are_refused(monkeypatch, days):
    monkeypatch.setenv("ACKNET_STORE_DAYS", days)
    with pytest.raises(SettingsError, match="ACKNET_STORE_DAYS: expected a whole number from 1 up to 3650"):
        load_settings()


def test_a_url_is_checked_by_its_type_alone():
    taken = TypeAdapter(StoreUrl).validate_python("sqlite:///a.db")
    assert isinstance(taken, StoreUrl)
    with pytest.raises(ValidationError):
        TypeAdapter(StoreUrl).validate_python("a.db")
