"""JSON as people leave it in ConfigMaps, and what Terway lays over it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnosis.json_text import read_json
from bot.diagnosis.merge_patch import merge_patch


def test_what_is_valid_is_read_as_it_is() -> None:
    assert read_json('{"a": [1, "#x", "b//c,]"]}').value == {"a": [1, "#x", "b//c,]"]}
    assert read_json('{"a":1}\r\n').valid


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('{"a": 1, # why\n "b": 2}', {"a": 1, "b": 2}),
        ('{"a": 1 // why\n}', {"a": 1}),
        ('{"a": [1, 2,],\n}', {"a": [1, 2]}),
        ('\ufeff{"a": 1}', {"a": 1}),
        ('{"url": "http://x/#y", }', {"url": "http://x/#y"}),
        ('{"a": "1,]",}', {"a": "1,]"}),
    ],
)
def test_what_its_component_cannot_read_is_still_understood(text: str, meant: Any) -> None:
    found = read_json(text)
    assert not found.valid
    assert found.error
    assert found.value == meant


@pytest.mark.parametrize("text", ["", "nothing", '{"a": NaN}', "[" * 100_000, '{"a": 1'])
def test_what_is_no_json_yields_nothing(text: str) -> None:
    found = read_json(text)
    assert not found.valid
    assert found.value is None


def test_the_place_of_a_mistake_is_told() -> None:
    assert read_json('{\n  "a": 1,\n}').error.startswith("line 3 column 1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(JSON)
def test_every_json_text_is_valid(value: Any) -> None:
    assert read_json(json.dumps(value)).value == value


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        # The examples of RFC 7396, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_settings_of_a_node_are_merged_as_the_rfc_says(target: Any, patch: Any, merged: Any) -> None:
    assert merge_patch(target, patch) == merged


def test_merging_changes_neither_side() -> None:
    target, patch = {"a": {"b": 1}}, {"a": {"c": 2}}
    assert merge_patch(target, patch) == {"a": {"b": 1, "c": 2}}
    assert (target, patch) == ({"a": {"b": 1}}, {"a": {"c": 2}})
