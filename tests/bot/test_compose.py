"""What an answer says for a ranking, over the corpus that is shipped."""

from collections.abc import Iterator

import pytest
from markdown_it import MarkdownIt

from bot.answer import Answer, AnswerStatement
from bot.compose import Composer
from bot.render import json_answer, markdown_answer
from corpus import Corpus, Gate, Marker, load_corpus
from index.fusion import Outcome
from index.retriever import Ranked, Ranking
from index.signatures import SignatureHit

CORPUS = load_corpus()
COMPOSER = Composer(CORPUS)
ENTRIES = [entry.id for entry in CORPUS.entries]
GATED = "terway-identify-eni-mode"
ALIKE = ("terway-vswitch-ip-exhausted", "terway-eni-quota-reached")


def ranking(
    best: str, outcome: Outcome = "answer", choices: tuple[str, ...] = (), look_alike: SignatureHit | None = None
) -> Ranking:
    order = [best, *(entry for entry in ENTRIES if entry != best)]
    ranked = tuple(Ranked(entry, 0.9 / place) for place, entry in enumerate(order, 1))
    return Ranking(outcome, ranked, choices, (), look_alike)


def answer(best: str, *turns: str) -> Answer:
    return COMPOSER.compose(turns or ("what is it?",), ranking(best))


def walk(statements: tuple[AnswerStatement, ...]) -> Iterator[AnswerStatement]:
    for statement in statements:
        yield statement
        yield from walk(statement.risks)
        yield from walk(statement.children)


def statements(answered: Answer) -> list[AnswerStatement]:
    said = [statement for section in answered.sections for statement in walk(section.statements)]
    return [*said, *(difference.advice for difference in answered.differs)]


def labels_of(answered: Answer) -> tuple[list[str], list[str]]:
    """Return the labels of citations and of notes, in the order in which a reader meets them."""
    met = dict.fromkeys(label for statement in statements(answered) for label in statement.labels)
    return [label for label in met if label.isdigit()], [label for label in met if not label.isdigit()]


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("turn", ["what is it?", "Terway 1.9.3, Flannel 0.15.1.4, k8s 1.18", "Terway 1.17.2, k8s 1.36"])
def test_every_statement_is_labelled_and_every_label_is_listed_once(entry: str, turn: str) -> None:
    answered = answer(entry, turn)
    assert answered.summary
    assert all(statement.labels for statement in statements(answered))
    cited, noted = labels_of(answered)
    assert [citation.label for citation in answered.citations] == cited == [str(n + 1) for n in range(len(cited))]
    assert [source.label for source in answered.note_sources] == noted == [chr(ord("a") + n) for n in range(len(noted))]
    assert {citation.entry for citation in answered.citations} == {entry}


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_answer_shows_the_whole_entry_when_no_version_is_known(entry: str) -> None:
    answered = answer(entry)
    known = CORPUS[entry]
    assert (answered.entry, answered.title) == (entry, known.title)
    assert [section.name for section in answered.sections] == [section.name for section in known.sections]
    everything = [statement.text for section in known.sections for statement in section.walk()]
    advice = [difference.advice.text for difference in known.differs]
    assert [statement.text for statement in statements(answered)] == everything + advice
    assert [other.id for other in answered.see_also] == list(known.see_also)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_summary_is_plain_words_and_code(entry: str) -> None:
    (inline,) = [token for token in MarkdownIt("commonmark").parse(answer(entry).summary) if token.type == "inline"]
    assert {child.type for child in inline.children or []} <= {"text", "code_inline"}
    assert "\n" not in inline.content


def test_a_summary_says_what_is_acknets_own_and_for_which_versions() -> None:
    assert "Terway before v1.11.0: The name settles it" in answer(GATED).summary
    assert "acknet's note: Terway v1.11.0 and later: On those releases" in answer(GATED).summary


def test_a_summary_leaves_out_what_does_not_hold() -> None:
    summary = answer(GATED, "Terway 1.9").summary
    assert "The name settles it" in summary
    assert "belongs to the node pool" not in summary


def test_a_stated_version_selects_the_branches_that_hold() -> None:
    old, new = answer(GATED, "Terway 1.9.3"), answer(GATED, "Terway 1.12")
    assert old.versions == {"Terway": "v1.9.3"}
    assert {one.when for one in statements(old)} == {None, "Terway before v1.11.0 (yours: v1.9.3)"}
    assert {one.when for one in statements(new)} == {None, "Terway v1.11.0 and later (yours: v1.12)"}


def test_the_version_that_was_said_last_counts() -> None:
    assert answer(GATED, "Terway 1.12", "no, Terway 1.9", "so?").versions == {"Terway": "v1.9"}


def test_an_unclear_version_leaves_every_branch_with_its_condition() -> None:
    assert answer(GATED, "Terway from 1.9 to 1.12") == answer(GATED)


def test_a_version_is_read_from_escaped_text() -> None:
    assert answer(GATED, "Terway&nbsp;１.９.3").versions == {"Terway": "v1.9.3"}
    assert answer(GATED, "terway &lt; 1.9.3").versions == {}


def test_the_version_of_kubernetes_selects_branches_of_kube_proxy() -> None:
    answered = answer("ipvs-udp-timeout", "ACK 1.16, ipvs")
    assert answered.versions == {"kube-proxy": "v1.16"}
    assert {one.holds for one in statements(answered) if one.when} == {True}


