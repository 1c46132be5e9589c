"""The Markdown and the JSON of answers.

The files in ``golden/`` show exactly what people see. After a change that is meant, renew them with

    RENEW_GOLDEN=1 python -m pytest tests/bot/test_render.py

and read what ``git diff tests/bot/golden`` shows.
"""

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from bot.answer import Answer, AnswerSection, AnswerStatement, Choice, Citation, EntryName, NoteSource
from bot.compose import Composer
from bot.render import json_answer, markdown_answer
from bot.web.models import AskReply
from corpus import Code, load_corpus
from index.retriever import Ranked, Ranking
from index.signatures import SignatureHit

CORPUS = load_corpus()
COMPOSER = Composer(CORPUS)
ENTRIES = [entry.id for entry in CORPUS.entries]
TURNS = ["what is it?", "Terway 1.9.3, Flannel 0.15.1.4, k8s 1.18", "Terway 1.17.2, Flannel 0.15.1.22, k8s 1.36"]
GOLDEN = Path(__file__).parent / "golden"

Form = Literal["paragraph", "bullet", "step"]


def ranking(best: str) -> Ranking:
    order = [best, *(entry for entry in ENTRIES if entry != best)]
    return Ranking("answer", tuple(Ranked(entry, 0.9 / place) for place, entry in enumerate(order, 1)), (), (), None)


def answer(best: str, *turns: str) -> Answer:
    return COMPOSER.compose(turns or TURNS[:1], ranking(best))


class Said(NamedTuple):
    """A statement as the Markdown shows it; ``number`` is that of a step, ``tight`` whether its list has no gaps."""

    form: Form
    number: int | None
    tight: bool
    words: str
    code: tuple[tuple[str, str], ...] = ()
    risks: tuple[str, ...] = ()
    below: "tuple[Said, ...]" = ()


def words(statement: AnswerStatement) -> str:
    note = "*acknet's note:* " if statement.own_note else ""
    when = f"**{statement.when}:** " if statement.when else ""
    return note + when + statement.text + " " + "".join(f"[{label}]" for label in statement.labels)


def is_plain(statement: AnswerStatement) -> bool:
    forms = {child.form for child in statement.children}
    return not (statement.code or statement.risks or len(forms) > 1 or "paragraph" in forms) and all(
        map(is_plain, statement.children)
    )


def meant(statements: Sequence[AnswerStatement]) -> tuple[Said, ...]:
    """Return what the Markdown of ``statements`` has to show."""
    said: list[Said] = []
    steps = 0
    for place, statement in enumerate(statements):
        steps += statement.form == "step"
        first, last = place, place
        while first and statements[first - 1].form == statement.form:
            first -= 1
        while last + 1 < len(statements) and statements[last + 1].form == statement.form:
            last += 1
        said.append(
            Said(
                form=statement.form,
                number=steps if statement.form == "step" else None,
                tight=statement.form != "paragraph" and all(map(is_plain, statements[first : last + 1])),
                words=words(statement),
                code=tuple((code.language, code.text + "\n") for code in statement.code),
                risks=tuple(f"**Risk:** {words(risk)}" for risk in statement.risks),
                below=meant(statement.children),
            )
        )
    return tuple(said)


def shown(nodes: Iterable[SyntaxTreeNode]) -> tuple[Said, ...]:
    """Read statements from the parsed Markdown."""
    said: list[Said] = []
    for node in nodes:
        match node.type:
            case "paragraph":
                said.append(Said("paragraph", None, tight=False, words=node.children[0].content))
            case "fence":
                said[-1] = said[-1]._replace(code=(*said[-1].code, (node.info, node.content)))
            case "blockquote":
                (quoted,) = node.children
                assert quoted.type == "paragraph"
                said[-1] = said[-1]._replace(risks=(*said[-1].risks, quoted.children[0].content))
            case "bullet_list" | "ordered_list":
                said += items(node)
            case other:
                raise AssertionError(f"a statement holds no {other}")
    return tuple(said)


