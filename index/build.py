"""Builds the index of a corpus: exports the encoder, embeds texts, fits models, writes everything and checks it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from filelock import FileLock

from corpus import CORPUS_DIR, Corpus, CorpusError, check_corpus, load_corpus, source_files
from index import layout
from index.encoder import OnnxEncoder
from index.export import exporting
from index.fit import Questions, fit_models
from index.lexical import Bm25
from index.model import DEFAULT_MODEL, locate_model, model_fingerprint
from index.normalize import normalize
from index.prepare import EncoderText
from index.records import extra_questions, last_turns, records
from index.retriever import Retriever
from index.vectors import FaissStore

__all__ = ["Progress", "build_index", "index_digest", "open_index"]

Progress = Callable[[str, float], None]
"""Told what is being done and which share of the whole is done (0 to 1)."""


def index_digest(corpus_dir: Path = CORPUS_DIR, model: str = DEFAULT_MODEL) -> str:
    """Return a hex sha256 over corpus, model and this package's code: equal digests, equal indexes."""
    digest = hashlib.sha256(model_fingerprint(model).encode())
    code = sorted(Path(__file__).parent.glob("*.py"))
    for path in [*source_files(corpus_dir), *code]:
        digest.update(f"\0{path.name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def open_index(
    cache_dir: Path,
    *,
    corpus_dir: Path = CORPUS_DIR,
    model: str = DEFAULT_MODEL,
    threads: int = 0,
    progress: Progress | None = None,
) -> Retriever:
    """Return the index of the corpus from ``cache_dir``, building it first when it is missing, stale or damaged.

    Raises CorpusError for a corpus with mistakes, ModelError for missing or foreign weights, OSError when the cache
    cannot be written to.
    """
    digest = index_digest(corpus_dir, model)
    target = cache_dir / "index" / digest[:16]
    try:
        return Retriever.load(target, digest, threads=threads)
    except layout.IndexDamaged:
        build_index(cache_dir, corpus_dir=corpus_dir, model=model, progress=progress)
        return Retriever.load(target, digest, threads=threads)


def build_index(
    cache_dir: Path,
    *,
    corpus_dir: Path = CORPUS_DIR,
    model: str = DEFAULT_MODEL,
    force: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Build the index of the corpus below ``cache_dir`` and return its directory; older ones are removed.

    Two builds at once wait for each other; the second finds the first one's work unless ``force``. See
    :func:`open_index` for what is raised.
    """
    digest = index_digest(corpus_dir, model)
    home = cache_dir / "index"
    home.mkdir(parents=True, exist_ok=True)
    target = home / digest[:16]
    # Not behind the lock: who finds the index there need not wait for a build of another one.
    if not force and _usable(target, digest):
        return target
    with FileLock(home / ".lock"):
        if not force and _usable(target, digest):
            return target
        corpus = load_corpus(corpus_dir)
        if problems := check_corpus(corpus):
            raise CorpusError(problems)
        builder = _Builder(corpus, model, digest, progress or (lambda _what, _share: None))
        layout.install(target, builder.write, lambda directory: Retriever.load(directory, digest).self_test())
        for other in home.iterdir():
            if other.is_dir() and other != target:
                shutil.rmtree(other, ignore_errors=True)
    return target


def _usable(target: Path, digest: str) -> bool:
    try:
        layout.verify(target, digest)
    except layout.IndexDamaged:
        return False
    return True


class _Builder:
    def __init__(self, corpus: Corpus, model: str, digest: str, progress: Progress) -> None:
        self._corpus, self._model, self._digest, self._progress = corpus, model, digest, progress

    def write(self, directory: Path) -> dict[str, object]:
        """Write every file of the index into ``directory``; return the manifest's fields."""
        self._progress("reading the corpus", 0.0)
        source = locate_model(self._model)
        with exporting(source, directory / layout.GRAPH, directory / layout.WEIGHTS):
            texts = list(records(self._corpus))
            (directory / layout.CORPUS).write_text(self._corpus.model_dump_json(), encoding="utf-8")
            bm25 = Bm25.build([normalize(record.text) for record in texts], [record.entry for record in texts])
            vocabulary = json.dumps(bm25.vocabulary, ensure_ascii=False)
            (directory / layout.VOCABULARY).write_text(vocabulary, encoding="utf-8")
            np.savez(directory / layout.BM25, allow_pickle=False, **bm25.arrays())
            questions = Questions.of(self._corpus, texts)
            prepare = EncoderText(self._corpus.glossary, bm25.term_weights())
            extra, last = extra_questions(self._corpus), last_turns(self._corpus)
            prepared = [prepare(normalize(text)) for text in [*(record.text for record in texts), *extra, *last]]
            shutil.copyfile(source / "tokenizer.json", directory / layout.TOKENIZER)
            self._progress("exporting the encoder", 0.1)
        encoder = OnnxEncoder(directory / layout.GRAPH, directory / layout.TOKENIZER, threads=1)
        vectors = encoder.encode_many(prepared, lambda done: self._progress("embedding the texts", 0.18 + 0.6 * done))
        ends = (len(texts), len(texts) + len(extra))
        store = FaissStore(encoder.dimension)
        store.add(range(len(texts)), vectors[: len(texts)])
        store.save(directory / layout.VECTORS)
        np.savez(
            directory / layout.RECORDS,
            owners=np.array([record.entry for record in texts], dtype=np.int64),
            ambiguous=vectors[ends[1] - len(self._corpus.ambiguous) : ends[1]],
        )
        self._progress("fitting", 0.78)
        fitted = fit_models(
            self._corpus,
            texts,
            questions,
            vectors=vectors[: ends[0]],
            extra=vectors[ends[0] : ends[1]],
            last=vectors[ends[1] :],
            bm25=bm25,
        )
        np.savez(directory / layout.JOINT, allow_pickle=False, **fitted.joint.model.arrays())
        (directory / layout.FUSION).write_text(fitted.fusion.model_dump_json(indent=1), encoding="utf-8")
        self._progress("checking", 0.98)
        return {
            "digest": self._digest,
            "model": self._model,
            "dimension": encoder.dimension,
            "entries": len(self._corpus.entries),
            "texts": len(texts),
            "built_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        }