def test_a_version_on_which_the_entry_does_not_depend_changes_nothing() -> None:
    assert answer(GATED, "Flannel 0.15.1.4 and k8s 1.28") == answer(GATED)


@pytest.mark.parametrize("outcome", ["answer", "choices", "no_answer"])
def test_the_best_entries_are_listed_whatever_the_outcome(outcome: Outcome) -> None:
    ranked = ranking(GATED, outcome, ALIKE if outcome == "choices" else ())
    candidates = COMPOSER.compose(["so?"], ranked).candidates
    assert len(candidates) >= 5
    assert [(one.id, one.confidence) for one in candidates] == [
        (one.entry, one.confidence) for one in ranked.entries[: len(candidates)]
    ]
    assert all((one.title, one.area) == (CORPUS[one.id].title, CORPUS[one.id].area) for one in candidates)


def test_the_same_question_has_the_same_answer() -> None:
    for ranked in [ranking(GATED), ranking(GATED, "choices", ALIKE), ranking(GATED, "no_answer")]:
        turns = ["Terway 1.9", "so?"]
        first, second = COMPOSER.compose(turns, ranked), COMPOSER.compose(turns, ranked)
        assert first == second == Composer(CORPUS).compose(turns, ranked)
        assert markdown_answer(first) == markdown_answer(second)


def test_choices_tell_each_entry_apart_and_cite_it() -> None:
    answered = COMPOSER.compose(["so?"], ranking(ALIKE[0], "choices", ALIKE))
    assert (answered.outcome, answered.entry, answered.sections) == ("choices", None, ())
    assert tuple(choice.candidate.id for choice in answered.choices) == ALIKE
    for choice in answered.choices:
        assert choice.tells_apart.text == CORPUS[choice.candidate.id].tells_apart.text
        assert "\n" not in choice.tells_apart.text
    met = dict.fromkeys(label for choice in answered.choices for label in choice.tells_apart.labels)
    assert list(met) == [source.label for source in (*answered.citations, *answered.note_sources)]


def test_no_two_entries_are_told_apart_by_the_same_line() -> None:
    assert len({entry.tells_apart.text for entry in CORPUS.entries}) == len(CORPUS.entries)


def test_no_answer_names_the_closest_and_claims_nothing() -> None:
    answered = COMPOSER.compose(["so?"], ranking(GATED, "no_answer"))
    assert (answered.outcome, answered.entry) == ("no_answer", None)
    assert [other.id for other in answered.see_also] == [one.id for one in answered.candidates[:3]]
    assert (answered.sections, answered.choices, answered.citations, answered.differs) == ((), (), (), ())


def test_a_question_without_words_is_told_so_and_nothing_is_called_close() -> None:
    nothing = Ranking("no_answer", tuple(Ranked(entry, 0.0) for entry in ENTRIES), (), (), None)
    answered = COMPOSER.compose(["???"], nothing)
    assert answered.see_also == ()
    assert "no words" in answered.summary


def test_a_look_alike_is_named_as_the_known_error_that_it_is_not() -> None:
    known = "can't found dev by mac <mac>"
    hit = SignatureHit(known, ("terway-mac-not-found",), 0.0)
    answered = COMPOSER.compose(["so?"], ranking(GATED, "no_answer", look_alike=hit))
    assert answered.look_alike == known
    assert f"`{known}`" in answered.summary
    assert answered.sections == ()


def test_ticks_in_a_known_error_do_not_end_its_quotation() -> None:
    hit = SignatureHit("use `nft` or\n``ipt``", ("terway-mac-not-found",), 0.0)
    summary = COMPOSER.compose(["so?"], ranking(GATED, "no_answer", look_alike=hit)).summary
    (inline,) = [token for token in MarkdownIt("commonmark").parse(summary) if token.type == "inline"]
    codes = [child.content for child in inline.children or [] if child.type == "code_inline"]
    assert codes == ["use `nft` or ``ipt``"]


@pytest.mark.parametrize("outcome", ["answer", "choices", "no_answer"])
def test_nothing_of_the_question_is_echoed(outcome: Outcome) -> None:
    turns = ["xyzzy <script>alert(1)</script> [x](javascript:y) `plugh`", "# frobnicate\n> *quux* terway 1.9"]
    answered = COMPOSER.compose(turns, ranking(GATED, outcome, ALIKE if outcome == "choices" else ()))
    shown = str(json_answer(answered)).lower()
    assert [word for word in ("xyzzy", "script", "plugh", "frobnicate", "quux") if word in shown] == []


def test_advice_on_a_difference_goes_where_its_version_does_not_hold() -> None:
    entry = CORPUS[GATED]
    first, *rest = entry.differs
    marker = Marker(cites=(entry.cites[0].id,), when=(Gate.parse("terway >= 1.11.0"),))
    advice = first.advice.model_copy(update={"marker": marker})
    changed = entry.model_copy(update={"differs": (first.model_copy(update={"advice": advice}), *rest)})
    corpus = Corpus(**{**dict(CORPUS), "entries": tuple(changed if one is entry else one for one in CORPUS.entries)})
    answered = Composer(corpus).compose(["Terway 1.9"], ranking(GATED))
    assert [difference.topic for difference in answered.differs] == [difference.topic for difference in rest]
