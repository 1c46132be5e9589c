"""How the cluster is found, and what is said when it is not."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
import time
from pathlib import Path

import pytest
import yaml

from bot.diagnosis.live.proxy import proxy_for
from bot.diagnosis.live.reader import LiveReader, NoCluster
from tests.doubles.kubernetes_api import kubernetes_api


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No kubeconfig, no pod and no proxy but those of the test."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def read(kubeconfig: Path | None = None, context: str | None = None, **options) -> tuple[str, str]:
    """Open the cluster and return what is read and its version."""

    async def run() -> tuple[str, str]:
        async with LiveReader.open(kubeconfig, context, **options) as reader:
            return reader.source, await reader.version()

    return asyncio.run(run())


def why(kubeconfig: Path | None = None, context: str | None = None, **options) -> str:
    """Return why there is no cluster."""
    with pytest.raises(NoCluster) as error:
        read(kubeconfig, context, **options)
    line = str(error.value)
    assert line.isprintable()
    return line


def config(
    directory: Path, *, server: str = "https://127.0.0.1:1", context: object = None, user: object = None
) -> Path:
    path = directory / "kubeconfig"
    content = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {} if user is None else user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"} if context is None else context}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(content))
    return path


# Which cluster


def test_a_kubeconfig_that_is_named_is_used(tmp_path):
    with kubernetes_api(version="v1.30.0") as api:
        assert read(api.kubeconfig(tmp_path, context="prod")) == ("context prod", "v1.30.0")


def test_a_context_that_is_named_stands_in_for_the_current_one(tmp_path):
    with kubernetes_api(version="v1.30.0") as first, kubernetes_api(version="v1.31.0") as second:
        path = first.kubeconfig(tmp_path, context="prod")
        content = yaml.safe_load(path.read_text())
        content["clusters"].append({"name": "other", "cluster": {"server": second.url}})
        content["contexts"].append({"name": "test", "context": {"cluster": "other", "user": "reader"}})
        path.write_text(yaml.safe_dump(content))
        assert read(path) == ("context prod", "v1.30.0")
        assert read(path, "test") == ("context test", "v1.31.0")


def test_without_a_name_the_environments_kubeconfig_is_used(tmp_path, monkeypatch):
    with kubernetes_api() as api:
        monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path, context="env")))
        assert read()[0] == "context env"


def test_without_any_name_the_usual_kubeconfig_is_used(tmp_path):
    (tmp_path / "home/.kube").mkdir(parents=True)
    with kubernetes_api() as api:
        api.kubeconfig(tmp_path / "home/.kube", context="usual")
        assert read()[0] == "context usual"


def test_several_kubeconfigs_are_one_and_the_first_wins(tmp_path, monkeypatch):
    with kubernetes_api(token="first") as first, kubernetes_api(version="v1.31.0") as second:
        paths = [
            tmp_path / "absent",
            first.kubeconfig(tmp_path, context="one", name="one"),
            second.kubeconfig(tmp_path, context="two", name="two", user={"token": "second"}),
        ]
        monkeypatch.setenv("KUBECONFIG", ":".join(map(str, paths)))
        assert read()[0] == "context one"
        # Both files name their cluster and user alike.
        assert read(context="two") == ("context two", "v1.32.1-aliyun.1")
        assert second.requests == []


@pytest.mark.parametrize("kind", ["token", "tokenFile"])
def test_a_token_logs_in(tmp_path, kind):
    (tmp_path / "token-file").write_text("t0ken\n")
    user = {"token": "t0ken"} if kind == "token" else {"tokenFile": "token-file"}
    with kubernetes_api(token="t0ken") as api:
        read(api.kubeconfig(tmp_path, user=user))
    assert api.requests[0].headers["Authorization"] == "Bearer t0ken"


def test_the_kubeconfig_is_left_as_it_is(tmp_path):
    with kubernetes_api(token="t0ken") as api:
        path = api.kubeconfig(tmp_path)
        path.chmod(stat.S_IRUSR)
        before = (path.read_bytes(), path.stat().st_mtime_ns)
        read(path)
        assert (path.read_bytes(), path.stat().st_mtime_ns) == before


# None


def test_without_anything_it_says_where_it_looked():
    line = why()
    assert ".kube/config" in line
    assert "name a kubeconfig" in line


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path):
    assert why(tmp_path / "nowhere") == f"there is no kubeconfig file {tmp_path}/nowhere; name one that exists"


def test_a_context_without_a_kubeconfig_is_named(monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert "'prod'" in why(None, "prod")


def test_a_context_that_is_not_there_is_named_with_those_that_are(tmp_path):
    assert why(config(tmp_path), "prod").endswith(f"no context 'prod' in {tmp_path}/kubeconfig; name one of: x")


def test_without_a_current_context_those_that_are_there_are_named(tmp_path):
    path = config(tmp_path)
    path.write_text(path.read_text().replace("current-context: x", "current-context: ''"))
    assert "sets no current-context; name one of: x" in why(path)


@pytest.mark.parametrize(
    ("context", "missing"),
    [
        ({"cluster": "gone", "user": "u"}, "cluster 'gone'"),
        ({"cluster": "c", "user": "gone"}, "user 'gone'"),
        ({}, "None"),
    ],
)
def test_a_context_that_names_what_is_not_there_is_not_used(tmp_path, context, missing):
    assert missing in why(config(tmp_path, context=context))


def test_a_pod_without_its_token_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr("kubernetes.aio.config.incluster_config.SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    assert "is its token mounted?" in why()


SECRET = "LTAI5tSecretSecret"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "just text",
        "a: [",
        f"users: [{{token: {SECRET}",
        "\x00\x01",
        "a: &a [*a]",
        f"users: {SECRET}\ncontexts: []",
        f"contexts: [{SECRET}]",
        f"contexts: [{{name: x, context: {SECRET}}}]\ncurrent-context: x",
        "contexts: [{name: x}]\ncurrent-context: x",
        "contexts: [{name: [1], context: {}}]\ncurrent-context: x",
        "current-context: [x]",
        "[" * 5000,
    ],
)
def test_a_file_that_is_no_kubeconfig_is_named_and_not_quoted(tmp_path, text):
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    line = why(path)
    assert str(path) in line
    assert SECRET not in line


def test_a_file_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "kubeconfig"
    path.write_bytes(b"\xff\xfe\x00\xd8")
    assert str(path) in why(path)


def test_a_directory_is_no_kubeconfig(tmp_path):
    assert "cannot be read" in why(tmp_path)


@pytest.mark.parametrize(
    "user",
    [
        SECRET,
        [SECRET],
        {"token": [SECRET]},
        {"username": "u", "password": 7},
        {"client-certificate-data": SECRET, "client-key-data": SECRET},
        {"client-certificate": f"/no/{SECRET}", "client-key": "/no"},
        {"client-certificate-data": "bm8=", "client-key-data": "bm8="},
        {"tokenFile": "absent"},
        {"exec": SECRET},
        {"exec": {"args": [SECRET]}},
        {"auth-provider": {"name": "oidc"}},
    ],
)
def test_a_user_that_is_not_written_as_it_should_be_is_not_quoted(tmp_path, user):
    line = why(config(tmp_path, user=user))
    assert "does kubectl work with it?" in line
    assert SECRET not in line


@pytest.mark.parametrize(
    "server", ["", "10.0.0.1:6443", "ftp://x", "https://user:pass@x", "https://", "https://x?a=b", "https://x:99999"]
)
def test_a_server_that_is_no_address_is_not_used(tmp_path, server):
    assert "server" in why(config(tmp_path, server=server))


@pytest.mark.parametrize("field", ["as", "as-groups", "as-uid", "as-user-extra"])
def test_a_user_that_impersonates_is_not_used_as_itself(tmp_path, field):
    assert "impersonates" in why(config(tmp_path, user={"token": "t", field: ["system:masters"]}))


def test_an_auth_provider_that_is_gone_is_named(tmp_path):
    assert "gke-gcloud-auth-plugin" in why(config(tmp_path, user={"auth-provider": {"name": "gcp"}}))


def test_an_expired_oidc_token_is_not_renewed(tmp_path):
    # {"exp": 1}
    provider = {"name": "oidc", "config": {"id-token": "e30.eyJleHAiOiAxfQ.x", "refresh-token": "r", "client-id": "c"}}
    assert "has expired" in why(config(tmp_path, user={"auth-provider": provider}))


# Credential plugins


def plugin(directory: Path, code: str, **more) -> dict:
    path = directory / "plugin.py"
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{code}\n")
    path.chmod(0o755)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(path), **more}}


CREDENTIAL = (
    'print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": %s}))'
)


def test_a_credential_plugin_logs_in(tmp_path):
    status = CREDENTIAL % '{"token": os.environ["ROLE"] + sys.argv[1] + str(sys.stdin.isatty())}'
    user = plugin(tmp_path, status, args=["-arg-"], env=[{"name": "ROLE", "value": "role"}])
    with kubernetes_api(token="role-arg-False") as api:
        assert read(api.kubeconfig(tmp_path, user=user))[1] == "v1.32.1-aliyun.1"


def test_a_credential_plugin_is_told_what_it_is_asked_for(tmp_path):
    status = CREDENTIAL % '{"token": json.loads(os.environ["KUBERNETES_EXEC_INFO"])["kind"]}'
    with kubernetes_api(token="ExecCredential") as api:
        read(api.kubeconfig(tmp_path, user=plugin(tmp_path, status)))


def test_a_credential_plugin_lies_beside_its_kubeconfig(tmp_path):
    user = plugin(tmp_path, CREDENTIAL % '{"token": "t"}')
    user["exec"]["command"] = "./plugin.py"
    with kubernetes_api(token="t") as api:
        read(api.kubeconfig(tmp_path, user=user))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (f"print('{SECRET}'); sys.stderr.write('{SECRET}'); sys.exit(3)", "failed (exit status 3)"),
        (f"print('{SECRET}')", "printed no ExecCredential"),
        ("print('[]')", "printed no ExecCredential"),
        ('print(\'{"apiVersion": "v1", "status": {}}\')', "printed no ExecCredential"),
        (CREDENTIAL % "{}", "neither a token nor a certificate"),
        (CREDENTIAL % f'{{"clientCertificateData": "{SECRET}"}}', "neither a token nor a certificate"),
        ("os.kill(os.getpid(), 9)", "failed (exit status -9)"),
    ],
)
def test_a_credential_plugin_that_fails_is_named_and_not_quoted(tmp_path, code, said):
    line = why(config(tmp_path, user=plugin(tmp_path, code)))
    assert str(tmp_path / "plugin.py") in line
    assert said in line
    assert SECRET not in line


def test_a_credential_plugin_that_hangs_is_killed_with_all_it_started(tmp_path):
    pid = tmp_path / "pid"
    code = f"""