def items(node: SyntaxTreeNode) -> Iterable[Said]:
    for number, item in enumerate(node.children, int(node.attrs.get("start", 1))):
        head, *rest = item.children
        # Its own code and risks stand right below it, before the statements that hang from it.
        own = [*takewhile(lambda child: child.type in {"fence", "blockquote"}, rest)]
        (first,) = shown([head, *own])
        step = node.type == "ordered_list"
        yield first._replace(
            form="step" if step else "bullet",
            number=number if step else None,
            tight=head.hidden,
            below=shown(rest[len(own) :]),
        )


def parse(markdown: str) -> list[SyntaxTreeNode]:
    return SyntaxTreeNode(MarkdownIt("commonmark").parse(markdown)).children


def headed(markdown: str) -> dict[str, list[SyntaxTreeNode]]:
    """Return heading → what stands below it; what stands below the title has no heading."""
    title, *rest = parse(markdown)
    assert (title.type, title.tag) == ("heading", "h1")
    sections: dict[str, list[SyntaxTreeNode]] = {"": []}
    for node in rest:
        if node.type == "heading":
            sections[node.children[0].content] = []
        else:
            sections[[*sections][-1]].append(node)
    return sections


def outside_code(markdown: str) -> str:
    """Return ``markdown`` with one line in the place of each code block."""
    lines = markdown.split("\n")
    for token in reversed(MarkdownIt("commonmark").parse(markdown)):
        if token.type == "fence" and token.map:
            lines[slice(*token.map)] = ["code"]
    return "\n".join(lines)


def inline_kinds(nodes: Iterable[SyntaxTreeNode]) -> set[str]:
    return {node.type for top in nodes for node in top.walk()}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("turn", TURNS)
def test_the_markdown_of_each_entry_has_the_structure_that_is_meant(entry: str, turn: str) -> None:
    answered = answer(entry, turn)
    sections = headed(markdown_answer(answered))
    if answered.versions:
        given_for = sections[""].pop().children[0].content
        assert given_for.startswith("*Given for ")
        assert all(f"{name} {version}" in given_for for name, version in answered.versions.items())
    for section in answered.sections:
        assert shown(sections.pop("" if section.name == "Summary" else section.name)) == meant(section.statements)
    rest = ["Where the two editions differ"] if answered.differs else []
    assert [*sections] == [*rest, "Sources", "See also"]


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_markdown_of_each_entry_is_tidy(entry: str) -> None:
    markdown = markdown_answer(answer(entry))
    text = outside_code(markdown)
    assert markdown.endswith("\n")
    assert not markdown.startswith("\n")
    assert "\n\n\n" not in text
    assert not re.search(r"[ \t]\n|^ *> *$|\t", text, re.MULTILINE)
    assert not re.search(r"\{(?:intl|cn|note:)|;\s*when ", text)
    assert not inline_kinds(parse(markdown)) & {"html_block", "html_inline", "image", "code_block", "hr", "hardbreak"}


@pytest.mark.parametrize("entry", ENTRIES)
def test_differences_and_sources_are_listed_as_they_are(entry: str) -> None:
    answered = answer(entry)
    sections = headed(markdown_answer(answered))
    if answered.differs:
        (differences,) = sections["Where the two editions differ"]
        listed = [item.children[1].children for item in differences.children]
        assert [len(item) for item in listed] == [3] * len(answered.differs)
        for difference, item in zip(answered.differs, listed, strict=True):
            assert item[2].children[0].children[0].content == f"What to do: {words(difference.advice)}"
    sources = [item.children[0].children[0] for item in sections["Sources"][0].children]
    links = [node.attrs["href"] for source in sources for node in source.walk() if node.type == "link"]
    known = [*answered.citations, *answered.note_sources]
    assert links == [source.url for source in known]
    assert [source.content.split("] ")[0] for source in sources] == [f"[{source.label}" for source in known]


# Generated answers -----------------------------------------------------------------------------------------------

LINES = ["", " ", "   ", "\t", "x", "  y", "\tz", "```", "````sh", "~~~", "- a", "1. b", "> c", "# d", "&amp;"]
CODES = st.lists(st.sampled_from(LINES), min_size=1, max_size=4).filter(any)
WORDS = st.sampled_from(["Do it.", "Two *words* here", "a `code` x", "see <this> x", "1 of 2 - so", "K_a_b # c"])


