"""Forms: where to look, and why an answer did not help."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    SectionBlock,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.diagnosis.facts.registry import Scope
from bot.slack.blocks import names
from bot.slack.blocks.buttons import plain_text
from bot.slack.blocks.text import clip, one_line
from bot.slack.blocks.values import FormPlace

__all__ = ["ChecksAsked", "FormErrors", "checks_form", "read_checks_form", "read_reason_form", "reason_form"]

_TITLE = 24
_MOST_CLUSTERS = 100
_LONGEST_NAME = 253
_LONGEST_REASON = 2000
_OPTION_TEXT = 75
_OPTION_VALUE = 150
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")

_FIELDS = {
    names.FIELD_NAMESPACE: ("Namespace", "shop"),
    names.FIELD_POD: ("Pod", "web-5c9f7d8b6-x2x7k"),
    names.FIELD_NODE: ("Node", "cn-hangzhou.10.0.0.12"),
    names.FIELD_SERVICE: ("Service", "web"),
}


class FormErrors(ValueError):
    """Raised for a submission that cannot be used; ``errors`` says by field what to change, as Slack shows it."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class ChecksAsked:
    """Where somebody wants acknet to look; ``cluster`` is None where there is only one."""

    place: FormPlace
    scope: Scope
    cluster: str | None


def checks_form(
    place: FormPlace, *, clusters: Sequence[str] = (), known: Scope | None = None, cluster: str | None = None
) -> View:
    """Return the form that asks where to look; what is ``known`` already stands in it.

    With several ``clusters`` one is chosen, ``cluster`` before all others.
    """
    known = known or Scope()
    intro = SectionBlock(
        text=PlainTextObject(
            text="acknet reads, and changes nothing. Fill in what you know: the more it knows, the more it can decide.",
            emoji=False,
        )
    )
    blocks: list[Block] = [intro]
    if len(clusters) > 1:
        blocks.append(_cluster_choice(clusters[:_MOST_CLUSTERS], cluster))
    blocks += [_line(field, label, example, getattr(known, field) or "") for field, (label, example) in _FIELDS.items()]
    return View(
        type="modal",
        callback_id=names.CHECKS_FORM,
        title=_view_text("Read-only checks"),
        submit=_view_text("Look"),
        close=_view_text("Cancel"),
        private_metadata=place.encode(),
        blocks=blocks,
    )


def reason_form(place: FormPlace) -> View:
    """Return the form that asks why an answer did not help."""
    reason = PlainTextInputElement(
        action_id=names.INPUT,
        multiline=True,
        max_length=_LONGEST_REASON,
        placeholder=plain_text("It is about another error; step 3 does not work; …", 150),
        focus_on_load=True,
    )
    return View(
        type="modal",
        callback_id=names.REASON_FORM,
        title=_view_text("What was wrong?"),
        submit=_view_text("Send"),
        close=_view_text("Skip"),
        private_metadata=place.encode(),
        blocks=[
            InputBlock(
                block_id=names.FIELD_REASON,
                label=plain_text("What should the answer have said?", 2000),
                hint=plain_text("Kept with the question for those who look after acknet. Leave passwords out.", 2000),
                element=reason,
                optional=True,
            )
        ],
    )


def read_checks_form(view: Mapping[str, Any]) -> ChecksAsked:
    """Read the ``view`` of a submission of :func:`checks_form`.

    Raises FormErrors for what a person can mend, InvalidValue for a view that acknet did not make.
    """
    place = FormPlace.decode(view.get("private_metadata"))
    given = {field: _typed(view, field) for field in _FIELDS}
    errors = {
        field: f"A {_FIELDS[field][0].lower()} has lower-case letters, digits, - and . only."
        for field, name in given.items()
        if name and not (_NAME.fullmatch(name) and len(name) <= _LONGEST_NAME)
    }
    if (given[names.FIELD_POD] or given[names.FIELD_SERVICE]) and not given[names.FIELD_NAMESPACE]:
        errors[names.FIELD_NAMESPACE] = "In which namespace is it?"
    if errors:
        raise FormErrors(errors)
    scope = Scope(**{field: name or None for field, name in given.items()})
    chosen = (_element(view, names.FIELD_CLUSTER).get("selected_option") or {}).get("value")
    return ChecksAsked(place, scope, chosen)


def read_reason_form(view: Mapping[str, Any]) -> tuple[FormPlace, str]:
    """Read the ``view`` of a submission of :func:`reason_form`: its place and the reason, which may be empty.

    Raises InvalidValue for a view that acknet did not make.
    """
    return FormPlace.decode(view.get("private_metadata")), _typed(view, names.FIELD_REASON)


def _cluster_choice(clusters: Sequence[str], chosen: str | None) -> Block:
    options = {name: Option(value=name, text=plain_text(name, _OPTION_TEXT)) for name in clusters}
    too_long = [name for name in options if not 0 < len(name) <= _OPTION_VALUE]
    if too_long:
        raise ValueError(f"names of clusters have 1 to {_OPTION_VALUE} characters")
    return InputBlock(
        block_id=names.FIELD_CLUSTER,
        label=plain_text("Cluster", 2000),
        element=StaticSelectElement(
            action_id=names.INPUT,
            options=list(options.values()),
            initial_option=options.get(chosen or ""),
            placeholder=plain_text("Choose a cluster", 150),
        ),
    )


def _line(field: str, label: str, example: str, value: str) -> Block:
    return InputBlock(
        block_id=field,
        label=plain_text(label, 2000),
        element=PlainTextInputElement(
            action_id=names.INPUT,
            initial_value=clip(one_line(value), _LONGEST_NAME) or None,
            max_length=_LONGEST_NAME,
            placeholder=plain_text(f"for example {example}", 150),
        ),
        optional=True,
    )


def _view_text(words: str) -> PlainTextObject:
    return plain_text(words, _TITLE)


def _element(view: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    values = (view.get("state") or {}).get("values") or {}
    found = (values.get(field) or {}).get(names.INPUT)
    return found if isinstance(found, Mapping) else {}


def _typed(view: Mapping[str, Any], field: str) -> str:
    return str(_element(view, field).get("value") or "").strip()
