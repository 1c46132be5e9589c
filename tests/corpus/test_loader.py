"""A corpus with something wrong in it is refused, with the file and the line."""

import pytest

from corpus import CorpusError, Problem, load_corpus, load_entry, source_files

ENTRY = "entries/terway/no-address.md"


def test_a_right_corpus_loads_with_all_it_holds(directory):
    corpus = directory.load()
    entry = corpus["no-address"]
    assert [each.id for each in corpus.entries] == ["no-address", "slow-address"]
    assert [section.name for section in entry.sections] == ["Summary", "Steps"]
    assert entry.section("Verify") == ()
    assert entry.differs[0].advice.marker.cites == ("intl",)
    assert corpus.editions["cn"].dated is None
    assert "no-address" in corpus
    assert "nothing" not in corpus


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        pytest.param("kind: symptom", "kind: symptom\nkinds: more", "kinds:", "kinds: unknown key", id="unknown key"),
        pytest.param("topic: the limit", "topik: the limit", "topik", "topik: unknown key", id="unknown key inside"),
        pytest.param("kind: symptom", "kind: symptom\nlines: {}", "lines:", "unknown key", id="key of the model"),
        pytest.param(
            "kind: symptom", "kind: symptom\nkind: howto", "kind: howto", "'kind' is doubled", id="doubled key"
        ),
        pytest.param("kind: symptom", "kind: [symptom", "cites:", "bad YAML", id="bad YAML"),
        pytest.param("kind: symptom", "kind: \a", "kind:", "control characters", id="control character"),
        pytest.param("kind: symptom", "kind: &k symptom\narea2: *k", "area2", "alias", id="alias"),
        pytest.param(
            "kind: symptom", "kind: symptom\n? [a]\n: b", "? [a]", "a key is a word", id="key that is no word"
        ),
        pytest.param("'The range is used up, not merely slow. {intl}'", "5", "tells_apart:", "Statement", id="no text"),
        pytest.param("differs:", "differs:\n  - what", "- what", "Difference", id="no mapping"),
        pytest.param("kind: symptom", "kind: trouble", "kind:", "'symptom', 'howto' or 'info'", id="unknown kind"),
        pytest.param("id: no-address", "id: No_Address", "id:", "pattern", id="bad id"),
        pytest.param("title: Pods get no address", "title: ''", "title:", "at least 1 character", id="empty title"),
        pytest.param("kind: symptom\n", "", "id:", "kind: Field required", id="missing key"),
        pytest.param("  - pod without ip\n", "", "asked_as:", "at least 12 items", id="too few ways of asking"),
        pytest.param("  - pod ip empty", "  - 404", "- 404", "valid string", id="a number for a text"),
        pytest.param("Take ten. {intl}", "Take ten.", "advice:", "uncited", id="uncited advice"),
        pytest.param("slow. {intl}", "slow.", "tells_apart:", "uncited", id="uncited distinction"),
        pytest.param("no free address. {intl, cn}", "no free address.", "no free", "uncited", id="uncited statement"),
        pytest.param("address. {intl, cn}", "address. {}", "no free", "uncited", id="empty marker"),
        pytest.param("cn; when terway >= 1.8.0", "cn; when terway ~ 1.8", "~ 1.8", "not a version gate", id="bad gate"),
        pytest.param(
            "when terway >= 1.8.0", "when calico >= 1", "calico", "cannot test 'calico'", id="unknown subject"
        ),
        pytest.param("cn; when terway", "cn; if terway", "; if", "begins with 'when'", id="condition without when"),
        pytest.param("## Steps", "## Stepps", "## Stepps", "unknown heading 'Stepps'", id="unknown section"),
        pytest.param("## Summary", "## Verify", "## Steps", "out of order", id="wrong order of sections"),
        pytest.param("## Steps", "## Cause\n\n## Steps", "## Cause", "'Cause' is empty", id="empty section"),
        pytest.param(
            "## Summary", "Hello. {intl}\n\n## Summary", "Hello", "before the first section", id="text too early"
        ),
        pytest.param("> risk: What", "> Note: What", "> Note", "a risk begins with", id="quote that is no risk"),
        pytest.param("   > risk: What", "   risk: What", "   risk:", "a risk begins with", id="risk outside a quote"),
        pytest.param("## Steps", "## Steps\n\n***", "***", "not 'hr'", id="markup that a body has no use for"),
    ],
)
def test_what_is_wrong_in_an_entry_is_named_with_its_line(directory, old, new, at, message):
    directory.replace(old, new)
    problems = directory.loading_problems()
    assert {problem.path for problem in problems} == {ENTRY}
    assert all("\n" not in str(problem) for problem in problems)
    named = [problem.message for problem in problems if problem.line == directory.line_of(at)]
    assert any(message in each for each in named), problems


