"""Settings: which source wins, what is refused and how that is said, and that secrets stay masked."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import hypothesis
import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr

from bot.settings import Settings, SettingsError, explain, load_settings, reference
from bot.settings.store_url import StoreUrl
from bot.settings.tokens import ApiToken

REPOSITORY = Path(__file__).parents[2]
TOKEN = ApiToken("ci", frozenset({"ask", "diagnose"}), "0f" * 32)
EVERY_SETTING = {
    # name: (environment, TOML, value)
    "cache_dir": ("/srv/cache", '"/srv/cache"', Path("/srv/cache")),
    "model": ("/srv/model", '"/srv/model"', "/srv/model"),
    "corpus_dir": ("/srv/corpus", '"/srv/corpus"', Path("/srv/corpus")),
    "encoder_threads": ("2", "2", 2),
    "vector_store_url": ("http://127.0.0.1:19530", '"http://127.0.0.1:19530"', "http://127.0.0.1:19530"),
    "vector_store_token": ("hush-5", '"hush-5"', SecretStr("hush-5")),
    "vector_store_timeout": ("2.5", "2.5", 2.5),
    "host": ("::1", '"::1"', "::1"),
    "port": ("9000", "9000", 9000),
    "max_body_bytes": ("2048", "2048", 2048),
    "request_timeout": ("2.5", "2.5", 2.5),
    "shutdown_timeout": ("5", "5", 5.0),
    "api_tokens": (TOKEN.line, f'["{TOKEN.line}"]', (TOKEN,)),
    "open_locally": ("false", "false", False),
    "open_metrics": ("true", "true", True),
    "rate_limit": ("60", "60", 60),
    "public_url": ("https://acknet.example.com", '"https://acknet.example.com"', "https://acknet.example.com"),
    "server": ("https://faq.example.com", '"https://faq.example.com"', "https://faq.example.com"),
    "server_token": ("acknet_abc", '"acknet_abc"', SecretStr("acknet_abc")),
    "kubeconfig": ("/srv/kubeconfig", '"/srv/kubeconfig"', Path("/srv/kubeconfig")),
    "context": ("prod", '"prod"', "prod"),
    "clusters": ("staging, prod-eu", '["staging", "prod-eu"]', ("staging", "prod-eu")),
    "diagnosis_timeout": ("7.5", "7.5", 7.5),
    "diagnosis_requests": ("50", "50", 50),
    "diagnosis_bytes": ("4096", "4096", 4096),
    "store_url": ("sqlite:////srv/acknet.db", '"sqlite:////srv/acknet.db"', StoreUrl("sqlite:////srv/acknet.db")),
    "store_days": ("30", "30", 30),
    "slack_bot_token": ("xo-1", '"xo-1"', SecretStr("xo-1")),
    "slack_app_token": ("xo-1", '"xo-1"', SecretStr("xo-1")),
    "slack_signing_secret": ("xo-1", '"xo-1"', SecretStr("xo-1")),
    "slack_base_url": ("https://slack.example.com", '"https://slack.example.com"', "https://slack.example.com"),
    "slack_probe": ("false", "false", False),
    "slack_probe_channels": ("one, two", '["one", "two"]', ("one", "two")),
    "slack_probe_users": ("one, two", '["one", "two"]', ("one", "two")),
    "slack_probe_groups": ("one, two", '["one", "two"]', ("one", "two")),
    "slack_probe_namespaces": ("one, two", '["one", "two"]', ("one", "two")),
    "slack_probe_clusters": ("one, two", '["one", "two"]', ("one", "two")),
    "pagerduty_secrets": ("new, old", '["new", "old"]', (SecretStr("new"), SecretStr("old"))),
    "alert_namespace_labels": ("ns, namespace", '["ns", "namespace"]', ("ns", "namespace")),
    "alert_pod_labels": ("pod", '["pod"]', ("pod",)),
    "alert_node_labels": ("host", '["host"]', ("host",)),
    "alert_service_labels": ("svc", '["svc"]', ("svc",)),
    "alert_question_from": ("summary", '["summary"]', ("summary",)),
    "alert_cluster_label": ("ack", '"ack"', "ack"),
    "watch_namespaces": ("shop, pay", '["shop", "pay"]', ("shop", "pay")),
    "watch_stuck_minutes": ("2.5", "2.5", 2.5),
    "watch_clear_minutes": ("60", "60", 60.0),
    "incident_looks": ("3", "3", 3),
    "incident_quiet_minutes": ("7.5", "7.5", 7.5),
    "incident_channel": ("C0123456789", '"C0123456789"', "C0123456789"),
    "incident_webhook_url": ("https://h.example/x", '"https://h.example/x"', "https://h.example/x"),
    "incident_webhook_secret": ("abc", '"abc"', SecretStr("abc")),
    "llm_url": ("http://127.0.0.1:8000/v1", '"http://127.0.0.1:8000/v1"', "http://127.0.0.1:8000/v1"),
    "llm_model": ("small", '"small"', "small"),
    "llm_api_key": ("k", '"k"', SecretStr("k")),
    "llm_timeout": ("2.5", "2.5", 2.5),
    "log_level": ("debug", '"debug"', "debug"),
    "log_format": ("json", '"json"', "json"),
}


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.upper().startswith("ACKNET_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def _no_home(monkeypatch):
    """A user id that the machine does not know, as a container may run under."""

    def unknown(uid):
        raise KeyError(uid)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.fixture
def toml(tmp_path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "acknet.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def user_toml():
    path = platformdirs.user_config_path("acknet", appauthor=False) / "acknet.toml"
    path.parent.mkdir(parents=True)
    return path


def source_of(settings: Settings, name: str) -> str:
    return next(value.source for value in explain(settings) if value.name == name)


def refusal(**given: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(**given)
    return str(caught.value)


class TestOrder:
    def test_nothing_given_leaves_the_defaults(self):
        settings = load_settings()
        assert settings.cache_dir == platformdirs.user_cache_path("acknet", appauthor=False)
        assert settings.model == "all-MiniLM-L6-v2"
        assert (settings.host, settings.port, settings.server) == ("127.0.0.1", 8080, None)
        assert {value.source for value in explain(settings)} == {"default"}

    def test_a_flag_goes_before_the_environment(self, monkeypatch):
        monkeypatch.setenv("ACKNET_PORT", "9001")
        settings = load_settings({"port": 9002})
        assert (settings.port, source_of(settings, "port")) == (9002, "flag")

    def test_a_flag_goes_before_the_file(self, toml):
        settings = load_settings({"port": 9002}, toml("port = 9000"))
        assert (settings.port, source_of(settings, "port")) == (9002, "flag")

    def test_a_flag_with_the_value_of_the_default_goes_before_the_environment(self, monkeypatch):
        monkeypatch.setenv("ACKNET_PORT", "9001")
        assert load_settings({"port": 8080}).port == 8080

    def test_a_flag_that_was_not_given_decides_nothing(self, monkeypatch):
        monkeypatch.setenv("ACKNET_PORT", "9001")
        settings = load_settings({"port": None, "host": None})
        assert (settings.port, source_of(settings, "port")) == (9001, "environment ACKNET_PORT")
        assert source_of(settings, "host") == "default"

    def test_the_environment_goes_before_the_file(self, monkeypatch, toml):
        monkeypatch.setenv("ACKNET_PORT", "9001")
        settings = load_settings(config=toml("port = 9000"))
        assert (settings.port, source_of(settings, "port")) == (9001, "environment ACKNET_PORT")

    def test_the_file_goes_before_the_default(self, toml):
        path = toml("port = 9000")
        settings = load_settings(config=path)
        assert (settings.port, source_of(settings, "port")) == (9000, f"file {path}")
        assert source_of(settings, "host") == "default"

    def test_an_empty_variable_counts_as_not_set(self, monkeypatch, toml):
        monkeypatch.setenv("ACKNET_PORT", "")
        assert load_settings(config=toml("port = 9000")).port == 9000

    def test_every_setting_can_be_set_from_every_source(self, monkeypatch, toml):
        assert set(EVERY_SETTING) == {setting.name for setting in reference()}
        wanted = {name: value for name, (_, _, value) in EVERY_SETTING.items()}
        assert load_settings(wanted).model_dump() == wanted
        path = toml("\n".join(f"{name} = {text}" for name, (_, text, _) in EVERY_SETTING.items()))
        assert load_settings(config=path).model_dump() == wanted
        for name, (text, _, _) in EVERY_SETTING.items():
            monkeypatch.setenv(f"ACKNET_{name.upper()}", text)
        settings = load_settings()
        assert settings.model_dump() == wanted
        assert [value.source for value in explain(settings)] == [
            f"environment ACKNET_{name.upper()}" for name in EVERY_SETTING
        ]

    def test_an_object_built_directly_is_free_of_the_surroundings(self, monkeypatch, user_toml):
        user_toml.write_text("port = 9000")
        monkeypatch.setenv("ACKNET_HOST", "::")
        settings = Settings(log_level="error")
        assert (settings.port, settings.host) == (8080, "127.0.0.1")
        assert source_of(settings, "log_level") == "flag"

    def test_the_link_that_kubernetes_sets_for_a_service_is_no_setting(self, monkeypatch):
        monkeypatch.setenv("ACKNET_PORT", "tcp://10.0.0.1:8080")
        settings = load_settings()
        assert (settings.port, source_of(settings, "port")) == (8080, "default")


class TestFile:
    def test_the_users_file_is_read_where_there_is_one(self, user_toml):
        user_toml.write_text("port = 9000")
        settings = load_settings()
        assert (settings.port, source_of(settings, "port")) == (9000, f"file {user_toml}")

    def test_the_variable_goes_before_the_users_file(self, monkeypatch, user_toml, toml):
        user_toml.write_text("port = 9000")
        monkeypatch.setenv("ACKNET_CONFIG", str(toml("port = 9001")))
        assert load_settings().port == 9001

    def test_a_file_given_goes_before_the_variable(self, monkeypatch, toml, tmp_path):
        monkeypatch.setenv("ACKNET_CONFIG", str(tmp_path / "missing.toml"))
        assert load_settings(config=toml("port = 9002")).port == 9002

    def test_files_do_not_add_up(self, user_toml, toml):
        user_toml.write_text('host = "::1"')
        assert load_settings(config=toml("port = 9001")).host == "127.0.0.1"

    def test_the_home_directory_is_expanded(self, monkeypatch, toml, tmp_path):
        home = tmp_path / "home"
        home.mkdir()
        (home / "mine.toml").write_text('cache_dir = "~/index"')
        assert load_settings(config=Path("~/mine.toml")).cache_dir == home / "index"

    def test_a_byte_order_mark_is_skipped(self, toml):
        assert load_settings(config=toml(b"\xef\xbb\xbfport = 9000")).port == 9000

    def test_a_configuration_directory_that_cannot_be_looked_into_holds_no_file(self, monkeypatch):
        monkeypatch.setenv("XDG_CONFIG_HOME", "/" + "x" * 5000)
        assert load_settings().port == 8080

    def test_a_missing_file_is_refused_with_who_named_it(self, monkeypatch, tmp_path):
        path = tmp_path / "missing.toml"
        reason = f"expected a TOML file, cannot read {path}: No such file or directory"
        assert refusal(config=path) == f"flag --config: {reason}"
        monkeypatch.setenv("ACKNET_CONFIG", str(path))
        assert refusal() == f"environment ACKNET_CONFIG: {reason}"

    def test_a_users_file_that_cannot_be_read_is_refused(self, user_toml):
        user_toml.mkdir()
        assert refusal() == f"settings file: expected a TOML file, cannot read {user_toml}: Is a directory"

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"port = \xff", "it is not UTF-8"),
            (b"port 9000", "at line 1"),
            (b"port = 1\nport = 2", "Cannot overwrite a value"),
            (b"port = " + b"9" * 5000, "limit"),
            (b"port = " + b"[" * 50_000, "recursion"),
        ],
    )
    def test_what_is_no_toml_is_refused(self, toml, content, reason):
        path = toml(content)
        said = refusal(config=path)
        assert said.startswith(f"flag --config: expected a TOML file, cannot parse {path}: ")
        assert reason in said

    def test_a_home_directory_that_is_not_known_is_refused(self):
        assert "cannot read ~nobody-like-this/a.toml: no home directory" in refusal(
            config=Path("~nobody-like-this/a.toml")
        )


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "text", "expected"),
        [
            ("cache_dir", "~nobody-like-this/x", "a path (no home directory is known for its ~)"),
            ("corpus_dir", " ", "a path (not empty, without NUL)"),
            ("encoder_threads", "-1", "a whole number from 0 up to 64"),
            ("encoder_threads", "65", "a whole number from 0 up to 64"),
            ("host", " ", "an address or host name"),
            ("host", "a\tb", "an address or host name"),
            ("log_level", "loud", "one of debug, info, warning, error"),
            ("max_body_bytes", "4 MiB", "a whole number from 1024 up to 1073741824"),
            ("model", " ", "a model's name or directory"),
            ("port", "65536", "a whole number from 0 up to 65535"),
            ("port", "http", "a whole number from 0 up to 65535"),
            ("request_timeout", "0", "a number above 0 up to 3600"),
            ("request_timeout", "inf", "a number above 0 up to 3600"),
            ("request_timeout", "nan", "a number above 0 up to 3600"),
            ("server", "faq.example.com:8080", "an http or https URL (such as http://127.0.0.1:8080)"),
            ("server", "http://", "an http or https URL (such as http://127.0.0.1:8080)"),
            ("server", "http://[::1", "an http or https URL (such as http://127.0.0.1:8080)"),
            ("server", "http://h:99999", "an http or https URL (such as http://127.0.0.1:8080)"),
            ("server", "http://h/?a=1", "an http or https URL (such as http://127.0.0.1:8080)"),
            ("server", "http://me:pass@h", "an http or https URL (without user name and password)"),
        ],
    )
    def test_a_variable_is_refused_by_its_name_and_what_it_may_be(self, monkeypatch, name, text, expected):
        variable = f"ACKNET_{name.upper()}"
        monkeypatch.setenv(variable, text)
        assert refusal() == f"environment {variable}: expected {expected}"

    @pytest.mark.parametrize(
        ("line", "name", "expected"),
        [
            ('pagerduty_secrets = ["right", ""]', "pagerduty_secrets", "secrets"),
            ("port = true", "port", "a whole number from 0 up to 65535 (true and false are none)"),
            ("port = 80.5", "port", "a whole number from 0 up to 65535"),
            ("port = [80]", "port", "a whole number from 0 up to 65535"),
            ("request_timeout = false", "request_timeout", "a number above 0 up to 3600 (true and false are none)"),
            ("cache_dir = 5", "cache_dir", "a path"),
            ('cache_dir = ""', "cache_dir", "a path (not empty, without NUL)"),
            ('cache_dir = "a\\u0000b"', "cache_dir", "a path (not empty, without NUL)"),
            ("host = 5", "host", "an address or host name"),
            ('model = ""', "model", "a model's name or directory"),
            ("server = {url = 1}", "server", "an http or https URL"),
            ("log_level = 10", "log_level", "one of debug, info, warning, error"),
        ],
    )
    def test_a_wrong_type_in_the_file_is_refused_with_file_and_key(self, toml, line, name, expected):
        path = toml(line)
        assert refusal(config=path) == f"file {path}: {name}: expected {expected}"

    @pytest.mark.parametrize(
        ("line", "hint"),
        [
            ("cahce_dir = 1", "cahce_dir is no setting; did you mean cache_dir?"),
            ("Cache-Dir = 1", "Cache-Dir is no setting; did you mean cache_dir?"),
            ("[acknet]\nport = 1", "acknet is no setting; acknet settings lists those there are"),
            ('"\\u001b[31m" = 1', "\\x1b[31m is no setting; acknet settings lists those there are"),
        ],
    )
    def test_an_unknown_key_in_the_file_is_refused(self, toml, line, hint):
        path = toml(line)
        assert refusal(config=path) == f"file {path}: {hint}"

    def test_a_flag_is_refused_by_its_name(self):
        assert refusal(overrides={"request_timeout": -1}) == (
            "flag --request-timeout: expected a number above 0 up to 3600"
        )

    def test_all_that_is_wrong_is_told_at_once(self, monkeypatch, toml):
        monkeypatch.setenv("ACKNET_LOG_LEVEL", "loud")
        said = refusal(overrides={"port": -1}, config=toml("hots = 1"))
        assert [part.split(":")[0] for part in said.split("; ") if ":" in part] == [
            "flag --port",
            "environment ACKNET_LOG_LEVEL",
            f"file {toml('')}",
        ]

    @pytest.mark.usefixtures("_no_home")
    def test_without_a_home_directory_the_variable_to_set_is_named(self):
        assert refusal() == (
            "no usable default of cache_dir, set ACKNET_CACHE_DIR: "
            "expected a path (no home directory is known for its ~)"
        )

    @pytest.mark.usefixtures("_no_home")
    def test_without_a_home_directory_a_cache_directory_is_all_that_is_needed(self, monkeypatch):
        monkeypatch.setenv("ACKNET_CACHE_DIR", "/srv/cache")
        assert load_settings().cache_dir == Path("/srv/cache")

    @hypothesis.settings(deadline=None)  # a busy machine takes its time
    @given(
        name=st.sampled_from([*EVERY_SETTING, "unknown"]),
        value=st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.lists(st.text()), st.binary()),
    )
    def test_any_value_is_taken_or_refused_in_one_printable_line(self, name, value):
        said = ""
        try:
            load_settings({name: value})
        except SettingsError as error:
            said = str(error)
        assert said.isprintable()
        assert (
            said.startswith((f"flag --{name.replace('_', '-')}: expected ", "flag: unknown is no setting")) or not said
        )


class TestAccepted:
    def test_a_servers_url_loses_its_last_slash(self):
        assert load_settings({"server": "https://h:8443/acknet/"}).server == "https://h:8443/acknet"

    def test_a_log_level_may_be_written_in_any_case(self, monkeypatch):
        monkeypatch.setenv("ACKNET_LOG_LEVEL", " INFO ")
        assert load_settings().log_level == "info"

    def test_a_paste_of_one_megabyte_fits_the_default_body_limit_escaped_as_json(self):
        # The costliest common escape: a two-byte character as \uXXXX.
        assert len("é".encode() * 500_000) == 1_000_000
        assert load_settings().max_body_bytes > 6 * 500_000 + 1024


class Sealed(Settings):
    """Settings with secrets, as later ones have."""

    token: SecretStr | None = Field(default=None, min_length=8, description="A token.")
    tokens: list[SecretStr] = Field(default=[], description="Tokens.")


class TestSecrets:
    def test_secrets_are_masked_wherever_they_are_shown(self, monkeypatch, toml):
        monkeypatch.setenv("ACKNET_TOKENS", '["alpha-key", "beta-key"]')
        settings = Sealed.load(config=toml('token = "gamma-key"'))
        assert [token.get_secret_value() for token in settings.tokens] == ["alpha-key", "beta-key"]
        shown = {value.name: value for value in explain(settings)}
        assert shown["token"].text == "**********"
        assert shown["tokens"].value == ["**********", "**********"]
        assert shown["tokens"].source == "environment ACKNET_TOKENS"
        assert "-key" not in f"{shown}{settings!r}{settings}"

    def test_a_secret_that_is_not_set_is_told_from_one_that_is(self):
        assert {value.name: value.text for value in explain(Sealed())}["token"] == "-"

    @pytest.mark.parametrize(("name", "expected"), [("token", "text"), ("tokens", "a list of text")])
    def test_a_refusal_does_not_repeat_a_secret(self, monkeypatch, name, expected):
        monkeypatch.setenv(f"ACKNET_{name.upper()}", "hushed")
        with pytest.raises(SettingsError) as caught:
            Sealed.load()
        assert str(caught.value) == f"environment ACKNET_{name.upper()}: expected {expected}"
        assert "hushed" not in str(caught.value.__cause__)

    def test_a_password_in_a_url_is_not_repeated(self):
        for url in ("http://me:hushed@h", "http://me:hushed@h:port", "ftp://me:hushed@h", "http://me:hushed@[h"):
            assert "hushed" not in refusal(overrides={"server": url})


class TestReference:
    def test_every_setting_says_what_it_is_for_in_sentences(self):
        for setting in reference():
            assert setting.description[0].isupper()
            assert setting.description.endswith(".")
            assert setting.env == f"ACKNET_{setting.name.upper()}"

    def test_it_is_the_same_whatever_is_set(self, monkeypatch):
        before = reference()
        monkeypatch.setenv("HOME", "/elsewhere")
        monkeypatch.setenv("ACKNET_PORT", "9000")
        assert reference() == before


def test_loading_settings_loads_nothing_that_encoding_or_serving_needs():
    heavy = "faiss fastapi httpx jinja2 numpy onnxruntime rich tokenizers torch transformers typer uvicorn"
    code = f"import bot.settings, sys; print(*sorted(set(sys.modules) & set({heavy.split()!r})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", ["2026", "true", "null", "1.5"])
def test_a_name_that_json_reads_as_something_else_is_a_name_in_the_environment(monkeypatch, name):
    monkeypatch.setenv("ACKNET_WATCH_NAMESPACES", name)
    assert load_settings().watch_namespaces == (name,)


@pytest.mark.parametrize("value", ['{"shop": true}', '["shop", 2]', "[[]]"])
def test_json_that_lists_no_names_is_refused_by_the_variable_s_name(monkeypatch, value):
    monkeypatch.setenv("ACKNET_WATCH_NAMESPACES", value)
    with pytest.raises(SettingsError, match=r"^environment ACKNET_WATCH_NAMESPACES: expected names of namespaces"):
        load_settings()
