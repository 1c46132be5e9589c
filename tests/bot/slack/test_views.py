"""Forms: what stands in them, what comes back, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnosis.facts.registry import Scope
from bot.slack.blocks import (
    Asked,
    ButtonValue,
    FormErrors,
    FormPlace,
    HealthLine,
    InvalidValue,
    checks_form,
    home_view,
    names,
    read_checks_form,
    read_reason_form,
    reason_form,
)
from tests.bot.slack.answers import texts
from tests.doubles.slack.blocks import check_view, links, mentions, words

PLACE = FormPlace(answer="a-1", channel="C1", thread="1.0", ts="2.0")


def submitted(view: dict[str, Any], **given: str | None) -> dict[str, Any]:
    """Return ``view`` as Slack sends it back: what stood in its fields, or what was typed into them."""
    values: dict[str, Any] = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element, field = block["element"], block["block_id"]
            if element["type"] == "static_select":
                chosen = [one for one in element["options"] if one["value"] == given.get(field)]
                state = {"selected_option": chosen[0] if chosen else element.get("initial_option")}
            else:
                state = {"value": given.get(field, element.get("initial_value"))}
            values[field] = {element["action_id"]: {"type": element["type"], **state}}
    return {**view, "state": {"values": values}}


def test_what_is_known_comes_back_with_what_was_typed() -> None:
    known = Scope(namespace="shop", node="cn-hangzhou.10.0.0.12")
    form = checks_form(PLACE, clusters=["prod", "staging"], known=known, cluster="staging").to_dict()
    asked = read_checks_form(submitted(form, pod=" web-0 "))
    assert asked.scope == Scope(namespace="shop", pod="web-0", node="cn-hangzhou.10.0.0.12")
    assert (asked.cluster, asked.place) == ("staging", PLACE)
    assert read_checks_form(submitted(form, cluster="prod")).cluster == "prod"


@pytest.mark.parametrize("clusters", [(), ("only",)])
def test_nobody_is_asked_which_cluster_where_there_is_no_choice(clusters: tuple[str, ...]) -> None:
    form = checks_form(PLACE, clusters=clusters).to_dict()
    assert [block["block_id"] for block in form["blocks"] if block["type"] == "input"] == [
        "namespace",
        "pod",
        "node",
        "service",
    ]
    assert read_checks_form(submitted(form)).cluster is None


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"namespace": "Shop"}, {"namespace"}),
        ({"namespace": "shop", "pod": "web 0; rm -rf /"}, {"pod"}),
        ({"namespace": "shop", "pod": "../../secrets"}, {"pod"}),
        ({"pod": "web-0"}, {"namespace"}),
        ({"service": "web", "node": "n_1"}, {"namespace", "node"}),
        ({"node": "n" * 254}, {"node"}),
    ],
)
def test_what_can_not_be_a_name_is_said_at_its_field(given: dict[str, str], wrong: set[str]) -> None:
    with pytest.raises(FormErrors) as caught:
        read_checks_form(submitted(checks_form(PLACE).to_dict(), **given))
    assert caught.value.errors.keys() == wrong
    assert all(caught.value.errors.values())


def test_a_reason_comes_back_with_its_place() -> None:
    form = reason_form(PLACE).to_dict()
    assert read_reason_form(submitted(form, reason=" 第 3 步不对 ")) == (PLACE, "第 3 步不对")
    assert read_reason_form(submitted(form, reason=None)) == (PLACE, "")


@pytest.mark.parametrize("metadata", ["", "{}", "null", "[]", "x", '{"answer":"a","channel":"C","more":1}', None])
def test_a_form_that_acknet_did_not_make_is_refused(metadata: str | None) -> None:
    view = {"private_metadata": metadata, "state": {"values": {}}}
    for read in (read_checks_form, read_reason_form):
        with pytest.raises(InvalidValue):
            read(view)


@pytest.mark.parametrize("value", ["", None, "x", "{}", '{"answer":""}', '{"answer":"a","evil":1}', '{"answer":["a"]}'])
def test_a_button_that_acknet_did_not_make_is_refused(value: str | None) -> None:
    with pytest.raises(InvalidValue):
        ButtonValue.decode(value)


def test_what_a_button_carries_comes_back() -> None:
    value = ButtonValue(answer="a-1", entry="terway-mac-not-found", helpful=False)
    assert ButtonValue.decode(value.encode()) == value


@pytest.mark.parametrize("name", ["acknet.explain.1", "acknet.explain.25"])
def test_buttons_of_entries_are_known_by_their_pattern(name: str) -> None:
    assert names.EXPLAIN_PATTERN.fullmatch(name)
    assert not names.EXPLAIN_PATTERN.fullmatch(f"{name}x")


@given(
    texts,
    texts,
    st.none() | texts,
    st.lists(texts.filter(str.strip).map(lambda text: text[:150]), max_size=3, unique=True),
)
def test_whatever_is_known_the_form_is_taken_and_only_text(
    namespace: str, pod: str, node: str | None, clusters: list[str]
) -> None:
    known = Scope(namespace=namespace, pod=pod, node=node)
    view = json.loads(json.dumps(checks_form(PLACE, clusters=clusters, known=known).to_dict()))
    check_view(view)
    assert mentions(view["blocks"]) == links(view["blocks"]) == []


@given(st.lists(st.tuples(texts, st.none() | st.booleans(), texts), max_size=12), st.lists(texts, max_size=12))
def test_whatever_home_tells_it_is_taken_and_only_text(
    health: list[tuple[str, bool | None, str]], asked: list[str]
) -> None:
    view = home_view(health=[HealthLine(*one) for one in health], asked_most=[Asked(one, 2) for one in asked]).to_dict()
    check_view(view, kinds=("home",))
    assert mentions(view["blocks"]) == links(view["blocks"]) == []
    assert "/acknet" in words(view["blocks"])
