"""The tools: ask, diagnose, get_entry. Each returns Markdown to read and the API's object to work with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mcp.types import Tool, ToolAnnotations
from pydantic import BaseModel

from bot.diagnosis.report import report
from bot.look import Look
from bot.look import Scope as Where
from bot.mcp.arguments import AskArguments, DiagnoseArguments, EntryArguments
from bot.mcp.refusal import Refusal, known_entry
from bot.render import json_answer, json_diagnosis, markdown_answer, markdown_diagnosis
from bot.service import Asker, Service
from bot.web.callers import Caller
from bot.web.entries import entry_view
from bot.web.entry_models import EntryView
from bot.web.models import AskReply, DiagnoseReply, Scope

__all__ = ["TOOLS", "AcknetTool", "Result"]

_EXPLAINED = 3


class Result(NamedTuple):
    """What a tool returns: ``markdown`` for people and models, ``data`` for programs."""

    markdown: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AcknetTool:
    """A tool, what it takes and returns, and the work behind it."""

    name: str
    title: str
    description: str
    arguments: type[BaseModel]
    reply: type[BaseModel]
    work: Callable[[Service, Caller, Any], Awaitable[Result]]
    looks: bool

    @property
    def listed(self) -> Tool:
        """The tool as the protocol lists it: one that changes nothing."""
        return Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=self.arguments.model_json_schema(),
            output_schema=self.reply.model_json_schema(mode="serialization"),
            annotations=ToolAnnotations(
                title=self.title,
                read_only_hint=True,
                destructive_hint=False,
                idempotent_hint=True,
                open_world_hint=self.looks,
            ),
        )

    async def call(self, service: Service, caller: Caller, arguments: Mapping[str, Any]) -> Result:
        """Do the work; raises pydantic's ValidationError, Refusal, and what `Service` raises."""
        written = json.dumps(arguments)
        if len(written) > service.settings.max_body_bytes:
            raise Refusal(
                f"The arguments may hold {service.settings.max_body_bytes} bytes; send the part that matters."
            )
        return await self.work(service, caller, self.arguments.model_validate_json(written))


async def _ask(service: Service, caller: Caller, arguments: AskArguments) -> Result:
    look = _look(arguments.scope, caller) if arguments.diagnose else None
    given = await service.ask(arguments.turns, Asker("mcp", caller.name), look=look)
    return Result(markdown_answer(given.answer), {"id": given.id, **json_answer(given.answer)})


async def _diagnose(service: Service, caller: Caller, arguments: DiagnoseArguments) -> Result:
    engine = service.engine
    named = [known_entry(engine.corpus, entry_id) for entry_id in dict.fromkeys(arguments.entries or ())]
    look = _look(arguments.scope, caller)
    found = await service.diagnose(Asker("mcp", caller.name), look, question=arguments.question, entries=named)

    def read() -> str:
        sorted_out = report(found, engine.corpus)
        explained = [engine.explain(one.id, (), found) for one in sorted_out.confirmed[:_EXPLAINED]]
        # What was found is said once, before them.
        bare = [answer.model_copy(update={"diagnosis": None}) for answer in explained]
        return markdown_diagnosis(sorted_out, bare)

    return Result(await asyncio.to_thread(read), json_diagnosis(found))


async def _get_entry(service: Service, _: Caller, arguments: EntryArguments) -> Result:
    engine = service.engine
    entry = known_entry(engine.corpus, arguments.id)
    answer = await asyncio.to_thread(engine.explain, entry.id)
    return Result(markdown_answer(answer), entry_view(engine.corpus, entry).model_dump(mode="json"))


def _look(scope: Scope | None, caller: Caller) -> Look:
    return Look(Where(**scope.model_dump()) if scope else Where(), live=caller.may("diagnose"))


TOOLS = (
    AcknetTool(
        name="ask",
        title="Ask about ACK container networking",
        description="Answer a question about container networking in Alibaba Cloud ACK (Terway, Flannel, kube-proxy, "
        "IPv6) from its FAQ, with citations. The outcome is `answer`, `choices` (several entries explain it; ask with "
        "diagnose, or say more) or `no_answer` (the FAQ does not say; do not fill it in). Keep the citations and the "
        "risks of steps when you pass the answer on. Nothing is ever changed.",
        arguments=AskArguments,
        reply=AskReply,
        work=_ask,
        looks=True,
    ),
    AcknetTool(
        name="diagnose",
        title="Look into the cluster",
        description="Look into the cluster, read-only, and say for each case of the FAQ's entries whether it is "
        "`confirmed`, `ruled_out`, `open`, `unreadable` (what is missing is named) or `by_hand` (where a person looks "
        "is said), with the evidence and the kubectl command that shows it.",
        arguments=DiagnoseArguments,
        reply=DiagnoseReply,
        work=_diagnose,
        looks=True,
    ),
    AcknetTool(
        name="get_entry",
        title="Read an entry of the FAQ",
        description="Return one entry by its id: cause, steps with their risks, how to verify, where the two editions "
        "of the FAQ differ, and citations.",
        arguments=EntryArguments,
        reply=EntryView,
        work=_get_entry,
        looks=False,
    ),
)
"""All tools, in the order in which they are listed."""
