"""Goes through pasted lines once and sorts them: documents, descriptions, rows of tables, events, logs, loose lines."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.diagnosis.paste.documents import Block, Salvage, Salvaged
from bot.diagnosis.paste.kubectl_describe import described
from bot.diagnosis.paste.kubectl_rows import EventRow, event_row, heads_events, heads_table, object_row
from bot.diagnosis.paste.text import BREAK, Command, command, is_prompt
from bot.diagnosis.resources import ALLOWED, Resource, resource

__all__ = ["Findings", "find"]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

_DESCRIPTION = re.compile(r"(?P<indent> *)Name: +(?P<name>[a-z0-9][\w.-]{0,252})\Z")
_DESCRIBED = re.compile(
    r" *(?:Namespace|Labels|Annotations|Roles|Selector|Priority|Node|Status|Containers|Data|Type|Taints|Image):(?: |\Z)"
)
_KEY = re.compile(r"[A-Za-z][\w /().-]{0,80}:(?: |\Z)")
_FEW_LINES = 12
_MAX_DESCRIPTIONS = 200
_MAX_DESCRIPTION_LINES = 4000
_MAX_EVENTS = 5000
_MAX_ROWS = 5000
_WRAPPED_FROM = 70

_SANDBOX = re.compile(
    r"failed to (?:create|start) (?:pod )?sandbox|failed to set ?up (?:sandbox|network for sandbox)"
    r"|networkplugin cni failed to set up",
    re.IGNORECASE,
)
_POD_OF_LINE = (
    re.compile(r'\bpod=\\?"(?P<namespace>[a-z0-9-]{1,63})/(?P<name>[a-z0-9][a-z0-9.-]{0,252})\\?"'),
    re.compile(
        r"PodSandboxMetadata\{Name:(?P<name>[a-z0-9.-]{1,253}),Uid:[^,]{0,60},Namespace:(?P<namespace>[a-z0-9-]{1,63})"
    ),
    re.compile(r'\bpod \\?"(?P<name>[a-z0-9][a-z0-9.-]{0,252})_(?P<namespace>[a-z0-9-]{1,63})(?:\(|\\?")'),
)
_LOG_LINE = re.compile(
    r"\s*(?:[IWEF]\d{4} \d\d:\d\d:\d\d|(?:time|ts|level|msg)=|\{\"(?:level|ts|time|msg)\""
    r"|\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d"
    r"|[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d \S{1,100} [\w.-]{1,60}(?:\[\d{1,9}\])?: )"
)
_LOG_START = re.compile(r"==== START logs for container (\S{1,253}) of pod ([^\s/]{1,63})/(\S{1,253}) ====")
_LOG_END = "==== END logs for container"
_SERVER_VERSION = re.compile(
    r"Server Version: (?:version\.Info\{.{0,80}?GitVersion:\"(?P<old>v[\w.+-]{1,60})\"|(?P<new>v\d[\w.+-]{1,60}))"
)
_OF_POD = frozenset(
    {
        "BackOff",
        "Created",
        "Failed",
        "FailedCreatePodSandBox",
        "FailedMount",
        "FailedScheduling",
        "Killing",
        "Pulled",
        "Pulling",
        "SandboxChanged",
        "Scheduled",
        "Started",
        "Unhealthy",
    }
)
"""Reasons of events that are about pods, where rows do not say what they are about."""

_SHORT_NAMES = {
    "po": "pods",
    "no": "nodes",
    "svc": "services",
    "ds": "daemonsets",
    "cm": "configmaps",
    "ev": "events",
    "deploy": "deployments",
    "ns": "namespaces",
    "netpol": "networkpolicies",
}

LogKey = tuple[str | None, str, str | None, bool]
"""Namespace (None: not said), pod, container (None: not said), whether of the previous run."""


@dataclass
class Findings:
    """What pasted lines hold; ``rows`` and ``descriptions`` still as text, for their ages need the time."""

    documents: list[Salvaged] = field(default_factory=list)
    descriptions: list[list[str]] = field(default_factory=list)
    rows: list[tuple[str, str | None]] = field(default_factory=list)
    """Lines of tables of objects, each with the namespace of its command."""
    events: list[EventRow] = field(default_factory=list)
    error_lines: list[EventRow] = field(default_factory=list)
    """Events made of lines that only say that a sandbox failed."""
    logs: dict[LogKey, list[str]] = field(default_factory=dict)
    loose: list[str] = field(default_factory=list)
    version: str | None = None


def find(lines: Sequence[str]) -> Findings:
    """Return what the plain lines of a paste hold. Never raises, and takes time in proportion to the lines only."""
    finder = _Finder(lines)
    finder.run()
    return finder.findings


@dataclass(frozen=True, slots=True)
class _Subject:
    """What events are about where their rows do not say it."""

    kind: str
    name: str
    namespace: str | None


class _Finder:
    def __init__(self, lines: Sequence[str]) -> None:
        self.findings = Findings()
        self._lines = lines
        self._edges = [at for at, line in enumerate(lines) if line == BREAK or is_prompt(line)]
        self._is_edge = frozenset(self._edges)
        self._salvage = Salvage(lines)
        self._command: Command | None = None
        self._subject: _Subject | None = None
        self._log: list[str] | None = None
        self._last_event: EventRow | None = None
        self._descriptions_left = _MAX_DESCRIPTIONS
        self._no_description_before = self._no_document_before = 0  # what was tried in vain is not tried again

    def run(self) -> None:
        at = 0
        while at < len(self._lines):
            at = self._edge(at) if at in self._is_edge else self._line(at)

    def _edge(self, at: int) -> int:
        line = self._lines[at]
        self._last_event = None
        if line != BREAK:
            self._command = command(line)
            self._subject = self._subject_of_command()
            self._log = self._log_of_command()
        else:
            self._subject = self._subject_of_command()
            if self._log:  # not where the block of code only starts below its command
                self._log = self._command = self._subject = None
        return at + 1

    def _line(self, at: int) -> int:
        line = self._lines[at]
        if self._takes_log(line) or not line.strip():
            if not line.strip():
                self._last_event = None
            return at + 1
        if (end := self._description(at)) or (end := self._document(at)):
            self._last_event = None
            return end
        if not self._event(line) and not self._continues_event(at):
            self._last_event = None
            self._other(line)
        return at + 1

    # Logs

    def _takes_log(self, line: str) -> bool:
        if (start := _LOG_START.match(line)) is not None:
            self._log = self.findings.logs.setdefault((start[2], start[3], start[1], False), [])
            return True
        if self._log is None:
            return False
        if line.startswith(_LOG_END):
            self._log = None
        elif line or self._log:
            self._log.append(line)
        return True

    def _log_of_command(self) -> list[str] | None:
        asked = self._command
        if asked is None or asked.verb != "logs" or len(asked.names) != 1:
            return None
        name = asked.names[0].removeprefix("pod/").removeprefix("pods/").removeprefix("po/")
        if "/" in name:  # of some pod of a daemonset or deployment
            return None
        return self.findings.logs.setdefault((asked.namespace, name, asked.container, asked.previous), [])

    # Objects

    def _description(self, at: int) -> int | None:
        match = _DESCRIPTION.match(self._lines[at])
        if match is None or at < self._no_description_before:
            return None
        indent = len(match["indent"])
        ahead = self._lines[at + 1 : at + 1 + _FEW_LINES]
        if not any(_DESCRIBED.match(line[indent:]) for line in ahead) or self._descriptions_left == 0:
            return None
        self._descriptions_left -= 1
        end = self._description_end(at, indent)
        lines = [line[indent:] for line in self._lines[at:end]]
        row = described([line for line in lines if not event_row(line)], _EPOCH)
        if row is None:
            self._no_description_before = end
            return None
        metadata = row.obj["metadata"]
        namespace = metadata.get("namespace")
        self._subject = _Subject(resource(row.qualified).kind, metadata["name"], namespace)
        body = []
        for number, line in enumerate(lines, start=at):
            if not self._event(line) and not self._continues_event(number):
                self._last_event = None
                body.append(line)
        self.findings.descriptions.append(body)
        return end

    def _description_end(self, start: int, indent: int) -> int:
        """Return the line after a description: the next edge, description, table, or line of another form."""
        is_data = is_events = False
        most = min(len(self._lines), start + _MAX_DESCRIPTION_LINES)
        for number in range(start + 1, most):
            line = self._lines[number]
            content = line.lstrip(" ")
            depth = len(line) - len(content)
            if number in self._is_edge or (content and not is_data and depth < indent):
                return number
            if content == "Data" and self._lines[number + 1 : number + 2] == [f"{' ' * indent}===="]:
                is_data = True
            elif is_data:
                is_data = not content.startswith("Events: ")
            elif row := event_row(line):
                if row.name:
                    return number
                is_events = True
            elif content and depth == indent:
                goes_on = _KEY.match(content) or heads_events(line) or (is_events and self._is_wrapped(number))
                if not goes_on or _DESCRIPTION.match(line) or heads_table(line):
                    return number
        return most

    def _document(self, at: int) -> int | None:
        block = self._salvage.at(at, self._edges) if at >= self._no_document_before else None
        if block is None:
            return None
        objects = block.objects or self._named_by_command(block)
        self.findings.documents += objects
        self._no_document_before = block.end
        return block.end if objects else None

    def _named_by_command(self, block: Block) -> list[Salvaged]:
        """Return a document that was cut before its kind and name, from the command that asked for it."""
        asked = self._command
        of_kind = _resource(asked.kind) if asked else None
        if asked is None or of_kind is None or len(asked.names) != 1 or not block.values:
            return []
        value = block.values[0]
        if not isinstance(value, dict) or not value.keys() & {"data", "spec", "status"}:
            return []
        stated = value.get("metadata")
        metadata: dict[str, Any] = {"name": asked.names[0]}
        if of_kind.namespaced and asked.namespace:
            metadata["namespace"] = asked.namespace
        metadata |= stated if isinstance(stated, dict) else {}
        return [Salvaged.of({**value, "apiVersion": of_kind.api_version, "kind": of_kind.kind, "metadata": metadata})]

    # Events

    def _event(self, line: str) -> bool:
        if ("Normal" not in line and "Warning" not in line) or len(self.findings.events) >= _MAX_EVENTS:
            return False
        row = event_row(line)
        if row is None:
            return False
        namespace = self._command.namespace if self._command else None
        if row.name:
            row.namespace = row.namespace or namespace
        elif self._subject is not None:
            row.kind, row.name, row.namespace = self._subject.kind, self._subject.name, self._subject.namespace
        elif row.reason in _OF_POD:
            row.kind = "Pod"
        self.findings.events.append(row)
        self._last_event = row
        return True

    def _is_wrapped(self, at: int) -> bool:
        """Whether a line may be what a terminal broke off the one before."""
        return at > 0 and len(self._lines[at - 1]) >= _WRAPPED_FROM

    def _continues_event(self, at: int) -> bool:
        line = self._lines[at]
        if self._last_event is None or not line.strip() or not self._is_wrapped(at):
            return False
        if heads_table(line) or heads_events(line) or object_row(line, None, _EPOCH):
            return False
        if len(self._last_event.message) < 8000:
            self._last_event.message += line.strip()
        return True

    def _subject_of_command(self) -> _Subject | None:
        asked = self._command
        if asked is None or asked.verb != "describe" or len(asked.names) != 1:
            return None
        of_kind = _resource(asked.kind)
        return _Subject(of_kind.kind, asked.names[0], asked.namespace) if of_kind else None

    # Single lines

    def _other(self, line: str) -> None:
        if heads_table(line) or heads_events(line):
            return
        namespace = self._command.namespace if self._command else None
        if len(self.findings.rows) < _MAX_ROWS and object_row(line, namespace, _EPOCH):
            self.findings.rows.append((line, namespace))
            return
        if match := _SERVER_VERSION.search(line[:600]):
            self.findings.version = match["old"] or match["new"]
        is_sandbox = bool(_SANDBOX.search(line))
        if is_sandbox and len(self.findings.error_lines) < _MAX_EVENTS:
            self.findings.error_lines.append(_sandbox_event(line))
        if is_sandbox or _LOG_LINE.match(line):
            self.findings.loose.append(line)


def _sandbox_event(line: str) -> EventRow:
    row = EventRow("Warning", "FailedCreatePodSandBox", "", line.strip(), kind="Pod")
    for pattern in _POD_OF_LINE:
        if match := pattern.search(line):
            row.name, row.namespace = match["name"], match["namespace"]
            break
    return row


def _resource(typed: str) -> Resource | None:
    """Return the kind that a person typed: ``po``, ``pods``, ``pod``, ``podenis.network.alibabacloud.com``."""
    name = _SHORT_NAMES.get(typed, typed)
    for allowed in ALLOWED:
        if name in (allowed.qualified, allowed.plural, allowed.kind.lower()):
            return allowed
    return None
