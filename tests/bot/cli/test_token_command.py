"""``acknet token new``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.diagnosis.redaction.redact import redact
from bot.settings import Settings
from bot.settings.tokens import ApiToken, digest_of

ROOT = Path(__file__).parents[3]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", "token", "new", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_token_is_shown_once_with_the_line_that_knows_it_again() -> None:
    done = run("ci", "--scope", "diagnose", "--scope", "ask", "--json")

    made = json.loads(done.stdout)
    assert made["token"] not in made["setting"]
    (known,) = Settings(api_tokens=made["setting"]).api_tokens
    assert (known.name, known.scopes, known.digest) == ("ci", {"ask", "diagnose"}, digest_of(made["token"]))
    plain = run("ci", "--scope", "ask").stdout.split()
    assert sum(word.startswith("acknet_") and len(word) == len(made["token"]) for word in plain) == 1
    assert ApiToken.parse(plain[-1]).scopes == {"ask"}
    assert made["token"] not in plain


@pytest.mark.parametrize("name", ["", "local", "a b", "ü", "a:b", "a,b", "x" * 65, "-a"])
def test_a_name_that_cannot_be_one_is_wrong_use(name: str) -> None:
    done = run("--scope", "ask", "--", name)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["ci"], ["ci", "--scope", "root"], ["--scope", "ask"]])
def test_a_token_needs_a_name_and_scopes(arguments: list[str]) -> None:
    assert run(*arguments).returncode == 2


@pytest.mark.parametrize(
    "line",
    [
        "robot",
        "robot:ask",
        "robot:ask:abc",
        f"robot:root:{'0' * 64}",
        f"robot:ask+ask:{'0' * 64}",
        f"local:ask:{'0' * 64}",
    ],
)
def test_a_line_that_is_none_is_refused_without_being_repeated(line: str) -> None:
    with pytest.raises(ValueError, match="api_tokens") as refused:
        Settings(api_tokens=line)
    assert line not in str(refused.value)


def test_two_tokens_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two tokens have the name ci"):
        Settings(api_tokens=[f"ci:ask:{'0' * 64}", f"ci:ask:{'1' * 64}"])


def test_a_token_that_somebody_pastes_is_taken_out() -> None:
    _, token = ApiToken.new("ci", ["ask"])

    assert token not in redact(f"curl -H 'X: {token}' and so on, acknet_ask_seconds_bucket stays")
    assert "acknet_ask_seconds_bucket" in redact(f"{token} acknet_ask_seconds_bucket")
