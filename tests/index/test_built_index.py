"""The real index of the shipped corpus: what it finds, what it refuses, what it takes to serve it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from corpus import load_corpus
from index.build import index_digest, open_index
from index.evaluate import Judgement, evaluate, read_questions
from index.layout import IndexDamaged, verify
from index.retriever import Retriever

ROOT = Path(__file__).parents[2]
HELD_OUT = ROOT / "tests" / "questions" / "heldout.jsonl"
HEAVY = ("torch", "transformers", "sentence_transformers", "sklearn", "scipy", "bm25s", "onnx")
# Real fillings for the masks of signatures; others than those in the corpus.
FILLINGS = {
    "<int>": "731",
    "<ip>": "10.77.3.19",
    "<mac>": "00:16:3e:77:ab:01",
    "<id>": "vsw-9zz8y7x6w5",
    "<name>": "cn-qingdao.10.9.8.7",
    "<text>": "some-thing",
    "<version>": "v1.2.3",
}


@pytest.fixture(scope="module")
def retriever(built_cache: Path) -> Retriever:
    return open_index(built_cache)


def signatures() -> dict[str, set[str]]:
    owners: dict[str, set[str]] = {}
    for entry in load_corpus().entries:
        for signature in entry.signatures:
            owners.setdefault(signature, set()).add(entry.id)
    return owners


def filled(signature: str) -> str:
    for mask, text in FILLINGS.items():
        signature = signature.replace(mask, text)
    return signature


def wrapped(text: str) -> str:
    return "\n".join(text[at : at + 40] for at in range(0, len(text), 40))


def in_log(text: str) -> str:
    lines = [
        f'2026-03-04T05:06:{n % 60:02d}Z worker-{n} level=info msg="request {n} served in {n} ms"' for n in range(300)
    ]
    return "\n".join([*lines[:150], f'time="2026-03-04" level=error msg="{text}"', *lines[150:]])


def in_slack(text: str) -> str:
    return "&gt; " + text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@pytest.mark.parametrize("shape", [str, wrapped, in_log, in_slack, str.upper], ids=lambda shape: shape.__name__)
def test_every_literal_error_ranks_its_entry_first_however_it_was_pasted(retriever, shape):
    missed = {
        signature: ranking.entries[0].entry
        for signature, owners in signatures().items()
        if (ranking := retriever.rank([shape(filled(signature))])).entries[0].entry not in owners
    }
    assert missed == {}


def test_a_long_error_cut_to_sixty_percent_ranks_its_entry_first(retriever):
    long = {text: owners for text, owners in signatures().items() if len(text.split()) >= 6}
    missed = {
        cut: ranking.entries[0].entry
        for text, owners in long.items()
        if (cut := filled(text)[: -(-len(filled(text)) * 6 // 10)])
        and (ranking := retriever.rank([cut])).entries[0].entry not in owners
    }
    assert len(long) > 20
    # Four of 46 are beaten by another entry whose signature the rest resembles.
    assert len(missed) <= len(long) // 10, missed


@pytest.mark.parametrize(
    ("foreign", "known"),
    [
        (
            "Code: InvalidVSwitchId.NotFound Message: The specified VSwitch does not exist",
            "terway-vswitch-ip-exhausted",
        ),
        ("failed to allocate for range 0: no IP prefixes available in range set", "flannel-ip-leak"),
        ("error parse config, can't found route by mac 00:16:3e:77:ab:01", "terway-mac-not-found"),
    ],
)
def test_a_foreign_error_one_word_away_is_not_answered_as_the_known_one(retriever, foreign, known):
    ranking = retriever.rank([foreign])
    assert not (ranking.outcome == "answer" and ranking.entries[0].entry == known)


def test_held_out_questions_stay_above_the_floor(retriever):
    """Floors against regressions, a little below what was measured; the figures are in docs/retrieval.md."""
    judged = []
    for question in read_questions(HELD_OUT):
        ranking = retriever.rank(question.turns)
        judged.append(
            Judgement(
                question=question,
                ranked=tuple(ranked.entry for ranked in ranking.entries),
                confidence=ranking.confidence,
                refused=ranking.outcome == "no_answer",
                choices=ranking.outcome == "choices",
            )
        )
    report = evaluate(judged)
    assert report.overall.hit_at_1 >= 0.92
    assert report.overall.recall_at_3 >= 0.98
    assert report.overall.out_of_scope_refused >= 0.88
    assert report.overall.false_refusals <= 0.05
    assert report.auroc >= 0.98


@pytest.mark.parametrize(
    "question",
    [
        "",
        " \n\t ",
        "🙂🙂🙂",
        "\x00\x01\x02",
        "?" * 500,
        "\ud800",
        "x" * 1_000_000,
        "<@U123> <!channel>",
        "%s%s%n {{7*7}}",
    ],
    ids=["empty", "blank", "emoji", "control", "marks", "surrogate", "huge", "mentions", "format"],
)
def test_what_is_no_question_gets_no_answer_and_no_error(retriever, question):
    assert retriever.rank([question]).outcome == "no_answer"


def test_ranking_lists_every_entry_once_with_confidences_that_add_up_to_one_at_most(retriever):
    ranking = retriever.rank(["flannel or terway for a new cluster?"])
    assert sorted(ranked.entry for ranked in ranking.entries) == sorted(entry.id for entry in load_corpus().entries)
    assert sum(ranked.confidence for ranked in ranking.entries) <= 1 + 1e-9


def test_serving_needs_none_of_what_building_needs(built_cache):
    program = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from index.build import open_index\n"
        "open_index(Path(sys.argv[1])).rank(['terway vswitch full'])\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(built_cache)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not set(HEAVY) & set(json.loads(done.stdout))


def test_the_graph_agrees_with_the_model_it_was_made_from(retriever):
    from index.export import load_sentence_transformer
    from index.model import locate_model

    texts = [
        "vSwitch full",
        "Pod 拿不到 IP",
        "a",
        "conntrack table full " * 60,
        "Why does DNS time out for five minutes?",
    ]
    ours = retriever._signals.encoder.encode(texts)
    theirs = load_sentence_transformer(locate_model()).encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert ((ours * theirs).sum(1) >= 0.9999).all()


def test_a_damaged_index_is_not_served(built_cache, tmp_path):
    digest = index_digest()
    source = built_cache / "index" / digest[:16]
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in source.iterdir():
        if path.name == "joint.npz":
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 255
            (copy / path.name).write_bytes(content)
        else:
            (copy / path.name).symlink_to(path)
    with pytest.raises(IndexDamaged, match=r"joint\.npz"):
        verify(copy, digest)