def test_an_entry_without_a_summary_is_named_where_its_body_begins(directory):
    directory.replace("## Summary", "## Cause")
    begins = directory.line_of("see_also") + 2
    assert directory.loading_problems() == [Problem(ENTRY, begins, "the section '## Summary' is missing")]


def test_a_marker_alone_is_no_statement(directory):
    directory.replace("The range has no free address. {intl, cn}", "{intl}")
    line = directory.line_of("## Summary") + 2
    assert directory.loading_problems() == [Problem(ENTRY, line, "a marker without a statement before it")]


def test_a_doubled_section_is_named_where_it_stands_again(directory):
    directory.replace("## Steps", "## Summary")
    again = directory.line_of("1. Look") - 2
    [problem] = directory.loading_problems()
    assert (problem.line, problem.message[:28]) == (again, "section 'Summary' is doubled")


def test_an_unclosed_code_block_is_named_where_it_opens(directory):
    directory.replace("POD\n   ```\n", "POD\n")
    opened = directory.line_of("kubectl delete") - 1
    assert Problem(ENTRY, opened, "the code block is not closed with '```'") in directory.loading_problems()


def test_an_entry_without_citations_is_refused(directory):
    directory.replace("cites:\n", "cites: none\nplaces:\n")
    line = directory.line_of("cites: none")
    assert [problem.line for problem in directory.loading_problems()] == [line, line + 1]


def test_only_what_every_entry_needs_is_required(directory):
    text = directory.entry.read_text(encoding="utf-8")
    differs, signatures = text.index("differs:"), text.index("signatures:")
    shorter = text[:differs] + text[text.index("asked_as:") : signatures] + text[text.index("cases:") :]
    directory.entry.write_text(shorter.replace("see_also: [slow-address]\n", ""), encoding="utf-8")
    entry = directory.load()["no-address"]
    assert (entry.differs, entry.signatures, entry.see_also, entry.threads) == ((), (), (), ())


def test_all_that_is_wrong_is_reported_at_once(directory):
    directory.replace("kind: symptom", "kind: symptom\nkinds: more")
    directory.replace("1. Look at the pods. {intl}", "1. Look at the pods.")
    directory.write("entries/terway/slow-address.md", "no front matter")
    assert {(problem.path, problem.line) for problem in directory.loading_problems()} == {
        (ENTRY, directory.line_of("kinds:")),
        (ENTRY, directory.line_of("1. Look")),
        ("entries/terway/slow-address.md", 1),
    }


def test_front_matter_that_is_never_closed_is_said(directory):
    directory.replace("[slow-address]\n---", "[slow-address]")
    assert directory.loading_problems() == [Problem(ENTRY, 1, "the front matter is not closed with '---'")]


def test_front_matter_that_is_no_mapping_is_said(directory):
    directory.write(ENTRY, "---\n- a list\n---\n\n## Summary\n\nWords. {intl}\n")
    assert directory.loading_problems() == [Problem(ENTRY, 2, "the front matter is not a mapping")]


def test_an_entry_that_is_not_utf8_is_named(directory):
    directory.entry.write_bytes(b"---\nid: \xff\xfe\n---\n")
    assert directory.loading_problems() == [Problem(ENTRY, 0, "not UTF-8 at byte 8")]


def test_an_entry_saved_with_a_byte_order_mark_and_crlf_still_loads(directory):
    text = directory.entry.read_text(encoding="utf-8")
    directory.entry.write_bytes(("\ufeff" + text.replace("\n", "\r\n")).encode())
    assert directory.load()["no-address"].section("Steps")[0].code[0].text == "kubectl get pod -o wide"


