"""What nobody could answer, put together by meaning, over a real store, index, command and server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from bot.questions.clusters import cluster_questions, grouped
from bot.questions.draft import draft_entry, draft_id
from bot.settings import Settings
from bot.settings.store_url import StoreUrl
from bot.settings.tokens import ApiToken
from bot.store import OpenQuestion, Store
from corpus import CorpusError, load_corpus
from corpus.check import check_corpus
from tests.doubles.engine import StandInEngine
from tests.doubles.server import running_server

ROOT = Path(__file__).parents[3]
PRICE = [
    "How much does a NAT gateway cost per month in ACK?",
    "what is the monthly price of a NAT gateway for my ACK cluster",
    "NAT gateway pricing per month?",
]
GPU = [
    "Which GPU driver version should I install on ACK nodes?",
    "what GPU driver version do I need on the nodes of ACK",
]
NEAR = {"terway-vswitch-no-internet": 0.2, "ipv6-no-outbound": 0.1}


def fill(store_url: str) -> None:
    async def run() -> None:
        async with Store(StoreUrl(store_url), seconds=30) as store:
            for text in (*PRICE, *PRICE[:1], *GPU):
                await store.questions.add(text, cause="no_answer", ranked=NEAR)
            await store.questions.add(GPU[0], cause="badly_rated", ranked=NEAR)
            await store.questions.add(
                "\x1b[31m<script>alert(1)</script> {{ 7*7 }} \u202etxt.exe", cause="nobody_answered", ranked={}
            )

    asyncio.run(run())


@pytest.fixture(scope="module")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/acknet.db"
    fill(url)
    return url


@pytest.fixture
def acknet(built_cache: Path, store_url: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    def acknet(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        given = {"ACKNET_CACHE_DIR": str(built_cache), "ACKNET_STORE_URL": store_url, **more}
        return subprocess.run(
            [sys.executable, "-m", "bot", *words],
            cwd=ROOT,
            env=os.environ | given,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return acknet


def test_what_means_the_same_stands_together(acknet):
    done = acknet("questions", "list", "--json")
    assert done.returncode == 0, done.stderr
    clusters = json.loads(done.stdout)["clusters"]
    texts = [{question["text"] for question in cluster["questions"]} for cluster in clusters]
    assert set(PRICE) in texts
    assert set(GPU) in texts
    price = clusters[texts.index(set(PRICE))]
    assert (price["count"], price["causes"]) == (4, ["no_answer"])
    assert [near["entry"] for near in price["nearest"]] == list(NEAR)
    assert clusters[texts.index(set(GPU))]["causes"] == ["no_answer", "badly_rated"]


def test_a_list_for_people_does_nothing_to_their_terminal(acknet):
    done = acknet("questions", "list")
    assert "asked 4 times" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_draft_is_written_once(acknet, tmp_path):
    done = acknet("questions", "export", "1", "--draft", str(tmp_path))
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.strip())
    assert path.parent == tmp_path
    assert PRICE[0] in path.read_text()
    again = acknet("questions", "export", "1", "--draft", str(path))
    assert (again.returncode, again.stdout) == (2, "")
    assert "is there already" in again.stderr


def test_a_draft_is_an_entry_once_it_is_filled_in(store_url, tmp_path):
    async def open_questions() -> tuple[OpenQuestion, ...]:
        async with Store(StoreUrl(store_url), seconds=30) as store:
            return await store.questions.list()

    asked = [one for one in asyncio.run(open_questions()) if one.text in PRICE]
    (cluster,) = cluster_questions(Alike(), asked)
    corpus = tmp_path / "corpus"
    shutil.copytree(ROOT / "corpus", corpus, ignore=shutil.ignore_patterns("__pycache__"))
    entry_id = draft_id(cluster)
    path = corpus / "entries" / "terway" / f"{entry_id}.md"
    path.write_text(draft_entry(cluster, load_corpus(), entry_id))
    with pytest.raises(CorpusError) as unfilled:
        load_corpus(corpus)
    assert all(path.name in str(problem) for problem in unfilled.value.problems)
    assert any("title" in str(problem) for problem in unfilled.value.problems)

    path.write_text(filled_in(path.read_text()))
    found = load_corpus(corpus)
    assert check_corpus(found) == []
    assert set(found[entry_id].asked_as) >= set(PRICE)


class Alike(StandInEngine):
    """Takes all questions for the same."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return np.ones((len(texts), 1), dtype=np.float32)


