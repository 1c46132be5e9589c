"""Answers as text and as data, one module a surface."""

from bot.render.json import json_answer
from bot.render.markdown import markdown_answer

__all__ = ["json_answer", "markdown_answer"]
