"""A real OpenAI-compatible server whose model says noise: what it is asked changes no answer."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.engine import Engine, open_engine
from bot.opening import EngineOpening
from bot.service import Asker, Service
from bot.settings import Settings
from bot.settings.store_url import StoreUrl
from tests.doubles.shell import shell_in
from tests.doubles.tiny_model import NoiseServer, noise_server

THREAD = ["we run Flannel on ACK", "since this morning it does not work any more", "which logs should I send you?"]
GERMAN = ["Meine Pods haben nach dem Hinzufügen eines neuen vSwitch keinen Internetzugang mehr, woran liegt das?"]
VAGUE = ["pods hang in ContainerCreating"]
CERTAIN = ["pods stuck, terway log: InvalidVSwitchId.IpNotEnough"]
ASKED_FOR = {
    "a thread in one question": (THREAD, {"conversation"}),
    "a translation": (GERMAN, {"conversation"}),
    "a choice": (VAGUE, {"conversation", "titles"}),
    "other words": (CERTAIN, {"summary"}),
}
PATIENT = 120


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NoiseServer]:
    for needed in ("torch", "transformers"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed: there is nothing to serve a model with")
    with noise_server(tmp_path_factory.mktemp("noise")) as running:
        yield running


def test_the_model_says_noise(noise: NoiseServer) -> None:
    body = {"model": noise.model, "messages": [{"role": "user", "content": "Say {}"}], "temperature": 0}
    reply = httpx.post(f"{noise.url}/chat/completions", json=body, timeout=PATIENT, trust_env=False)
    said = reply.json()["choices"][0]["message"]["content"]
    assert said
    with pytest.raises(json.JSONDecodeError):
        json.loads(said)


@pytest.mark.parametrize(("turns", "wanted"), ASKED_FOR.values(), ids=ASKED_FOR)
def test_whatever_it_is_asked_for_the_service_gives_the_answer_of_the_templates(
    tmp_path: Path, built_cache: Path, alone: Engine, noise: NoiseServer, turns: Sequence[str], wanted: set[str]
) -> None:
    settings = Settings(
        cache_dir=built_cache,
        llm_url=noise.url,
        llm_model=noise.model,
        llm_timeout=PATIENT,
        store_url=StoreUrl(f"sqlite:///{tmp_path}/acknet.db"),
    )
    before = noise.answered()

    async def steps() -> tuple[Any, Any]:
        opening = EngineOpening(lambda: open_engine(settings))
        opening.start()
        await asyncio.to_thread(opening.wait)
        service = Service(settings, opening)
        given = await service.ask(list(turns), Asker("http"))
        await service.kept(given.id)
        (record,) = await service.store.audit.list()
        await service.close()
        return given.answer, record

    answer, record = asyncio.run(steps())
    sent = record.outcome["sent_to_model"]
    assert noise.answered() - before == len(sent)
    assert wanted <= {key for text in sent for key in json.loads(text)}
    untimed = {"elapsed_ms", "model_sent"}
    assert answer.model_dump_json(exclude=untimed) == alone.ask(turns).model_dump_json(exclude=untimed)


@pytest.mark.parametrize("turns", [turns for turns, _ in ASKED_FOR.values()], ids=ASKED_FOR)
def test_acknet_ask_prints_what_it_prints_without_a_model(
    tmp_path: Path, built_cache: Path, noise: NoiseServer, turns: Sequence[str]
) -> None:
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json.dumps(turns[:-1]))
    words = ["ask", "--thread", str(earlier), turns[-1]]
    without = shell_in(tmp_path, ACKNET_CACHE_DIR=str(built_cache)).run(*words)
    before = noise.answered()
    model = {"ACKNET_LLM_URL": noise.url, "ACKNET_LLM_MODEL": noise.model, "ACKNET_LLM_TIMEOUT": str(PATIENT)}
    helped = shell_in(tmp_path, ACKNET_CACHE_DIR=str(built_cache), **model).run(*words)
    assert noise.answered() > before
    assert (helped.returncode, helped.stdout) == (without.returncode, without.stdout)
    assert without.stdout
