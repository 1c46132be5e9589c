"""Every shipped signature in every shape in which errors turn up, and foreign errors one word away."""

from __future__ import annotations

import pytest

from corpus import load_corpus
from index.normalize import normalize
from index.signatures import SignatureMatcher
from index.squeezed import squeezed
from tests.index.signature_variants import (
    CUTS,
    SETTINGS,
    VARIANTS,
    cut_to_60_percent,
    filled,
    foreign_codes,
    foreign_insertions,
    foreign_phrases,
    owners,
    says_enough,
    without_masks,
)


@pytest.fixture(scope="module")
def matcher() -> SignatureMatcher:
    return SignatureMatcher.of(load_corpus())


def test_there_is_a_signature_for_every_kind_of_trouble():
    """The tests below go through what this yields; an empty list would pass them all."""
    assert len(owners()) > 100
    assert len(list(foreign_phrases())) > 200
    assert len(list(foreign_codes())) > 30
    assert len(list(foreign_insertions())) > 100


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_signature_is_found_first_and_whole_with_its_entries(matcher, variant):
    missed = []
    for signature, entries in owners().items():
        for text in filled(signature):
            hits = matcher.find(normalize(VARIANTS[variant](text)))
            # Signatures that differ in case, quotes or a mask at an end only go by one name.
            named = hits and squeezed(without_masks(hits[0].signature)) == squeezed(without_masks(signature))
            if not (named and hits[0].share == 1.0 and entries <= set(hits[0].entries)):
                missed.append((text, hits))
    assert missed == []


@pytest.mark.parametrize("cut", CUTS)
def test_of_each_signature_sixty_percent_are_enough(matcher, cut):
    missed = []
    for signature, entries in owners().items():
        for text in filled(signature):
            if says_enough(signature, text):
                hits = matcher.find(normalize(CUTS[cut](text)))
                # The same beginning may be that of several signatures.
                if not (hits and hits[0].share > 0 and entries & set(hits[0].entries)):
                    missed.append((cut_to_60_percent(text), hits))
    assert missed == []


def test_sixty_percent_are_enough_for_nearly_all_signatures():
    texts = [(signature, text) for signature in owners() for text in filled(signature)]
    assert sum(says_enough(*each) for each in texts) > 0.85 * len(texts)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("foreign", [foreign_phrases, foreign_insertions, foreign_codes])
def test_a_foreign_error_one_word_away_is_reported_as_a_look_alike(matcher, foreign, setting):
    mistaken = []
    for signature, text in foreign():
        hits = matcher.find(normalize(SETTINGS[setting].format(text)))
        like = any(hit.share == 0.0 and owners()[signature] & set(hit.entries) for hit in hits)
        if not like or any(hit.share > 0.0 for hit in hits):
            mistaken.append((text, signature, hits))
    assert mistaken == []
