"""What only a real Milvus server shows, where MILVUS_SERVER names its program: it is killed, and asks who is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("pymilvus", reason="needs acknet[milvus]")

from bot.engine import EngineError, open_engine
from bot.settings import Settings
from index.milvus.server import MilvusServer
from tests.doubles.milvus_server import UNSET, milvus_program, running_milvus
from tests.doubles.server import running_server

ROOT = Path(__file__).parents[2]
QUESTION = "new nodes keep the NetworkUnavailable taint, this is number {}"
PRIVILEGES = {
    "Global": ("CreateCollection", "CreateAlias", "DescribeCollection", "DropCollection"),
    "Collection": ("CreateIndex", "IndexDetail", "Load", "GetLoadState", "Insert", "Search", "Query"),
}
CLIENTS = 4
SECONDS = 180.0


@pytest.fixture(scope="module")
def program() -> Path:
    named = milvus_program()
    if named is None:
        pytest.skip(UNSET)
    return named


def test_a_server_that_is_killed_while_acknet_answers_costs_answers_only_until_it_is_back(
    program, built_cache, tmp_path
):
    alone = open_engine(Settings(cache_dir=built_cache))
    with running_milvus(program, tmp_path / "milvus") as milvus:
        settings = Settings(cache_dir=built_cache, vector_store_url=milvus.url, vector_store_timeout=2)
        with running_server(open_engine, settings) as acknet, ThreadPoolExecutor(CLIENTS) as clients:
            seen, until = _Seen(), threading.Event()
            asking = [clients.submit(_ask_on, acknet.url, seen, until) for _ in range(CLIENTS)]
            try:
                _wait(lambda: seen.count(200) >= 3 * CLIENTS)
                milvus.stop()
                _wait(lambda: seen.last(CLIENTS) == [503] * CLIENTS)
                milvus.start()
                _wait(lambda: seen.last(3 * CLIENTS) == [200] * 3 * CLIENTS)
            finally:
                until.set()
            for each in asking:
                each.result()
        assert {reply.status_code for reply in seen.replies} == {200, 503}
        for reply in seen.replies:
            body = reply.json()
            if reply.status_code == 503:
                assert reply.headers["retry-after"]
                assert "Traceback" not in body["detail"]
            else:
                asked = seen.questions[reply.headers["x-request-id"]]
                assert body["entries"][0]["id"] == alone.rank([asked]).entries[0].entry


def test_a_replica_that_is_killed_while_it_fills_leaves_nothing_that_is_searched(program, built_cache, tmp_path):
    with running_milvus(program, tmp_path / "milvus") as milvus:
        server = MilvusServer(milvus.url, timeout=60)
        command = [sys.executable, "-m", "bot", "ask", "terway vswitch full"]
        environment = os.environ | {"ACKNET_CACHE_DIR": str(built_cache), "ACKNET_VECTOR_STORE_URL": milvus.url}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as filling:
            _wait(lambda: bool(server.call("list_collections")))
            filling.send_signal(signal.SIGKILL)
        left = server.call("list_collections")
        engine = open_engine(Settings(cache_dir=built_cache, vector_store_url=milvus.url, vector_store_timeout=60))
        assert engine.rank(["terway vswitch full"]).entries
        used = server.call("describe_collection", f"acknet_{engine.index_digest[:16]}")["collection_name"]
        assert used not in left
        server.close()


def test_a_server_that_asks_who_is_there_lets_in_who_has_the_token_only(program, built_cache, tmp_path):
    with running_milvus(program, tmp_path / "milvus", authorization=True) as milvus:
        place = {"cache_dir": built_cache, "vector_store_url": milvus.url, "vector_store_timeout": 5}
        administrator = MilvusServer(milvus.url, token=milvus.token, timeout=60)
        administrator.call("create_user", "acknet", "of-acknet-alone")
        administrator.call("create_role", "acknet")
        for kind, privileges in PRIVILEGES.items():
            for privilege in privileges:
                administrator.call("grant_privilege", "acknet", kind, privilege, "*")
        administrator.call("grant_role", "acknet", "acknet")
        engine = open_engine(Settings(**place, vector_store_token="acknet:of-acknet-alone"))
        assert engine.rank(["terway vswitch full"]).entries
        for token in (None, "acknet:wrong"):
            with pytest.raises(EngineError, match=r"\Athe vector store http://127.0.0.1:\d+ fails: [^\n]+\Z") as caught:
                open_engine(Settings(**place, vector_store_token=token))
            assert "wrong" not in str(caught.value)
        administrator.close()


class _Seen:
    """Replies in the order in which they came."""

    def __init__(self) -> None:
        self.replies: list[httpx.Response] = []
        self.questions: dict[str, str] = {}
        self._number = iter(range(1_000_000))

    def next_question(self) -> str:
        return QUESTION.format(next(self._number))

    def count(self, status: int) -> int:
        return sum(reply.status_code == status for reply in self.replies)

    def last(self, count: int) -> list[int]:
        return [reply.status_code for reply in self.replies[-count:]]


def _ask_on(url: str, seen: _Seen, until: threading.Event) -> None:
    with httpx.Client(base_url=url, timeout=120, trust_env=False) as client:
        while not until.is_set():
            question = seen.next_question()
            reply = client.post("/v1/ask", json={"question": question})
            seen.questions[reply.headers["x-request-id"]] = question
            seen.replies.append(reply)


def _wait(condition: Any) -> None:
    give_up_at = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