def test_an_entry_lies_where_its_area_and_id_say(directory):
    directory.entry.rename(directory.entry.with_name("another.md"))
    [problem] = directory.loading_problems()
    assert (problem.path, problem.line) == ("entries/terway/another.md", 2)
    assert "entries/terway/no-address.md" in problem.message


def test_an_entry_outside_an_area_is_not_overlooked(directory):
    directory.entry.rename(directory.root / "entries" / "no-address.md")
    assert [problem.path for problem in directory.loading_problems()] == ["entries/no-address.md"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"gone\.md: cannot be read: No such file"):
        load_entry(tmp_path / "gone.md")


def test_a_directory_without_a_corpus_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"sources\.yaml: not found"):
        load_corpus(tmp_path / "nowhere")


def test_a_corpus_without_entries_is_refused(directory):
    for path in (directory.root / "entries" / "terway").iterdir():
        path.unlink()
    assert directory.loading_problems() == [
        Problem("entries", 0, "holds no entry; an entry is a file entries/<area>/<id>.md")
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("notes:", "note:", 4, "note: unknown key"),
        ("notes:\n  source-code: {title: The source code, url: 'https://example.com/source'}\n", "", 1, "notes: Field"),
        ("title: The source code, ", "", 5, "title: Field required"),
        ("document: First edition, ", "", 2, "document: Field required"),
        ("editions:", "editions: [", 1, "bad YAML"),
    ],
)
def test_what_is_wrong_in_the_sources_is_named_with_its_line(directory, old, new, line, message):
    directory.replace(old, new, "sources.yaml")
    problems = directory.loading_problems()
    assert [problem for problem in problems if message in problem.message], problems
    assert {problem.path for problem in problems} == {"sources.yaml"}
    assert message == "bad YAML" or line in {problem.line for problem in problems}


def test_an_empty_sources_file_is_refused(directory):
    directory.write("sources.yaml", "")
    [problem] = directory.loading_problems()
    assert problem.path == "sources.yaml"


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("ambiguous.yaml", "- question: which?\n  entries: [no-address]\n", 2),
        ("out_of_scope.yaml", "- fine\n- [not, fine]\n", 2),
        ("glossary.yaml", "地址: address\n交换机: [vSwitch]\n", 2),
    ],
)
def test_what_is_wrong_in_a_list_is_named_with_its_line(directory, file, text, line):
    directory.write(file, text)
    [problem] = directory.loading_problems()
    assert (problem.path, problem.line) == (file, line)


def test_lists_beside_the_entries_are_read(directory):
    directory.write("ambiguous.yaml", "- question: which?\n  entries: [no-address, slow-address]\n")
    directory.write("out_of_scope.yaml", "- what is the weather\n")
    directory.write("glossary.yaml", "地址: address\n2026-01-01: a date stays text\n")
    corpus = directory.load()
    assert corpus.ambiguous[0].entries == ("no-address", "slow-address")
    assert corpus.out_of_scope == ("what is the weather",)
    assert corpus.glossary == {"地址": "address", "2026-01-01": "a date stays text"}


def test_the_files_of_a_corpus_are_listed_in_a_stable_order(directory):
    directory.write("glossary.yaml", "{}\n")
    directory.write("notes.txt", "no part of it")
    names = [path.relative_to(directory.root).as_posix() for path in source_files(directory.root)]
    assert names == ["sources.yaml", "glossary.yaml", ENTRY, "entries/terway/slow-address.md"]


def test_the_digest_follows_what_is_said_and_not_where_it_stands(directory):
    before = directory.load().digest
    directory.replace("kind: symptom\ncites:", "kind: symptom\n# a comment\ncites:")
    assert directory.load().digest == before
    directory.replace("The range is empty.", "The range is used up.")
    assert directory.load().digest != before


def test_an_entry_read_alone_is_named_as_it_was_given(directory):
    directory.replace("kind: symptom", "kind: trouble")
    with pytest.raises(CorpusError) as caught:
        load_entry(directory.entry)
    assert caught.value.problems[0].path == str(directory.entry)
