"""Fits the models of an index on authored questions, and fuses them on what they say of questions they had not seen.

"Not seen" means: the question's whole block was left out, neighbours in an entry's list being by the same hand and
often alike. Ridge regression gives those predictions in closed form; nearest texts and BM25 simply skip the block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from corpus import Corpus
from index.analysis import terms
from index.encoder import Vectors
from index.features import NEIGHBOURS
from index.fusion import Fusion, scope_features, several_features
from index.joint import NONE, SEVERAL, JointFit, LexicalRows, fit_joint
from index.lexical import Bm25, hashed
from index.normalize import normalize
from index.prepare import EncoderText
from index.records import TRAINING_FIELDS, Record, extra_questions, last_turns

__all__ = ["Fitted", "Questions", "fit_models"]

_BLOCK = 6
_BLOCKS_AT_ONCE = 64
_FUSION_BLOCKS_EVERY = 3
_AMBIGUOUS_TARGET = 0.5
_FALSE_REFUSALS = 0.07
_NEEDLESS_CHOICES = 0.1
_CHOICE_SHARE = 0.1

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """What the build stores: the joint model and the fusion."""

    joint: JointFit
    fusion: Fusion


@dataclass(frozen=True)
class Questions:
    """The authored questions that are fitted on, entries' own first, then out of scope, then ambiguous ones.

    ``words``: what the texts are made of; ``targets``: rows × (entries, none, several); ``documents``: the
    record behind each row, -1 for none; ``blocks``: which rows are left out together.
    """

    texts: list[str]
    words: LexicalRows
    targets: Floats
    documents: npt.NDArray[np.int64]
    blocks: list[list[int]]

    @classmethod
    def of(cls, corpus: Corpus, texts: Sequence[Record]) -> Self:
        """Collect the questions of a corpus whose records are ``texts``."""
        kept = [at for at, record in enumerate(texts) if record.field in TRAINING_FIELDS]
        questions = [normalize(texts[at].text) for at in kept] + [normalize(text) for text in extra_questions(corpus)]
        count, entries = len(kept), len(corpus.entries)
        numbers = {entry.id: number for number, entry in enumerate(corpus.entries)}
        targets = np.zeros((len(questions), entries + 2))
        targets[np.arange(count), [texts[at].entry for at in kept]] = 1
        outside = count + len(corpus.out_of_scope)
        targets[count:outside, NONE] = 1
        targets[outside:, SEVERAL] = 1
        for row, ambiguous in enumerate(corpus.ambiguous, outside):
            targets[row, [numbers[entry] for entry in ambiguous.entries]] = _AMBIGUOUS_TARGET
        threads = [row for row, at in enumerate(kept) if texts[at].field == "thread"]
        last = map(normalize, last_turns(corpus))
        prepare = EncoderText(corpus.glossary, {})
        return cls(
            texts=questions,
            words=LexicalRows.of(
                [hashed(text, prepare.translate(text)) for text in questions],
                {row: hashed(text, prepare.translate(text)) for row, text in zip(threads, last, strict=True)},
            ),
            targets=targets,
            documents=np.array([*kept, *([-1] * (len(questions) - count))]),
            blocks=_blocks([texts[at] for at in kept], outside, len(questions)),
        )

    def vectors(self, records: Vectors, extra: Vectors) -> Vectors:
        """Return the vectors of the rows from those of all records and of the extra questions."""
        return np.concatenate([records[self.documents[self.documents >= 0]], extra])


def _blocks(own: Sequence[Record], outside: int, count: int) -> list[list[int]]:
    """Group neighbours of one list, ``own`` texts first, then those out of scope up to row ``outside``."""
    groups: list[list[int]] = []
    for row, record in enumerate(own):
        previous = own[row - 1] if row else None
        fresh = previous is None or (previous.entry, previous.field) != (record.entry, record.field)
        if fresh or len(groups[-1]) == _BLOCK:
            groups.append([])
        groups[-1].append(row)
    groups += [list(range(at, min(at + _BLOCK, outside))) for at in range(len(own), outside, _BLOCK)]
    return groups + [[at] for at in range(outside, count)]


def fit_models(
    corpus: Corpus,
    texts: Sequence[Record],
    rows: Questions,
    *,
    vectors: Vectors,
    extra: Vectors,
    last: Vectors,
    bm25: Bm25,
) -> Fitted:
    """Fit joint model and fusion.

    ``vectors`` are those of ``texts``, ``extra`` those of the out-of-scope and ambiguous questions, ``last`` those of
    the last turns of all conversations, each in this order.
    """
    prepare = EncoderText(corpus.glossary, {})
    questions = rows.vectors(vectors, extra)
    joint = fit_joint(questions, last, rows.words, rows.targets)
    left_out = joint.left_out(rows.targets, rows.blocks)
    sample = [block for at, block in enumerate(rows.blocks) if at % _FUSION_BLOCKS_EVERY == 0]
    picked = np.array([row for block in sample for row in block])
    columns = np.stack(
        [
            left_out[picked, :NONE],
            _nearest(rows, questions, texts, vectors, sample),
            _bm25(rows, bm25, sample, prepare),
        ],
        axis=2,
    )
    return Fitted(joint, _fit_fusion(columns, left_out[picked, NONE:], rows.targets[picked]))


def _conditional_logit(columns: Floats, targets: Floats, ridge: float = 1e-3) -> Floats:
    """Return the weights (features) that make a softmax of ``columns @ weights`` fit ``targets`` best.

    ``columns``: rows × entries × features; ``targets``: rows × entries, each row summing to 1.
    """
    from scipy.optimize import minimize

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = columns @ weights
        scores -= scores.max(axis=1, keepdims=True)
        shares = np.exp(scores)
        shares /= shares.sum(axis=1, keepdims=True)
        value = -(targets * np.log(shares + 1e-12)).sum(axis=1).mean() + ridge * float(weights @ weights)
        gradient = np.einsum("ne,nef->f", shares - targets, columns) / len(columns) + 2 * ridge * weights
        return float(value), gradient

    result = minimize(loss, np.full(columns.shape[2], 5.0), jac=True, method="L-BFGS-B")
    weights: Floats = result.x
    return weights


def _logistic(columns: Floats, labels: npt.NDArray[np.bool_], ridge: float = 1e-3) -> Floats:
    """Return weights and, last, the intercept of a logistic model, both classes counting alike."""
    from scipy.optimize import minimize

    balance = np.where(labels, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    design = np.column_stack([columns, np.ones(len(columns))])
    signs = np.where(labels, 1.0, -1.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margins = signs * (design @ weights)
        value = float((balance * np.logaddexp(0, -margins)).mean()) + ridge * float(weights[:-1] @ weights[:-1])
        gradient = design.T @ (-signs * balance / (1 + np.exp(np.clip(margins, -60, 60)))) / len(design)
        gradient[:-1] += 2 * ridge * weights[:-1]
        return value, gradient

    weights: Floats = minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x
    return weights


def _nearest(
    rows: Questions,
    questions: Vectors,
    texts: Sequence[Record],
    vectors: Vectors,
    blocks: Sequence[Sequence[int]],
) -> Floats:
    owners = np.array([record.entry for record in texts])
    entries = rows.targets.shape[1] + NONE
    found = np.zeros((sum(map(len, blocks)), entries))
    at = 0
    for start in range(0, len(blocks), _BLOCKS_AT_ONCE):
        chunk = blocks[start : start + _BLOCKS_AT_ONCE]
        similarity = questions[[row for block in chunk for row in block]] @ vectors.T
        first = 0
        for block in chunk:
            own = [document for document in rows.documents[list(block)] if document >= 0]
            similarity[first : first + len(block), own] = -1.0
            first += len(block)
        nearest = np.argpartition(-similarity, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        for scores, ids in zip(similarity, nearest, strict=True):
            np.maximum.at(found[at], owners[ids], scores[ids])
            at += 1
    return found


def _bm25(rows: Questions, bm25: Bm25, blocks: Sequence[Sequence[int]], prepare: EncoderText) -> Floats:
    found = []
    for block in blocks:
        own = [at for at in rows.documents[list(block)] if at >= 0]
        for row in block:
            text = rows.texts[row]
            translation = prepare.translate(text)
            words = terms(text if translation == text else f"{text}\n{translation}")
            found.append(bm25.scores(words, without=own))
    return np.array(found, dtype=np.float64)


def _fit_fusion(columns: Floats, others: Floats, targets: Floats) -> Fusion:
    """Fit ranking, scope, ambiguity and thresholds on left-out signals.

    ``columns``: rows × entries × features; ``others``: rows × (scores for none and for several).
    """
    inside = targets[:, NONE] == 0
    wanted = targets[inside, :NONE]
    entry = _conditional_logit(columns[inside], wanted / wanted.sum(1, keepdims=True))
    signals = zip(columns.transpose(0, 2, 1).tolist(), others[:, 0].tolist(), strict=True)
    scope = np.array([scope_features(joint, none, nearest, bm25) for (joint, nearest, bm25), none in signals])
    scope_weights = _logistic(scope, inside)
    scores = columns[inside] @ entry
    shares = np.exp(scores - scores.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    several = np.array(list(map(several_features, shares.tolist(), others[inside, 1].tolist())))
    ambiguous = targets[inside, SEVERAL] == 1
    several_weights = _logistic(several, ambiguous) if ambiguous.any() else np.array([0.0] * several.shape[1] + [-9.0])
    return Fusion(
        entry=tuple(entry),
        scope=tuple(scope_weights),
        several=tuple(several_weights),
        refuse_below=_refuse_below(_probabilities(scope, scope_weights), inside),
        choices_above=_choices_above(_probabilities(several, several_weights), ambiguous),
        choice_share=_CHOICE_SHARE,
    )


def _probabilities(features: Floats, weights: Floats) -> Floats:
    chances: Floats = 1 / (1 + np.exp(-np.clip(features @ weights[:-1] + weights[-1], -60, 60)))
    return chances


def _refuse_below(answerable: Floats, inside: npt.NDArray[np.bool_]) -> float:
    """The threshold that refuses the allowed share of left-out questions that have an answer.

    Left-out questions are harder than real ones: a whole block of their like is missing (see docs/retrieval.md).
    """
    return float(np.quantile(answerable[inside], _FALSE_REFUSALS))


def _choices_above(several: Floats, ambiguous: npt.NDArray[np.bool_]) -> float:
    """The threshold above which no more than the allowed share of questions of a single entry gets choices."""
    return float(max(0.5, np.quantile(several[~ambiguous], 1 - _NEEDLESS_CHOICES)))
