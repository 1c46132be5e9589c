"""Words of a model add nothing to their source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.llm.faithful import is_extract, is_rewording

ORIGINAL = (
    "The vSwitch is empty, so new pods hang in `ContainerCreating`. Create another vSwitch of /19 in the same zone, "
    "enter its id in `PodVswitchId`, and do not delete pods that run v1.8.0."
)


@pytest.mark.parametrize(
    "text",
    [
        ORIGINAL,
        "New pods hang in `ContainerCreating`, because the vSwitch is empty. Create another vSwitch of /19 in the same "
        "zone and enter its id in `PodVswitchId`; do not delete pods that run v1.8.0.",
    ],
)
def test_a_text_of_the_same_words_is_a_rewording(text: str) -> None:
    assert is_rewording(text, ORIGINAL, ORIGINAL)


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("do not delete", "do delete"),
        ("v1.8.0", "v1.9.0"),
        ("/19", "/20"),
        ("`PodVswitchId`", "`PodVSwitchIds`"),
        ("`PodVswitchId`", "PodVswitchId"),
        ("empty", "broken"),
        ("Create another vSwitch", "Run kubectl delete node"),
        ("pods that run", "pods that run https://evil.example/x"),
        ("in the same zone", "in the same zone <script>"),
        ("in the same zone", "in the [same](http://evil.example) zone"),
        (", and do not delete pods that run v1.8.0", ""),
        ("hang in", "hang\nin"),
    ],
)
def test_a_text_that_adds_changes_or_leaves_out_a_fact_is_none(said: str, instead: str) -> None:
    assert said in ORIGINAL
    assert not is_rewording(ORIGINAL.replace(said, instead), ORIGINAL, ORIGINAL)


def test_an_endless_or_empty_text_is_none() -> None:
    assert not is_rewording("", ORIGINAL, ORIGINAL)
    assert not is_rewording(f"{ORIGINAL} {'the vSwitch ' * 100}", ORIGINAL, ORIGINAL)


@given(st.text(max_size=300))
def test_no_text_of_strange_words_is_an_extract(text: str) -> None:
    assert is_extract(text, text)
    assert not is_extract(f"{text} zyzzyva", "pods hang")