@st.composite
def statement_of(draw: st.DrawFn, form: Form, *, risky: bool) -> AnswerStatement:
    statement = AnswerStatement(
        text=draw(WORDS),
        form=form,
        labels=("2", "b"),
        own_note=draw(st.booleans()),
        when=draw(st.sampled_from([None, "Terway v1.8.0 and later (yours: v1.9)"])),
        holds=None,
        code=tuple(Code(language="sh", text="\n".join(lines)) for lines in draw(st.lists(CODES, max_size=2))),
        risks=(),
        children=(),
    )
    risks = (statement.model_copy(update={"form": "paragraph", "code": ()}),) * draw(st.integers(0, 2 * risky))
    return statement.model_copy(update={"risks": risks})


@st.composite
def trees(draw: st.DrawFn, depth: int = 2) -> tuple[AnswerStatement, ...]:
    """Statements as the corpus can hold them: only list items have something below them or, down there, risks."""
    top = depth == 2
    statements = []
    for form in draw(st.lists(st.sampled_from(get_args(Form)), min_size=top, max_size=12 if top else 3)):
        listed = form != "paragraph"
        statement = draw(statement_of(form, risky=listed or top))
        children = draw(trees(depth - 1)) if depth and listed else ()
        statements.append(statement.model_copy(update={"children": children}))
    return tuple(statements)


def answer_with(*statements: AnswerStatement, title: str = "Title", heading: str = "Heading") -> Answer:
    return Answer(
        outcome="answer",
        candidates=(),
        entry="x",
        title=title,
        summary="",
        sections=(AnswerSection(name="Steps", statements=statements),),
        citations=(
            Citation(
                label="1",
                edition="cn",
                document="Page",
                heading=heading,
                part=None,
                url="https://example.com/cn",
                entry="x",
            ),
        ),
    )


@settings(deadline=None)
@given(trees())
def test_any_statements_keep_their_structure_and_their_code_byte_by_byte(tree: tuple[AnswerStatement, ...]) -> None:
    markdown = markdown_answer(answer_with(*tree))
    assert shown(headed(markdown)["Steps"]) == meant(tree)
    assert "\n\n\n" not in outside_code(markdown)


PLAIN = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.sampled_from(" `*_[]<>&#\\~!()-+")
).filter(lambda text: text.strip() != "")


