"""The ids by which acknet knows its buttons, forms and fields again."""

from __future__ import annotations

import re

__all__ = [
    "ANOTHER_LOOK",
    "CHECKS_FORM",
    "EXPLAIN",
    "EXPLAIN_PATTERN",
    "FEEDBACK",
    "FIELD_CLUSTER",
    "FIELD_NAMESPACE",
    "FIELD_NODE",
    "FIELD_POD",
    "FIELD_REASON",
    "FIELD_SERVICE",
    "INPUT",
    "NOBODY_ANSWERED",
    "REASON_FORM",
    "RUN_CHECKS",
]

RUN_CHECKS = "acknet.run_checks"
"""Button: run read-only checks for an answer. Its value is a ``ButtonValue``, as that of all buttons."""
ANOTHER_LOOK = "acknet.another_look"
"""Button: run the checks again."""
EXPLAIN = "acknet.explain"
"""Button: show another entry; its id goes on with a number, because ids differ within a block."""
EXPLAIN_PATTERN = re.compile(rf"^{re.escape(EXPLAIN)}\.\d{{1,2}}$")
FEEDBACK = "acknet.feedback"
"""Feedback buttons: helpful or not."""
NOBODY_ANSWERED = "acknet.nobody_answered"
"""Button: nobody answered this, keep the question."""

CHECKS_FORM = "acknet.checks_form"
"""Callback id of the form that asks where to look."""
REASON_FORM = "acknet.reason_form"
"""Callback id of the form that asks why an answer did not help."""

FIELD_CLUSTER = "cluster"
FIELD_NAMESPACE = "namespace"
FIELD_POD = "pod"
FIELD_NODE = "node"
FIELD_SERVICE = "service"
FIELD_REASON = "reason"
"""Block ids of inputs; errors of a submission are told by them."""
INPUT = "value"
"""Action id of the element in every input block."""
