"""The answer as a message: verdict, short answer and first step at a glance, then all else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from slack_sdk.models.blocks import ActionsBlock, Block, DividerBlock, HeaderBlock

from bot.answer import Answer, EntryName
from bot.render import markdown_answer
from bot.slack.blocks import names
from bot.slack.blocks.buttons import button, feedback, note, plain_text
from bot.slack.blocks.diagnosis import cost, details, headline, proofs, verdicts
from bot.slack.blocks.inline import Run, link, plain, runs_of
from bot.slack.blocks.length import BUDGET, TEXT, Section, fit, weight_of
from bot.slack.blocks.looked import MORE_SEEN, more_seen
from bot.slack.blocks.message import Message
from bot.slack.blocks.pieces import Piece, block_of, item, paragraph
from bot.slack.blocks.progress import Looking, looking_block
from bot.slack.blocks.sources import sources
from bot.slack.blocks.statements import Told, differences, said, tell
from bot.slack.blocks.text import clip, fallback, one_line
from bot.slack.blocks.values import ButtonValue
from bot.slack.blocks.withhold import without_evidence

__all__ = ["answer_message"]

_TITLE = 150
_MOST_BUTTONS = 4
_MOST_CHOICES = 25
_SHORTENED = "Shortened to fit into a message. The whole answer is in the reply below."
_WITHHELD = "What was seen in the cluster went only to the person who asked."
_ALL_THE_SAME = "What the FAQ says about it, all the same:"
_SPOKEN_STEPS = 12
_RANK = {"Summary": 0, "Steps": 1, "Risks": 2, "Verify": 4, "Cause": 6}
_SHARE = {"Summary": 0.4, "Steps": 0.6, "Risks": 0.2, "Verify": 0.2}
_OPEN_DETAILS_RANK, _DIFFERENCES_RANK, _DETAILS_RANK = 2, 3, 5
_ORDER = ("Summary", "Steps", "Verify", "Risks")


def answer_message(
    answer: Answer,
    *,
    answer_id: str,
    may_probe: bool = False,
    evidence: bool = True,
    entry_url: Callable[[str], str | None] | None = None,
    looking: Looking | None = None,
    instead_of: str | None = None,
    aside: str = "",
) -> Message:
    """Return the message that shows ``answer``.

    ``may_probe``: whether a button offers read-only checks. ``evidence``: whether people who read the message may see
    what was seen in the cluster. ``entry_url`` gives the page of an entry, where there is one. ``looking`` is a look
    that is under way for this answer. ``instead_of`` is the title of what was shown before this entry was asked for.
    ``aside`` is a line of acknet's about what became of the answer.
    """
    if not evidence:
        answer = without_evidence(answer)
    head: list[Block] = [HeaderBlock(text=plain_text(answer.title, _TITLE))]
    if instead_of:
        head.append(note(f"In place of: {instead_of}"))
    if aside:
        head.append(note(aside))
    if looking:
        head.append(looking_block(looking))
    report = answer.diagnosis
    lines = verdicts(report, answer.entry) if report else []
    if lines:
        head.append(block_of(lines))
    if _is_ruled_out(answer):
        head.append(note(_ALL_THE_SAME))
    tail: list[Block] = []
    if rests_on := sources(answer):
        tail += [DividerBlock(), block_of(rests_on)]
    tail += _small_print(answer, evidence=evidence, entry_url=entry_url)
    tail += [*_others(answer, answer_id), *feedback(answer_id), _nobody_answered(answer_id)]
    probe = [_probe_button(answer, answer_id)] if may_probe and not looking else []
    room = BUDGET - weight_of([*head, *probe, *tail, note(_SHORTENED), *([note(MORE_SEEN)] if report else [])])
    shown, whole = fit(list(_sections(answer)), room)
    middle: list[Block] = [block_of(pieces) for pieces in shown]
    # Below the short answer, where there is one, so that nobody has to look for it below the steps.
    after = 1 if answer.outcome == "answer" else len(middle)
    middle = [*middle[:after], *probe, *middle[after:]]
    if not whole:
        middle.append(note(_SHORTENED))
    more = more_seen(report, proofs(report, answer.entry), lines) if report else ()
    if more:
        middle.append(note(MORE_SEEN))
    return Message(
        text=fallback("\n".join(_spoken(answer)), TEXT),
        blocks=(*head, *middle, *tail),
        overflow=None if whole else markdown_answer(answer),
        more=more,
    )


def _sections(answer: Answer) -> Iterator[Section]:
    """Yield what may be shortened, in the order in which it is shown."""
    named = {section.name: section for section in answer.sections}
    if answer.outcome != "answer":
        yield Section("", [Told((paragraph(*runs_of(answer.summary)),))], 0, 0.4)
    if answer.choices:
        yield Section("", [Told((piece,)) for piece in _choices(answer)], 1)
    for name in [*_ORDER, *(name for name in named if name not in _ORDER)]:
        if section := named.get(name):
            told = tell(section.statements)
            yield Section("" if name == "Summary" else name, told, _RANK.get(name, 6), _SHARE.get(name, 1.0))
        if name == "Risks" and answer.differs:
            yield Section("Where the two editions differ", differences(answer.differs), _DIFFERENCES_RANK, 0.25)
    if answer.diagnosis and (told := details(answer.diagnosis, answer.entry)):
        # Where nothing is confirmed, what is left to look at helps more than how to verify a repair.
        rank = _DETAILS_RANK if answer.diagnosis.confirmed else _OPEN_DETAILS_RANK
        yield Section("What the cluster shows", told, rank, 0.3)


def _choices(answer: Answer) -> Iterator[Piece]:
    for number, choice in enumerate(answer.choices, 1):
        title = Run(f"{one_line(choice.candidate.title)}: ", bold=True)
        yield item([title, *said(choice.tells_apart)], number=number)


def _small_print(answer: Answer, *, evidence: bool, entry_url: Callable[[str], str | None] | None) -> Iterator[Block]:
    if answer.versions:
        known = ", ".join(f"{name} {version}" for name, version in answer.versions.items())
        yield note(f"Given for {known}; what holds for other versions only is left out.")
    if answer.diagnosis:
        yield note(cost(answer.diagnosis), "" if evidence else _WITHHELD)
    if entry_url and answer.entry and (url := entry_url(answer.entry)):
        yield block_of([paragraph(link("Read the whole entry", url))])


def _probe_button(answer: Answer, answer_id: str) -> Block:
    value = ButtonValue(answer=answer_id)
    if answer.diagnosis:
        says = "Look into the cluster again, read-only"
        return ActionsBlock(elements=[button("Run again", names.ANOTHER_LOOK, value, says=says)])
    says = "Look into the cluster, read-only"
    return ActionsBlock(elements=[button("Run read-only checks", names.RUN_CHECKS, value, says=says, primary=True)])


def _others(answer: Answer, answer_id: str) -> Iterator[Block]:
    """Yield buttons that lead to other entries; their titles stand before them, because Slack cuts those on buttons."""
    words = "{number}. {title}"
    match answer.outcome:
        case "choices":
            entries: Sequence[EntryName] = [choice.candidate for choice in answer.choices][:_MOST_CHOICES]
            lead = "Which of these is it?"
        case "no_answer":
            entries = answer.see_also[:_MOST_BUTTONS]
            lead = "What comes closest, though it may not answer it:"
        case "answer":
            entries = [one for one in answer.candidates if one.id != answer.entry][:_MOST_BUTTONS]
            lead, words = "Not what you see? Then it may be one of these:", "Not this, but {number}. {title}"
    if not entries:
        return
    listed = [f"{number}. {clip(one_line(one.title), _TITLE)}" for number, one in enumerate(entries, 1)]
    yield note(lead, *(listed if answer.outcome != "choices" else ()))
    yield ActionsBlock(
        elements=[
            button(
                words.format(number=number, title=one_line(entry.title)),
                f"{names.EXPLAIN}.{number}",
                ButtonValue(answer=answer_id, entry=entry.id),
                says=f"Show the entry: {entry.title}",
            )
            for number, entry in enumerate(entries, 1)
        ]
    )


def _nobody_answered(answer_id: str) -> Block:
    value = ButtonValue(answer=answer_id)
    says = "Keep this question as one that nobody answered"
    return ActionsBlock(elements=[button("Nobody answered this", names.NOBODY_ANSWERED, value, says=says)])


def _is_ruled_out(answer: Answer) -> bool:
    """Tell whether the cluster shows that it is not what the answer is about."""
    return answer.diagnosis is not None and any(entry.id == answer.entry for entry in answer.diagnosis.ruled_out)


def _spoken(answer: Answer) -> Iterator[str]:
    """Yield the lines of what notifications show and screen readers read."""
    if answer.diagnosis and (verdict := headline(answer.diagnosis, answer.entry)):
        yield verdict
    if _is_ruled_out(answer):
        return  # who hears no more than this must not take its steps for what to do
    yield one_line(answer.title)
    yield plain(runs_of(answer.summary))
    for number, choice in enumerate(answer.choices, 1):
        yield f"{number}. {one_line(choice.candidate.title)}"
    steps = [one for section in answer.sections if section.name == "Steps" for one in section.statements]
    for number, step in enumerate([one for one in steps if one.form == "step"][:_SPOKEN_STEPS], 1):
        yield f"{number}. {plain(runs_of(step.text))}"
