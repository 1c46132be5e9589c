"""The answer as the object that the HTTP API and ``--json`` promise."""

from __future__ import annotations

from typing import Any

from bot.answer import Answer
from bot.render.diagnosis import json_diagnosis
from bot.render.markdown import markdown_answer

__all__ = ["json_answer"]


def json_answer(answer: Answer) -> dict[str, Any]:
    """Return the object of ``POST /v1/ask`` as plain data."""
    return {
        "outcome": answer.outcome,
        "entries": [
            {
                "id": candidate.id,
                "title": candidate.title,
                "area": candidate.area,
                "confidence": round(candidate.confidence, 4),
            }
            for candidate in answer.candidates
        ],
        "answer": {
            "entry": answer.entry,
            "title": answer.title,
            "summary": answer.summary,
            "markdown": markdown_answer(answer),
        },
        "citations": [
            {
                "edition": citation.edition,
                "document": citation.document,
                "heading": citation.heading,
                "url": citation.url,
                "entry": citation.entry,
            }
            for citation in answer.citations
        ],
        "differs": [
            {
                "topic": difference.topic,
                "intl": difference.intl,
                "cn": difference.cn,
                "advice": difference.advice.text,
                "entry": difference.entry,
            }
            for difference in answer.differs
        ],
        "diagnosis": json_diagnosis(answer.diagnosis.diagnosis) if answer.diagnosis else None,
        "elapsed_ms": round(answer.elapsed_ms, 3),
    }