@settings(deadline=None)
@given(PLAIN)
def test_a_title_and_a_heading_are_shown_literally(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(markdown_answer(answer_with(title=text, heading=text)))
    inlines = [token for token in tokens if token.type == "inline"]
    plain = " ".join(text.split())
    for inline, literal in [(inlines[0], plain), (inlines[-1], f"[1] Page: “{plain}” — https://example.com/cn")]:
        children = inline.children or []
        assert {child.type for child in children} <= {"text", "link_open", "link_close"}
        assert "".join(child.content for child in children) == literal


def test_steps_go_on_counting_past_what_stands_between_and_past_nine() -> None:
    step = AnswerStatement(
        text="Do.",
        form="step",
        labels=("1",),
        own_note=False,
        when=None,
        holds=None,
        code=(Code(language="bash", text="ls"),),
        risks=(),
        children=(),
    )
    between = step.model_copy(update={"form": "paragraph", "code": ()})
    lists = headed(markdown_answer(answer_with(*[step] * 9, between, step, step)))["Steps"]
    assert [(node.type, node.attrs.get("start")) for node in lists] == [
        ("ordered_list", None),
        ("paragraph", None),
        ("ordered_list", 10),
    ]
    assert [[child.type for child in item.children] for item in lists[-1].children] == [["paragraph", "fence"]] * 2


# Choices and no answer -------------------------------------------------------------------------------------------

ALIKE = ("terway-vswitch-ip-exhausted", "terway-eni-quota-reached", "terway-mac-not-found")
GATED = "terway-identify-eni-mode"


def choices(*entries: str) -> Answer:
    return COMPOSER.compose(TURNS[:1], replace(ranking(entries[0]), outcome="choices", choices=entries))


def no_answer(look_alike: SignatureHit | None = None) -> Answer:
    return COMPOSER.compose(TURNS[:1], replace(ranking(GATED), outcome="no_answer", look_alike=look_alike))


def look_alike() -> Answer:
    return no_answer(SignatureHit("can't found dev by mac <mac>", ("terway-mac-not-found",), 0.0))


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_choice_is_one_line_that_names_its_entry(entry: str) -> None:
    answered = choices(entry, *(other for other in ALIKE if other != entry))
    markdown = markdown_answer(answered)
    _, chosen = headed(markdown)[""]
    assert chosen.type == "ordered_list"
    lines = [item.children[0].children[0].content for item in chosen.children]
    assert len(lines) == len(answered.choices)
    for choice, line in zip(answered.choices, lines, strict=True):
        assert line.endswith(f"(`{choice.candidate.id}`): {words(choice.tells_apart)}")
        assert choice.candidate.title in line
    assert "\n\n\n" not in markdown
    assert "html_inline" not in inline_kinds(parse(markdown))


def test_choices_that_rest_on_notes_alone_list_them() -> None:
    line = AnswerStatement(
        text="Here it is slow.",
        form="paragraph",
        labels=("a",),
        own_note=True,
        when=None,
        holds=None,
        code=(),
        risks=(),
        children=(),
    )
    answered = Answer(
        outcome="choices",
        candidates=(),
        entry=None,
        title="Several",
        summary="Either.",
        choices=(Choice(candidate=EntryName(id="x", title="Slow", area="terway"), tells_apart=line),),
        note_sources=(NoteSource(label="a", title="The source", url="https://example.com/source"),),
    )
    markdown = markdown_answer(answered)
    assert "1. **Slow** (`x`): *acknet's note:* Here it is slow. [a]" in markdown
    assert "- [a] acknet's note rests on: The source — <https://example.com/source>" in markdown


def test_no_answer_without_anything_close_is_title_and_summary() -> None:
    answered = no_answer().model_copy(update={"see_also": ()})
    assert markdown_answer(answered) == f"# {answered.title}\n\n{answered.summary}\n"


# Golden files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "answered"),
    [
        ("answer", answer("terway-mac-not-found")),
        ("gated_answer", answer(GATED, "Terway 1.12.3")),
        ("choices", choices(*ALIKE)),
        ("no_answer", no_answer()),
        ("look_alike", look_alike()),
    ],
)
def test_people_see_what_the_golden_file_shows(name: str, answered: Answer) -> None:
    path = GOLDEN / f"{name}.md"
    if os.environ.get("RENEW_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(markdown_answer(answered), encoding="utf-8")
    assert markdown_answer(answered) == path.read_text(encoding="utf-8")


# JSON ------------------------------------------------------------------------------------------------------------


def test_the_json_is_the_object_that_the_contract_names() -> None:
    answered = answer(GATED).model_copy(update={"elapsed_ms": 12.34567})
    citation, difference = answered.citations[0], answered.differs[0]
    told = json_answer(answered)
    assert {key: value for key, value in told.items() if not isinstance(value, list)} == {
        "outcome": "answer",
        "answer": {
            "entry": GATED,
            "title": answered.title,
            "summary": answered.summary,
            "markdown": markdown_answer(answered),
        },
        "diagnosis": None,
        "elapsed_ms": 12.346,
    }
    assert [*told] == ["outcome", "entries", "answer", "citations", "differs", "diagnosis", "elapsed_ms"]
    assert told["entries"][0] == {"id": GATED, "title": answered.title, "area": "terway", "confidence": 0.9}
    assert len(told["entries"]) >= 5
    assert told["citations"][0] == {
        "edition": citation.edition,
        "document": citation.document,
        "heading": citation.heading,
        "url": citation.url,
        "entry": GATED,
    }
    assert len(told["citations"]) == len(answered.citations)
    assert told["differs"][0] == {
        "topic": difference.topic,
        "intl": difference.intl,
        "cn": difference.cn,
        "advice": difference.advice.text,
        "entry": GATED,
    }
    assert len(told["differs"]) == len(answered.differs)


@pytest.mark.parametrize("answered", [answer(GATED), choices(*ALIKE), no_answer(), look_alike()])
def test_the_json_of_every_outcome_is_what_the_api_promises(answered: Answer) -> None:
    told = json_answer(answered)
    reply = AskReply.model_validate_json(json.dumps(told))
    assert reply.model_dump(mode="json", exclude={"id"}) == told
    assert reply.answer.markdown.startswith(f"# {reply.answer.title}\n")
    assert reply.answer.summary