import subprocess
child = subprocess.Popen(["sleep", "3600"])
open({str(pid)!r} + ".new", "w").write(str(child.pid))
os.rename({str(pid)!r} + ".new", {str(pid)!r})
time.sleep(3600)"""
    for seconds in (1, 10, 60):  # on a busy machine it takes the plugin a while to get as far as its child
        line = why(config(tmp_path, user=plugin(tmp_path, code)), login_timeout=float(seconds))
        assert f"did not finish within {seconds} s" in line
        if pid.exists():
            break
    child = Path(f"/proc/{pid.read_text()}/stat")
    deadline = time.monotonic() + 50
    while ended(child) is False and time.monotonic() < deadline:
        time.sleep(0.05)  # the kernel ends it in its own time
    assert ended(child)


def ended(process):
    try:
        return process.read_text().split()[2] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_credential_plugin_that_is_not_installed_is_named_with_its_hint(tmp_path):
    user = plugin(tmp_path, "", installHint="get it from\n  the store")
    user["exec"]["command"] = "no-such-plugin"
    assert "no-such-plugin is not installed (get it from the store)" in why(config(tmp_path, user=user))


def test_a_file_that_cannot_run_is_no_plugin(tmp_path):
    user = plugin(tmp_path, "")
    (tmp_path / "plugin.py").write_bytes(b"\x7fELF")
    assert "cannot be started" in why(config(tmp_path, user=user))


def test_a_certificate_that_is_none_does_not_get_through(tmp_path):
    status = json.dumps({"clientCertificateData": SECRET, "clientKeyData": SECRET})
    line = why(config(tmp_path, user=plugin(tmp_path, CREDENTIAL % status)))
    assert "certificates cannot be read" in line
    assert SECRET not in line


# Proxies


@pytest.mark.parametrize(
    ("no_proxy", "server", "proxy"),
    [
        ("", "https://api.example:6443", "http://proxy:3128"),
        ("", "http://api.example", None),
        ("example", "https://api.example:6443", None),
        (".example", "https://api.example:6443", None),
        ("*", "https://api.example:6443", None),
        ("10.0.0.0/8,192.168.0.0/16", "https://10.1.2.3:6443", None),
        ("10.0.0.0/8", "https://11.1.2.3:6443", "http://proxy:3128"),
        ("fd00::/8", "https://[fd00::1]:6443", None),
        ("", "https://127.0.0.1:6443", None),
        ("", "https://[::1]:6443", None),
        ("", "https://localhost:6443", None),
    ],
)
def test_the_environment_says_which_proxy_is_used(monkeypatch, no_proxy, server, proxy):
    monkeypatch.setenv("HTTPS_PROXY", "proxy:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert proxy_for(server) == proxy


def test_a_kubeconfigs_own_proxy_is_used_and_the_request_is_still_judged(tmp_path):
    with kubernetes_api(version="v1.29.0") as proxy:
        path = config(tmp_path, server="http://api.invalid")
        content = yaml.safe_load(path.read_text())
        content["clusters"][0]["cluster"]["proxy-url"] = proxy.url
        path.write_text(yaml.safe_dump(content))
        with pytest.raises(Exception, match="404"):  # it is no proxy, but it was asked
            read(path)
    assert proxy.targets == ["GET http://api.invalid/version"]


def test_a_proxy_of_another_kind_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:1080")
    assert "not an HTTP proxy" in why(config(tmp_path, server="https://api.example"))
