"""An engine whose vectors lie in a Milvus server answers as one with FAISS, or says why it does not.

Milvus Lite is the server, and a real one too where MILVUS_SERVER names its program.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("pymilvus", reason="needs acknet[milvus]")
pytest.importorskip("milvus_lite", reason="needs milvus-lite")

from bot.engine import Engine, EngineError, SearchFailed, build, open_engine
from bot.opening import NotReady
from bot.settings import Settings
from index.milvus.server import MilvusServer
from tests.doubles.milvus import KINDS, AnyMilvus, milvus

ROOT = Path(__file__).parents[2]
QUESTIONS = ROOT / "tests" / "questions" / "heldout.jsonl"
SAMPLE = {"lite": 10, "server": 1}
"""Milvus Lite is slow: every tenth held-out question is enough there."""


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def running(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyMilvus]:
    with milvus(kind, tmp_path_factory.mktemp("milvus")) as server:
        yield server


@pytest.fixture(scope="module")
def settings(built_cache: Path, running: AnyMilvus) -> Settings:
    return settings_for(built_cache, running)


@pytest.fixture(scope="module")
def shared(settings: Settings) -> Engine:
    return open_engine(settings)


@pytest.fixture(scope="module")
def alone(built_cache: Path) -> Engine:
    return open_engine(Settings(cache_dir=built_cache))


@pytest.fixture
def administrator(running: AnyMilvus) -> Iterator[MilvusServer]:
    server = MilvusServer(running.url, timeout=60)
    yield server
    server.close()


def settings_for(cache: Path, server: AnyMilvus) -> Settings:
    return Settings(cache_dir=cache, vector_store_url=server.url, vector_store_timeout=60)


def alias_of(engine: Engine) -> str:
    return f"acknet_{engine.index_digest[:16]}"


def test_it_ranks_the_held_out_questions_as_faiss_does(kind, shared, alone):
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()[:: SAMPLE[kind]]
    for question in (json.loads(line)["query"] for line in lines):
        there, here = shared.rank([question]), alone.rank([question])
        assert (there.outcome, there.choices) == (here.outcome, here.choices), question
        assert [ranked.entry for ranked in there.entries] == [ranked.entry for ranked in here.entries], question
        assert there.confidence == pytest.approx(here.confidence, abs=1e-4)


def test_a_second_replica_uses_what_the_first_one_put_there(shared, settings, administrator):
    before = administrator.call("list_collections")
    assert open_engine(settings).rank(["terway vswitch full"]) == shared.rank(["terway vswitch full"])
    assert administrator.call("list_collections") == before
    assert len([name for name in before if name.startswith(alias_of(shared))]) == 1


def test_building_by_force_moves_the_alias_to_a_new_collection(shared, settings, administrator, monkeypatch):
    monkeypatch.setattr(
        "index.build.build_index", lambda *_, **__: next((settings.cache_dir / "index").glob("????????????????"))
    )
    before = administrator.call("describe_collection", alias_of(shared))["collection_name"]
    build(settings, force=True)
    after = administrator.call("describe_collection", alias_of(shared))["collection_name"]
    assert after != before
    assert before not in administrator.call("list_collections")
    # Who had it open goes on, with the new one.
    assert shared.rank(["terway vswitch full"]).entries


def test_a_collection_with_other_contents_is_refused(kind, built_cache, alone, tmp_path):
    with milvus(kind, tmp_path / "milvus") as running:
        settings = settings_for(built_cache, running)
        engine = open_engine(settings)
        server = MilvusServer(running.url, timeout=60)
        row = server.call("query", alias_of(alone), ids=[0], output_fields=["id", "vector"])[0]
        server.call("delete", alias_of(alone), ids=[0])
        with pytest.raises(EngineError, match=r"is not what the index was made with \(\d+ vectors, not \d+\)"):
            open_engine(settings)
        server.call("insert", alias_of(alone), [{"id": 0, "vector": [-value for value in row["vector"]]}])
        with pytest.raises(EngineError, match=r"\(other vectors\); drop acknet_"):
            open_engine(settings)
        server.call("delete", alias_of(alone), ids=[0])
        server.call("insert", alias_of(alone), [{"id": 2**40, "vector": row["vector"]}])
        with pytest.raises(EngineError, match=r"\(no vector has the id 0\)"):
            open_engine(settings)
        server.close()
        running.stop()
        with pytest.raises(SearchFailed, match="The index cannot be searched: the vector store http") as caught:
            engine.ask(["terway vswitch full"])
        assert isinstance(caught.value, NotReady)
        assert caught.value.retry_after


def test_a_collection_of_somebody_else_under_that_name_is_refused(kind, built_cache, alone, tmp_path):
    with milvus(kind, tmp_path / "milvus") as running:
        server = MilvusServer(running.url, timeout=60)
        server.call("create_collection", alias_of(alone), dimension=8)
        with pytest.raises(EngineError, match="was not made by acknet"):
            open_engine(settings_for(built_cache, running))
        server.close()


def test_a_server_that_is_down_is_said_in_one_line(kind, built_cache, tmp_path):
    with milvus(kind, tmp_path / "milvus") as running:
        running.stop()
        with pytest.raises(EngineError, match=r"\Athe vector store http://127.0.0.1:\d+ fails: [^\n]+\Z"):
            open_engine(Settings(cache_dir=built_cache, vector_store_url=running.url, vector_store_timeout=1))


def test_without_the_setting_nothing_of_milvus_is_imported(built_cache):
    code = (
        "import sys\nfrom pathlib import Path\nfrom bot.engine import open_engine\nfrom bot.settings import Settings\n"
        "open_engine(Settings(cache_dir=Path(sys.argv[1]))).rank(['terway vswitch full'])\n"
        "print(*sorted({'pymilvus', 'grpc', 'pandas', 'milvus_lite', 'index.milvus'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(built_cache)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == ""


def test_of_replicas_that_start_at_once_one_fills_a_collection_and_all_search_it(kind, built_cache, alone, tmp_path):
    with milvus(kind, tmp_path / "milvus") as running, ThreadPoolExecutor(2) as replicas:
        engines = list(replicas.map(open_engine, [settings_for(built_cache, running)] * 2))
        server = MilvusServer(running.url, timeout=60)
        assert len(server.call("list_collections")) == 1
        server.close()
        found = [engine.rank(["terway vswitch full"]).entries[0].entry for engine in engines]
        assert found == [alone.rank(["terway vswitch full"]).entries[0].entry] * 2