def filled_in(draft: str) -> str:
    """Fill the blanks of a draft in, as a person would."""
    other = load_corpus()["terway-vswitch-no-internet"]
    _, front, _ = draft.split("---\n", 2)
    data = yaml.safe_load(front)
    data["title"] = "What a NAT gateway costs"
    for cite in data["cites"]:
        cite["heading"] = next(one.heading for one in other.cites if one.edition == cite["edition"])
    data["tells_apart"] = "It is about money. {intl, cn}"
    data["asked_as"] += [f"what would I pay for way out number {number}" for number in range(12)]
    data["asked_as"] += [f"第 {number} 个 NAT 网关每月多少钱" for number in range(12)]
    data["cases"][0] |= {"claim": "It has a price.", "by_hand": "Read the bill."}
    return f"---\n{yaml.safe_dump(data, allow_unicode=True)}---\n\n## Summary\n\nIt has a price. {{intl, cn}}\n"


def test_what_is_answered_now_is_forgotten(tmp_path, acknet):
    own = f"sqlite:///{tmp_path}/acknet.db"
    fill(own)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return acknet("questions", *words, ACKNET_STORE_URL=own)

    before = json.loads(run("list", "--json").stdout)["clusters"]
    gone = next(one for one in before if PRICE[0] in {question["text"] for question in one["questions"]})
    assert run("forget", str(gone["id"])).returncode == 0
    after = json.loads(run("list", "--json").stdout)["clusters"]
    assert len(after) == len(before) - 1
    assert run("forget", "4711").returncode == 2


def test_groups_hold_what_is_alike_on_average_and_the_most_typical_first():
    angles = np.deg2rad([0, 10, 20, 90, 95, 180])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert sorted(grouped(vectors, 0.9)) == [[1, 0, 2], [3, 4], [5]]
    assert grouped(vectors[:1]) == [[0]]


class TestPage:
    def test_it_shows_clusters_and_nothing_of_what_people_wrote_acts(self, store_url):
        settings = Settings(store_url=StoreUrl(store_url))
        with running_server(lambda _: StandInEngine(), settings) as server:
            reply = server.http.get("/admin/questions")
        assert reply.status_code == 200
        assert "How much does a NAT gateway cost" in reply.text
        assert "<script>alert" not in reply.text
        assert "&lt;script&gt;" in reply.text
        assert not {"\x1b", "\u202e"} & set(reply.text)
        assert "/entries/terway-vswitch-no-internet" in reply.text

    def test_it_takes_the_scope_admin(self, store_url):
        asking, asking_secret = ApiToken.new("asker", ["ask"])
        admin, admin_secret = ApiToken.new("admin", ["admin"])
        settings = Settings(store_url=StoreUrl(store_url), api_tokens=(asking, admin), open_locally=False)
        with running_server(lambda _: StandInEngine(), settings) as server:
            statuses = [
                server.http.get("/admin/questions", headers={"Authorization": f"Bearer {secret}"}).status_code
                for secret in (asking_secret, admin_secret)
            ]
            assert server.http.get("/admin/questions").status_code == 401
        assert statuses == [403, 200]

    def test_who_may_see_it_finds_it_from_every_page(self, store_url):
        asking, asking_secret = ApiToken.new("asker", ["ask"])
        both, both_secret = ApiToken.new("both", ["ask", "admin"])
        settings = Settings(store_url=StoreUrl(store_url), api_tokens=(asking, both), open_locally=False)
        with running_server(lambda _: StandInEngine(), settings) as server:
            pages = {
                (path, secret): server.http.get(
                    path, headers={"Authorization": f"Bearer {secret}", "Accept": "text/html"}
                ).text
                for path in ("/", "/entries", "/entries/flannel-hairpin", "/nowhere", "/admin/questions")
                for secret in (asking_secret, both_secret)
            }
        link = 'href="/admin/questions"'
        assert all((link in text) == (secret == both_secret) for (_, secret), text in pages.items())

    def test_a_store_that_is_down_is_said(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        settings = Settings(store_url=StoreUrl(f"sqlite:///{tmp_path}/file/acknet.db"))
        with running_server(lambda _: StandInEngine(), settings) as server:
            reply = server.http.get("/admin/questions")
        assert (reply.status_code, "cannot be read now" in reply.text) == (200, True)
