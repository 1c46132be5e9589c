"""The answer as a message: verdict, short answer and first step at a glance, then all else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from slack_sdk.models.blocks import ActionsBlock, Block, DividerBlock, HeaderBlock

from bot.answer import Answer, EntryName
from bot.render import markdown_answer
from bot.slack.blocks import names
from bot.slack.blocks.buttons import button, entry_buttons, feedback, note, plain_text
from bot.slack.blocks.diagnosis import cost, details, headline, verdicts
from bot.slack.blocks.inline import Run, link, plain, runs_of
from bot.slack.blocks.length import BUDGET, TEXT, Section, fit, weight_of
from bot.slack.blocks.message import Message
from bot.slack.blocks.pieces import Piece, block_of, item, paragraph
from bot.slack.blocks.progress import Looking, looking_block
from bot.slack.blocks.sources import sources
from bot.slack.blocks.statements import Told, differences, said, tell
from bot.slack.blocks.text import fallback, one_line
from bot.slack.blocks.values import ButtonValue
from bot.slack.blocks.withhold import without_evidence

__all__ = ["answer_message", "explained_message"]

_TITLE = 150
_MOST_BUTTONS = 4
_SHORTENED = "Shortened to fit into a message. The whole answer is in the reply below."
_SPOKEN_STEPS = 12
_RANK = {"Summary": 0, "Steps": 4, "Verify": 5, "Risks": 1, "Cause": 6}
_SHARE = {"Summary": 0.4, "Risks": 0.25}
_ORDER = ("Summary", "Steps", "Verify", "Risks")


def answer_message(
    answer: Answer,
    *,
    answer_id: str,
    may_probe: bool = False,
    evidence: bool = True,
    entry_url: Callable[[str], str] | None = None,
    looking: Looking | None = None,
    instead_of: str | None = None,
) -> Message:
    """Return the message that shows ``answer``.

    ``may_probe``: whether a button offers read-only checks. ``evidence``: whether people who read the message may see
    what was seen in the cluster. ``entry_url`` gives the page of an entry, where there is one. ``looking`` is a look
    that is under way for this answer. ``instead_of`` is the title of what was shown before this entry was asked for.
    """
    if not evidence:
        answer = without_evidence(answer)
    head: list[Block] = [HeaderBlock(text=plain_text(answer.title, _TITLE))]
    if instead_of:
        head.append(note(f"In place of: {instead_of}"))
    if looking:
        head.append(looking_block(looking))
    report = answer.diagnosis
    if report and (lines := verdicts(report, answer.entry)):
        head.append(block_of(lines))
    tail: list[Block] = []
    if rests_on := sources(answer):
        tail += [DividerBlock(), block_of(rests_on)]
    tail += _small_print(answer, entry_url=entry_url)
    tail += _buttons(answer, answer_id, may_probe=may_probe and looking is None)
    room = BUDGET - weight_of([*head, *tail, note(_SHORTENED)])
    shown, whole = fit(list(_sections(answer)), room)
    middle = [block_of(pieces) for pieces in shown]
    if not whole:
        tail = [note(_SHORTENED), *tail]
    return Message(
        text=fallback("\n".join(_spoken(answer)), TEXT),
        blocks=(*head, *middle, *tail),
        overflow=None if whole else markdown_answer(answer),
    )


def explained_message(
    answer: Answer,
    original: Answer,
    *,
    answer_id: str,
    may_probe: bool = False,
    evidence: bool = True,
    entry_url: Callable[[str], str] | None = None,
) -> Message:
    """Return the message for another entry than the one that ``original`` gave, which somebody asked for.

    ``answer`` is that entry explained; the other candidates are those of the original.
    """
    return answer_message(
        answer.model_copy(update={"candidates": original.candidates}),
        answer_id=answer_id,
        may_probe=may_probe,
        evidence=evidence,
        entry_url=entry_url,
        instead_of=original.title,
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
            yield Section("Where the two editions differ", differences(answer.differs), 2, 0.25)
    if answer.diagnosis and (told := details(answer.diagnosis, answer.entry)):
        yield Section("What the cluster shows", told, 3, 0.3)


def _choices(answer: Answer) -> Iterator[Piece]:
    for number, choice in enumerate(answer.choices, 1):
        title = Run(f"{one_line(choice.candidate.title)}: ", bold=True)
        yield item([title, *said(choice.tells_apart)], number=number)


def _small_print(answer: Answer, *, entry_url: Callable[[str], str] | None) -> Iterator[Block]:
    if answer.versions:
        known = ", ".join(f"{name} {version}" for name, version in answer.versions.items())
        yield note(f"Given for {known}; what holds for other versions only is left out.")
    if answer.diagnosis:
        yield note(cost(answer.diagnosis))
    if entry_url and answer.entry:
        yield block_of([paragraph(link("Read the whole entry", entry_url(answer.entry)))])


def _buttons(answer: Answer, answer_id: str, *, may_probe: bool) -> Iterator[Block]:
    row = []
    if may_probe:
        again = answer.diagnosis is not None
        words = "Run again" if again else "Run read-only checks"
        action = names.ANOTHER_LOOK if again else names.RUN_CHECKS
        says = "Look into the cluster again, read-only" if again else "Look into the cluster, read-only"
        row.append(button(words, action, ButtonValue(answer=answer_id), says=says, primary=not again))
    row.append(
        button(
            "Nobody answered this",
            names.NOBODY_ANSWERED,
            ButtonValue(answer=answer_id),
            says="Keep this question as one that nobody answered",
        )
    )
    others, words, lead = _others(answer)
    if others:
        yield note(lead)
    if found := entry_buttons(others, answer_id, words=words, says="Show the entry: {title}"):
        yield found
    yield from feedback(answer_id)
    yield ActionsBlock(elements=row)


def _others(answer: Answer) -> tuple[Sequence[EntryName], str, str]:
    """Return the entries that buttons lead to, the words on them and a line before them."""
    if answer.outcome == "choices":
        chosen = [choice.candidate for choice in answer.choices]
        return chosen[:25], "{number}. {title}", "Which of these is it?"
    if answer.outcome == "no_answer":
        return answer.see_also[:_MOST_BUTTONS], "{title}", "What comes closest, though it may not answer it:"
    others = [candidate for candidate in answer.candidates if candidate.id != answer.entry]
    return others[:_MOST_BUTTONS], "Not this: {title}", "Not what you see? Then it may be one of these:"


def _spoken(answer: Answer) -> Iterator[str]:
    """Yield the lines of what notifications show and screen readers read."""
    if answer.diagnosis and (verdict := headline(answer.diagnosis, answer.entry)):
        yield verdict
    yield one_line(answer.title)
    yield plain(runs_of(answer.summary))
    for number, choice in enumerate(answer.choices, 1):
        yield f"{number}. {one_line(choice.candidate.title)}"
    steps = [one for section in answer.sections if section.name == "Steps" for one in section.statements]
    for number, step in enumerate([one for one in steps if one.form == "step"][:_SPOKEN_STEPS], 1):
        yield f"{number}. {plain(runs_of(step.text))}"
