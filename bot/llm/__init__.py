"""A language model may help to understand a question; it is never the source of a fact and never needed.

Begin at `ModelHelp`. `docs/llm.md` says what is sent, what is accepted, and what happens when a model misbehaves.
"""
