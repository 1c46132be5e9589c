"""What crosses the wire: requests, replies and problems, shared by the server and the client."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

__all__ = [
    "MOST_TURNS",
    "AskReply",
    "AskRequest",
    "CaseFinding",
    "CitedPlace",
    "DiagnoseReply",
    "DiagnoseRequest",
    "FieldError",
    "Health",
    "PartState",
    "Problem",
    "RankedEntry",
    "RatingRequest",
    "Readiness",
    "Reply",
    "ReplyDifference",
    "ReplyText",
    "Scope",
    "SeenCluster",
    "SeenEvidence",
]

MOST_TURNS = 100
"""The most earlier turns that a request may bring along."""

_MOST_FIELDS = 20


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _not_a_flood(cls, data: object) -> object:
        # Each unknown field is reported; without this a body of nothing else costs more to refuse than to answer.
        if isinstance(data, dict) and len(data) > _MOST_FIELDS:
            raise PydanticCustomError("too_many_fields", "has more fields than anything it may hold")
        return data


class Reply(BaseModel):
    """The base of what a server sends."""

    # A reply may gain fields within /v1; a client keeps what it does not know yet.
    model_config = ConfigDict(frozen=True, extra="allow")


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "is blank; say what you want to know")
    return text


Question = Annotated[str, AfterValidator(_not_blank), Field(json_schema_extra={"pattern": r"\S"})]
Name = Annotated[str, StringConstraints(min_length=1, max_length=253)]
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
Label = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=rf"^{_LABEL}$")]
Subdomain = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=rf"^{_LABEL}(\.{_LABEL})*$")]


class Scope(_Request):
    """Where in the cluster a diagnosis looks."""

    namespace: Label | None = None
    pod: Subdomain | None = None
    node: Subdomain | None = None
    service: Label | None = None


class AskRequest(_Request):
    """A question, with the earlier turns of its conversation (oldest first)."""

    question: Question
    thread: Annotated[list[str], Field(max_length=MOST_TURNS)] | None = None
    diagnose: bool | None = None
    scope: Scope | None = None

    @property
    def turns(self) -> list[str]:
        """Everything that was said, the question last."""
        return [*(self.thread or ()), self.question]


class DiagnoseRequest(_Request):
    """What to look at in a cluster: the entries named, and those that may explain the question; without both, all."""

    question: Question | None = None
    entries: Annotated[list[Name], Field(max_length=100)] | None = None
    scope: Scope | None = None


class RatingRequest(_Request):
    """What somebody thinks of an answer, and why."""

    helpful: bool
    reason: Annotated[str, StringConstraints(max_length=3000)] | None = None


class RankedEntry(Reply):
    """An entry that may apply, and how sure acknet is of it (0 to 1)."""

    id: str
    title: str
    area: str
    confidence: float


class ReplyText(Reply):
    """The text to show a person; ``entry`` is None unless one entry answers."""

    entry: str | None
    title: str
    summary: str
    markdown: str


class CitedPlace(Reply):
    """A heading in an edition that the answer rests on."""

    edition: str
    document: str
    heading: str
    url: str
    entry: str


class ReplyDifference(Reply):
    """Where the editions differ, and what to do."""

    topic: str
    intl: str
    cn: str
    advice: str
    entry: str


class SeenEvidence(Reply):
    """A value in a field of an object, when it was so (null: just now), and the command that shows it to a person."""

    object: str
    field: str
    value: str
    seen_at: str | None
    kubectl: str


class CaseFinding(Reply):
    """The verdict on one case of one entry; ``missing`` says what could not be read and why."""

    entry: str
    case: str
    claim: str
    verdict: Literal["confirmed", "ruled_out", "open", "unreadable", "by_hand"]
    by_hand: str | None
    missing: tuple[str, ...]
    evidence: tuple[SeenEvidence, ...]


class SeenCluster(Reply):
    """What was looked into, as far as it could be read."""

    version: str | None
    plugin: str | None
    mode: str | None
    datapath: str | None
    source: str


class DiagnoseReply(Reply):
    """Verdicts on entries, the findings on their cases, and what the look cost."""

    cluster: SeenCluster
    verdicts: dict[str, Literal["confirmed", "ruled_out", "open", "unreadable", "by_hand"]]
    findings: tuple[CaseFinding, ...]
    requests: int
    bytes: int
    elapsed_ms: float


class AskReply(Reply):
    """The answer: best entries first (at least five), the text to show, and what it rests on.

    ``id`` is what it is rated by.
    """

    id: str | None = None
    outcome: Literal["answer", "choices", "no_answer"]
    entries: tuple[RankedEntry, ...]
    answer: ReplyText
    citations: tuple[CitedPlace, ...]
    differs: tuple[ReplyDifference, ...]
    diagnosis: DiagnoseReply | None
    elapsed_ms: float


class Health(Reply):
    """The process lives."""

    status: Literal["ok"] = "ok"
    version: str


class PartState(Reply):
    """How one part fares; ``off``: it is not configured, and not missed."""

    state: Literal["ok", "starting", "failed", "off"]
    detail: str = ""


class Readiness(Reply):
    """Questions are answered; ``index`` is the digest of the index, ``parts`` says how each part fares."""

    status: Literal["ready"] = "ready"
    index: str
    parts: dict[str, PartState]


class FieldError(Reply):
    """One thing that is wrong with a request; ``pointer`` is the JSON pointer of where, as a URI fragment."""

    detail: str
    pointer: str


class Problem(Reply):
    """Problem details (RFC 9457).

    ``errors`` lists what is wrong with a request, ``closest`` the ids that come closest to one that does not exist,
    ``parts`` how each part of a server fares that is not ready.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: tuple[FieldError, ...] | None = None
    closest: tuple[str, ...] | None = None
    parts: dict[str, PartState] | None = None
