"""The MCP server: acknet's tools, and its entries as resources, whatever they are spoken to through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
)
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from bot import __version__
from bot.mcp.refusal import Refusal, known_entry, refusal_of
from bot.mcp.tools import TOOLS
from bot.render import markdown_answer
from bot.service import Service
from bot.web.callers import Caller

__all__ = ["mcp_server"]

_INSTRUCTIONS = (
    "acknet knows the container networking FAQ of Alibaba Cloud ACK and looks into a cluster, read-only. Ask it about "
    "Terway, Flannel, kube-proxy and IPv6 in ACK before you answer from memory. What it does not know it says."
)
_ENTRIES = "acknet://entries/"
_MARKDOWN = "text/markdown"
_OPENING_SECONDS = 20.0
_OPENING_PAUSE = 0.05

_Context = ServerRequestContext[Any]


def mcp_server(service: Service, caller_of: Callable[[_Context], Caller]) -> Server[Any]:
    """Return a server that answers through ``service``; ``caller_of`` tells who sends a request."""
    tools = {tool.name: tool for tool in TOOLS}

    async def list_tools(_: _Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[tool.listed for tool in TOOLS])

    async def call_tool(context: _Context, params: CallToolRequestParams) -> CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"There is no tool {params.name[:100]!r}; there are {', '.join(tools)}.")
        try:
            await _opened(service)
            result = await tool.call(service, caller_of(context), params.arguments or {})
        except Exception as error:  # noqa: BLE001 (said to whoever called, and logged where acknet itself failed)
            text = TextContent(type="text", text=str(refusal_of(error)))
            return CallToolResult(content=[text], is_error=True)
        text = TextContent(type="text", text=result.markdown)
        return CallToolResult(content=[text], structured_content=dict(result.data))

    async def list_resources(_: _Context, __: PaginatedRequestParams | None) -> ListResourcesResult:
        return ListResourcesResult(resources=await _entries(service))

    async def list_templates(_: _Context, __: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        template = ResourceTemplate(
            uri_template=f"{_ENTRIES}{{id}}",
            name="entry",
            title="An entry of the FAQ",
            description="What acknet says of one question of the FAQ, with citations.",
            mime_type=_MARKDOWN,
        )
        return ListResourceTemplatesResult(resource_templates=[template])

    async def read_resource(_: _Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        text = await _read(service, str(params.uri))
        contents = TextResourceContents(uri=params.uri, mime_type=_MARKDOWN, text=text)
        return ReadResourceResult(contents=[contents])

    return Server(
        "acknet",
        version=__version__,
        title="acknet",
        description="Answers questions about container networking in Alibaba Cloud ACK from its FAQ, with citations.",
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
    )


async def _opened(service: Service) -> None:
    """Wait a while for the index: who started acknet as its tool calls it before it is open."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _OPENING_SECONDS
    while not service.opening.wait(0) and loop.time() < end:  # noqa: ASYNC110 (a thread tells it, which may never end)
        await asyncio.sleep(_OPENING_PAUSE)


async def _entries(service: Service) -> list[Resource]:
    try:
        await _opened(service)
        corpus = service.engine.corpus
    except Exception as error:
        raise MCPError(INTERNAL_ERROR, str(refusal_of(error))) from error
    return [
        Resource(
            uri=f"{_ENTRIES}{entry.id}",
            name=entry.id,
            title=entry.title,
            description=f"{entry.area}: {entry.title}",
            mime_type=_MARKDOWN,
        )
        for entry in corpus.entries
    ]


async def _read(service: Service, uri: str) -> str:
    try:
        if not uri.startswith(_ENTRIES):
            raise Refusal(f"There is no resource {uri[:100]!r}; entries are at {_ENTRIES}ID.")  # noqa: TRY301
        await _opened(service)
        engine = service.engine
        entry = known_entry(engine.corpus, uri.removeprefix(_ENTRIES))
        return markdown_answer(await asyncio.to_thread(engine.explain, entry.id))
    except Refusal as refusal:
        raise MCPError(INVALID_PARAMS, str(refusal), {"uri": uri[:1000]}) from refusal
    except Exception as error:
        raise MCPError(INTERNAL_ERROR, str(refusal_of(error)), {"uri": uri[:1000]}) from error
