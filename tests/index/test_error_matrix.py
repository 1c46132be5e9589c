"""The FAQ's errors in every shape lead to their entries and foreign ones to none, in the matcher and in the answer."""

from __future__ import annotations

import itertools

import pytest

from corpus import load_corpus
from index.normalize import normalize
from index.retriever import Retriever
from index.signatures import SignatureMatcher
from tests.index.error_shapes import CUTS, shapes, specific
from tests.index.faq_errors import FAQ_ERRORS, FAQ_OUTPUTS
from tests.index.foreign_errors import FOREIGN_ERRORS
from tests.index.signature_variants import filled, foreign_codes, foreign_insertions, foreign_phrases

EVERY = 7
ASKED_EVERY = 67
"""Which of the shapes are tried of an error: all would take minutes. Others of each next error, so that all are."""

PLACES = {
    "alone": "{}",
    "in an event": "Warning  Failed  3m  kubelet  {}",
    "in a sentence": "since this morning our workers print {} whenever a job starts, what can we do about it?",
    "in Chinese": "昨天开始节点一直报 {} 怎么处理",
    "as code": "what does `{}` mean",
}


@pytest.fixture(scope="module")
def matcher() -> SignatureMatcher:
    return SignatureMatcher.of(load_corpus())


def shaped(every: int) -> list[tuple[str, str, str]]:
    """Return (error, the name of a shape, the error in that shape) where enough is left to tell."""
    found: list[tuple[str, str, str]] = []
    for number, error in enumerate(FAQ_ERRORS):
        for text in filled(error)[:2]:
            tells = {cut: specific(error, text, cut) for cut in CUTS}
            some = itertools.islice(shapes(), number % every, None, every)
            found += [(error, name, make(text)) for name, make, cut in some if tells[cut]]
    return found


def test_every_error_of_the_faq_is_or_holds_a_signature_of_its_entry(matcher):
    for error, entries in FAQ_ERRORS.items():
        for text in filled(error):
            hits = matcher.find(normalize(text))
            assert hits, text
            assert hits[0].share > 0.9, text
            assert entries & set(hits[0].entries), text


def test_of_most_errors_60_percent_tell_which_one_it_is():
    told = [specific(error, filled(error)[0], cut) for error in FAQ_ERRORS for cut in CUTS]
    assert sum(told) > 0.75 * len(told)


def test_each_error_is_found_in_every_shape(matcher):
    missed = []
    for error, name, text in shaped(EVERY):
        hits = matcher.find(normalize(text))
        if not (hits and hits[0].share > 0 and FAQ_ERRORS[error] & set(hits[0].entries)):
            missed.append((error, name, hits))
    assert missed == []


def test_each_error_in_every_shape_is_answered_with_its_entry_first(retriever: Retriever):
    missed = []
    for error, name, text in shaped(ASKED_EVERY):
        ranking = retriever.rank([text])
        if ranking.outcome == "no_answer" or ranking.entries[0].entry not in FAQ_ERRORS[error]:
            missed.append((error, name, ranking.outcome, ranking.entries[0]))
    assert missed == []


@pytest.mark.parametrize("output", FAQ_OUTPUTS)
def test_what_a_check_of_the_faq_prints_leads_to_its_entry(retriever, output):
    ranking = retriever.rank([output])
    assert ranking.outcome != "no_answer"
    assert ranking.entries[0].entry in FAQ_OUTPUTS[output]


@pytest.mark.parametrize("place", PLACES)
def test_no_error_that_belongs_to_nothing_is_taken_for_one_of_the_faq(retriever, place):
    rankings = {error: retriever.rank([PLACES[place].format(error)]) for error in FOREIGN_ERRORS}
    assert len(rankings) > 60
    assert [error for error, ranking in rankings.items() if any(hit.share for hit in ranking.signatures)] == []
    answered = [(error, ranking.entries[0]) for error, ranking in rankings.items() if ranking.outcome != "no_answer"]
    # A sentence around it says more than the error, and some of that is what people say of the FAQ's.
    assert len(answered) < 0.12 * len(rankings), answered
    sure = [error for error, ranking in rankings.items() if ranking.outcome == "answer" and ranking.confidence > 0.9]
    assert sure == []


@pytest.mark.parametrize("foreign", [foreign_phrases, foreign_insertions, foreign_codes])
def test_an_error_one_word_away_is_not_answered(retriever, foreign):
    texts = [text for _, text in foreign()][::11]
    assert len(texts) > 3
    places = itertools.cycle(PLACES.values())
    asked = [place.format(text) for place, text in zip(places, texts, strict=False)]
    assert [text for text in asked if retriever.rank([text]).outcome != "no_answer"] == []
