"""Examples for the API's description, by the name of the schema they belong to."""

from __future__ import annotations

from typing import Any

__all__ = ["EXAMPLES"]

_TITLE = "A pod in a Flannel cluster cannot reach the Service that it backs itself (hairpin)"

EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "AskRequest": [
        {"question": "pods stuck in ContainerCreating, InvalidVSwitchId.IpNotEnough"},
        {
            "question": "and how do I check that it worked?",
            "thread": ["Terway v1.9, new pods get no IP", "I added a second vSwitch"],
        },
    ],
    "AskReply": [
        {
            "id": "Gm0ykq1Tt2wq3x4z",
            "outcome": "answer",
            "entries": [{"id": "flannel-hairpin", "title": _TITLE, "area": "flannel", "confidence": 0.97}],
            "answer": {
                "entry": "flannel-hairpin",
                "title": _TITLE,
                "summary": "Flannel does not allow this loopback access unless hairpin mode is on.",
                "markdown": "Flannel does not allow this loopback access unless hairpin mode is on. [1]",
            },
            "citations": [
                {
                    "edition": "intl",
                    "document": "Container networking FAQ",
                    "heading": "The heading as it stands in the edition",
                    "url": "https://www.alibabacloud.com/help/en/ack/",
                    "entry": "flannel-hairpin",
                }
            ],
            "differs": [],
            "diagnosis": None,
            "elapsed_ms": 9.4,
        }
    ],
    "DiagnoseRequest": [
        {
            "question": "pods stuck in ContainerCreating",
            "entries": ["terway-vswitch-ip-exhausted"],
            "scope": {"namespace": "shop", "pod": "web-0"},
        },
    ],
    "RatingRequest": [{"helpful": True}, {"helpful": False, "reason": "We run Flannel, this is about Terway."}],
    "Problem": [
        {
            "type": "urn:acknet:problem:invalid-request",
            "title": "The request does not have the right form",
            "status": 422,
            "detail": "One thing is wrong with the request.",
            "request_id": "2de26e2d985f7b59",
            "errors": [{"detail": "is required", "pointer": "#/question"}],
        }
    ],
}
