"""How statements get their labels, and how versions decide which of them stand."""

import pytest

from bot.answer import AnswerStatement, References
from corpus import Case, Cite, Corpus, Edition, Entry, Gate, Marker, Section, Source, Statement

CORPUS = Corpus(
    editions={
        "intl": Edition(document="First edition", url="https://example.com/intl", dated="2026-02-25"),
        "cn": Edition(document="Second edition", url="https://example.com/cn", dated=None),
    },
    notes={
        f"note-{number}": Source(title=f"Source {number}", url=f"https://example.com/{number}") for number in range(30)
    },
    entries=(),
)


def entry(*statements: Statement) -> Entry:
    return Entry(
        id="no-address",
        title="Pods get no address",
        area="terway",
        kind="symptom",
        cites=(
            Cite(id="intl", edition="intl", heading="Why no address?"),
            Cite(id="cn", edition="cn", heading="No address"),
            Cite(id="cn-again", edition="cn", heading="No address"),
            Cite(id="cn-part", edition="cn", heading="No address", part="step 2"),
        ),
        tells_apart=Statement(text="None is left."),
        asked_as=tuple(f"question {number}" for number in range(12)),
        cases=(Case(id="case", claim="None is left."),),
        sections=(Section(name="Summary", statements=statements),),
    )


def statement(text: str, *cites: str, notes: tuple[str, ...] = (), when: str = "") -> Statement:
    gates = tuple(Gate.parse(gate) for gate in when.split(" and ")) if when else ()
    return Statement(text=text, marker=Marker(cites=cites, notes=notes, when=gates))


def resolve(
    *statements: Statement, versions: dict[str, tuple[int, ...]] | None = None
) -> tuple[References, tuple[AnswerStatement, ...]]:
    references = References(CORPUS)
    return references, references.resolve_all(entry(*statements), statements, versions or {})


def condition(when: str, **versions: tuple[int, ...]) -> str | None:
    known = {name.replace("_", "-"): version for name, version in versions.items()}
    _, (answered,) = resolve(statement("So.", "cn", when=when), versions=known)
    return answered.when


def test_sources_are_labelled_in_the_order_in_which_they_are_met() -> None:
    parent = Statement(
        text="Delete it.",
        marker=Marker(cites=("cn",)),
        risks=(statement("It is gone.", notes=("note-7",)),),
        children=(statement("Twice.", "intl", notes=("note-3",)),),
    )
    references, (answered, last) = resolve(parent, statement("Look.", "intl", "cn", notes=("note-7",)))
    assert answered.labels == ("1",)
    assert answered.risks[0].labels == ("a",)
    assert answered.children[0].labels == ("2", "b")
    assert last.labels == ("2", "1", "a")
    assert [citation.edition for citation in references.citations] == ["cn", "intl"]
    assert [(source.label, source.title) for source in references.note_sources] == [
        ("a", "Source 7"),
        ("b", "Source 3"),
    ]


def test_a_place_has_one_label_whatever_it_is_called() -> None:
    references, (answered,) = resolve(statement("So.", "cn", "cn-again", "cn-part"))
    assert answered.labels == ("1", "2")
    assert [(citation.heading, citation.part) for citation in references.citations] == [
        ("No address", None),
        ("No address", "step 2"),
    ]


def test_letters_go_on_after_z() -> None:
    references, _ = resolve(*(statement("So.", notes=(f"note-{number}",)) for number in range(28)))
    assert [source.label for source in references.note_sources][-4:] == ["y", "z", "aa", "ab"]


def test_only_a_statement_without_an_edition_is_acknets_own() -> None:
    _, answered = resolve(statement("So.", "cn", notes=("note-1",)), statement("No.", notes=("note-1",)))
    assert [one.own_note for one in answered] == [False, True]


def test_a_gate_that_fails_hides_all_below_it_and_its_sources() -> None:
    hidden = Statement(
        text="Old way.",
        marker=Marker(cites=("cn",), when=(Gate.parse("terway < 1.8.0"),)),
        risks=(statement("Risky.", notes=("note-1",)),),
        children=(statement("Then that.", "cn-part"),),
    )
    references, answered = resolve(hidden, statement("So.", "intl"), versions={"terway": (1, 9)})
    assert [one.text for one in answered] == ["So."]
    assert [citation.edition for citation in references.citations] == ["intl"]
    assert references.note_sources == ()


def test_a_gate_below_a_statement_hides_only_its_branch() -> None:
    parent = Statement(
        text="Do.",
        marker=Marker(cites=("cn",)),
        risks=(statement("Only there.", "cn", when="terway < 1.8.0"), statement("Always.", "cn")),
        children=(statement("Old.", "cn", when="terway < 1.8.0"), statement("New.", "cn", when="terway >= 1.8.0")),
    )
    _, (answered,) = resolve(parent, versions={"terway": (1, 8, 3)})
    assert [one.text for one in (*answered.risks, *answered.children)] == ["Always.", "New."]


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("terway >= 1.8.0", "Terway v1.8.0 and later"),
        ("flannel < 0.15.1.4", "Flannel before v0.15.1.4"),
        ("kubernetes > 1.20", "Kubernetes after v1.20"),
        ("kubelet <= 1.18", "kubelet up to v1.18"),
        ("kube-proxy == 1.17", "kube-proxy v1.17 exactly"),
        ("terway >= 1.9.0 and terway < 1.9.7", "Terway v1.9.0 and later, before v1.9.7"),
        ("terway >= 1.15.0 and kubernetes >= 1.34", "Terway v1.15.0 and later and Kubernetes v1.34 and later"),
    ],
)
def test_a_gate_that_is_not_decided_shows_its_condition(when: str, said: str) -> None:
    assert condition(when) == said


def test_a_gate_that_holds_says_for_which_version() -> None:
    assert condition("terway >= 1.8.0", terway=(1, 9, 3)) == "Terway v1.8.0 and later (yours: v1.9.3)"
    assert (
        condition("kube-proxy >= 1.23.0 and kube-proxy < 1.29.0", kube_proxy=(1, 28))
        == "kube-proxy v1.23.0 and later, before v1.29.0 (yours: v1.28)"
    )


def test_a_version_too_short_to_decide_is_not_called_yours() -> None:
    assert condition("terway < 1.9.7", terway=(1, 9)) == "Terway before v1.9.7"
    assert condition("terway >= 1.9.0 and terway < 1.9.7", terway=(1, 9)) == "Terway v1.9.0 and later, before v1.9.7"


def test_of_two_components_the_known_one_is_called_yours() -> None:
    said = condition("terway >= 1.15.0 and kubernetes >= 1.34", terway=(1, 15, 2))
    assert said == "Terway v1.15.0 and later (yours: v1.15.2) and Kubernetes v1.34 and later"


def test_whether_a_statement_holds_is_known_only_where_it_depends_on_a_version() -> None:
    _, answered = resolve(
        statement("Always.", "cn"),
        statement("Yes.", "cn", when="terway >= 1.8.0"),
        statement("Who knows.", "cn", when="kubelet >= 1.16"),
        versions={"terway": (1, 8)},
    )
    assert [(one.when is None, one.holds) for one in answered] == [(True, None), (False, True), (False, None)]
