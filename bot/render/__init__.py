"""Answers as text and as data, one module a surface."""

from bot.render.diagnosis import json_diagnosis
from bot.render.json import json_answer
from bot.render.markdown import markdown_answer, markdown_diagnosis

__all__ = ["json_answer", "json_diagnosis", "markdown_answer", "markdown_diagnosis"]
