"""``acknet corpus`` as a process: what it prints for people and programs, and what it refuses."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

import bot
from corpus import CORPUS_DIR, load_corpus

OLD = """\
## Does ACK support hostPort for Pods?

It does, in both plugins.

## What is slow?

Nothing.
Nothing at all.

## What is gone?

Something else that nobody needs.
"""

NEW = """\
## Does ACK support hostPort for Pods?

It does, in both plugins.

## What is slow?

Nothing.
Hardly \x1b]0;anything\x07.

## What is new?

Brought by the newer page.
"""


@pytest.fixture
def environment():
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ACKNET_", "PYTHONIO"))}
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        kept.pop(name, None)
    path = os.pathsep.join([str(Path(bot.__file__).parents[1]), *filter(None, [kept.get("PYTHONPATH")])])
    return kept | {"PYTHONPATH": path, "PYTHONUTF8": "1", "TERM": "xterm-256color"}


@pytest.fixture
def run(environment, tmp_path):
    def run(*arguments, **more):
        command = [sys.executable, "-m", "bot", "corpus", *map(str, arguments)]
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            cwd=tmp_path,
            encoding="utf-8",
            env=environment | more,
            timeout=60,
        )
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def pages(tmp_path):
    old, new = tmp_path / "old.md", tmp_path / "new.md"
    old.write_text(OLD)
    new.write_text(NEW)
    return old, new


def refused(done) -> str:
    """Return the one line on stderr that a refusal consists of."""
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("acknet: ")
    return line


def test_help_shows_an_example_of_each_command(run):
    commands = ("check", "list", "show", "import", "diff")
    overview = run("--help")
    assert overview.returncode == 0
    for command in commands:
        assert f"  {command} " in overview.stdout
        assert f"Example: acknet corpus {command} " in run(command, "--help").stdout


def test_help_loads_nothing_that_reads_a_corpus(environment):
    code = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from bot.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'corpus', 'yaml', 'markdown_it', 'rich', 'index'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8", env=environment
    )
    assert done.stdout.splitlines()[-1] == "[]", done


def test_check_finds_nothing_in_the_corpus_that_comes_with_acknet(run):
    done = run("check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "42 entries: no problem\n", "")


def broken_corpus(folder: Path, old: str, new: str) -> int:
    """Copy the sources and one entry, with ``old`` replaced; return the line where that is."""
    file = CORPUS_DIR / "entries" / "general" / "host-port.md"
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / "entries" / "general").mkdir(parents=True)
    (folder / "entries" / "general" / "host-port.md").write_text(text.replace(old, new), encoding="utf-8")
    (folder / "sources.yaml").write_bytes((CORPUS_DIR / "sources.yaml").read_bytes())
    return text[: text.index(old)].count("\n") + 1


def test_check_prints_each_problem_with_file_and_line(run, tmp_path):
    line = broken_corpus(tmp_path / "mine", "\nkind: ", "\nkinds: x\nkind: ") + 1
    done = run("check", "--directory", "mine")
    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        f"entries/general/host-port.md:{line}: kinds: unknown key",
        "the corpus cannot be used: 1 problem",
    ]


def test_check_of_a_corpus_that_loads_goes_on_to_what_does_not_fit(run, tmp_path):
    broken_corpus(tmp_path / "mine", "see_also: [", "see_also: [nowhere, ")
    done = run("check", "--directory", "mine", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 2
    assert (found["entries"], found["editions"]) == (1, [])
    assert "see_also names 'nowhere', which is not another entry" in [each["message"] for each in found["problems"]]
    assert all(each["file"] == "entries/general/host-port.md" and each["line"] > 1 for each in found["problems"])


def test_check_of_a_folder_without_a_corpus_says_so(run, tmp_path):
    done = run("check", "--directory", tmp_path)
    assert done.returncode == 2
    assert done.stdout.startswith(f"{tmp_path}/sources.yaml: not found; a corpus directory holds it\n")


def test_check_against_a_saved_edition_names_the_headings_that_do_not_fit(run, pages):
    done = run("check", "--edition", f"intl={pages[0]}")
    lines = done.stdout.splitlines()
    assert done.returncode == 2
    assert f"{pages[0]}:5: no entry cites 'What is slow?'" in lines
    assert not [line for line in lines if "hostPort" in line]
    cited = [line for line in lines if "edition intl has no heading" in line]
    assert cited
    assert all(line.startswith("entries/") for line in cited)
    assert lines[-1] == f"42 entries against intl: {len(lines) - 1} problems"


def test_check_against_an_edition_that_fits_says_so(run, tmp_path):
    page = tmp_path / "intl.md"
    headings = {cite.heading for _, cite in load_corpus().cites() if cite.edition == "intl"}
    page.write_text("".join(f"## {heading}\n\nText.\n\n" for heading in headings), encoding="utf-8")
    lines = run("check", "--edition", f"intl={page}").stdout.splitlines()
    assert lines[-1].startswith("42 entries against intl: ")
    assert [line for line in lines if "heading" in line or "no entry cites" in line] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--edition", "intl"], "--edition intl: give it as ID=FILE"),
        (["--edition", "=x.txt"], "--edition =x.txt: give it as ID=FILE"),
        (["--edition", "jp={page}"], "--edition jp: no such edition; known: intl, cn"),
        (["--edition", "cn={page}", "--edition", "cn={page}"], "--edition cn: given twice"),
        (["--edition", "cn=gone.txt"], "gone.txt: cannot be read: No such file"),
    ],
)
def test_check_refuses_editions_it_cannot_use(run, pages, arguments, message):
    assert message in refused(run("check", *(argument.format(page=pages[0]) for argument in arguments)))


def test_list_shows_id_area_and_title(run):
    corpus = load_corpus()
    lines = run("list").stdout.splitlines()
    assert len(lines) == 42
    assert [line.split()[0] for line in lines] == [entry.id for entry in corpus.entries]
    assert all(line.endswith(entry.title) for line, entry in zip(lines, corpus.entries, strict=True))


def test_list_of_one_area_as_json(run):
    entries = json.loads(run("list", "--area", "ipv6", "--json").stdout)["entries"]
    assert len(entries) == 6
    assert {entry["area"] for entry in entries} == {"ipv6"}
    assert set(entries[0]) == {"id", "area", "title"}


def test_list_refuses_an_area_that_does_not_exist(run):
    assert "--area ipv5: no such area; known: flannel, general" in refused(run("list", "--area", "ipv5"))


def test_show_prints_the_whole_entry(run):
    entry = load_corpus()["terway-vswitch-ip-exhausted"]
    shown = run("show", entry.id).stdout
    assert shown.startswith(f"{entry.title}\n{entry.id} · terway · symptom · {len(entry.asked_as)} ways of asking\n")
    for statement in entry.statements():
        assert statement.text in shown
        assert all(line in shown for code in statement.code for line in code.text.splitlines())
    for texts in (
        [section.name for section in entry.sections],
        [text for each in entry.differs for text in (each.topic, each.intl, each.cn)],
        [case.claim for case in entry.cases],
        [cite.heading for cite in entry.cites],
        entry.signatures,
        entry.see_also,
    ):
        assert texts
        assert all(text in shown for text in texts)
    assert "risk: " in shown
    assert "https://www.alibabacloud.com/help/en/ack/" in shown
    assert "\x1b" not in shown


def test_every_entry_can_be_shown(capsys):
    from bot.cli.corpus_text import entry_lines, print_lines

    corpus = load_corpus()
    for entry in corpus.entries:
        print_lines(entry_lines(entry, corpus))
        shown = capsys.readouterr().out
        assert all(statement.text in shown for statement in entry.statements())
        assert all(str(gate) in shown for statement in entry.statements() for gate in statement.marker.when)


def test_show_as_json_is_the_entry_with_citations_as_an_answer_has_them(run):
    shown = json.loads(run("show", "host-port", "--json").stdout)
    assert (shown["id"], shown["area"]) == ("host-port", "general")
    assert shown["sections"][0]["name"] == "Summary"
    assert shown["asked_as"]
    assert shown["cases"]
    assert set(shown["citations"][0]) == {"edition", "document", "heading", "url", "entry"}
    assert "lines" not in shown


@pytest.mark.parametrize(
    ("entry", "closest"),
    [
        ("hostport", "there is no entry 'hostport'; did you mean host-port"),
        ("terway-vswitch-exhausted", "did you mean terway-vswitch-ip-exhausted"),
        ("", "there is no entry ''; acknet corpus list shows all"),
        ("\x1b[31m" * 500, "acknet corpus list shows all"),
    ],
)
def test_show_of_an_unknown_id_names_the_closest(run, entry, closest):
    line = refused(run("show", entry))
    assert closest in line
    assert "\x1b" not in line


def test_import_lists_the_headings_with_their_lines(run, pages):
    assert run("import", pages[0]).stdout.splitlines() == [
        "         1-4  Does ACK support hostPort for Pods?",
        "         5-9  What is slow?",
        "       10-13  What is gone?",
    ]


def test_import_writes_a_json_object_a_line(run, pages, tmp_path):
    pages[0].write_text("## Warum, 为什么?\n\nDarum.\n\n## What else?\n\nNothing.\n", encoding="utf-8")
    done = run("import", pages[0], "-o", "sections.jsonl")
    assert done.stdout == "2 sections written to sections.jsonl\n"
    lines = (tmp_path / "sections.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"heading": "Warum, 为什么?", "first_line": 1, "last_line": 4, "text": "Darum."},
        {"heading": "What else?", "first_line": 5, "last_line": 8, "text": "Nothing."},
    ]


def test_import_as_json_is_one_object(run, pages):
    sections = json.loads(run("import", pages[0], "--json").stdout)["sections"]
    assert [section["heading"] for section in sections][1:] == ["What is slow?", "What is gone?"]
    assert sections[1]["text"] == "Nothing.\nNothing at all."


def test_import_refuses_to_write_over_the_page_or_where_it_cannot(run, pages, tmp_path):
    assert "is the page itself" in refused(run("import", pages[0], "-o", tmp_path / "." / "old.md"))
    assert pages[0].read_text() == OLD
    assert "cannot be written: No such file" in refused(run("import", pages[0], "-o", "no/where.jsonl"))
    assert "cannot be written: Is a directory" in refused(run("import", pages[0], "-o", tmp_path))


def test_import_refuses_what_is_no_page(run, tmp_path):
    (tmp_path / "noise").write_bytes(os.urandom(64) + b"\0")
    assert "noise: not a text file" in refused(run("import", "noise"))
    assert "cannot be read: Is a directory" in refused(run("import", tmp_path))


def test_diff_shows_what_changed_and_plain_when_piped(run, pages):
    done = run("diff", *pages)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "changed: What is slow? (lines 5-9)",
        "  @@ -1,2 +1,2 @@",
        "   Nothing.",
        "  -Nothing at all.",
        r"  +Hardly \x1b]0;anything\x07.",
        "added: What is new? (lines 10-13)",
        "  +Brought by the newer page.",
        "removed: What is gone? (was lines 10-13)",
        "  -Something else that nobody needs.",
        "3 sections differ",
    ]


def test_diff_names_the_entries_that_rest_on_what_changed(run, pages):
    pages[1].write_text(OLD.replace("in both plugins", "in one plugin").replace("Does ACK", "Will ACK"))
    [change] = json.loads(run("diff", *pages, "--json").stdout)["changes"]
    assert change["change"] == "renamed"
    assert (change["old"]["heading"], change["new"]["heading"]) == (
        "Does ACK support hostPort for Pods?",
        "Will ACK support hostPort for Pods?",
    )
    assert change["diff"] == ["@@ -1 +1 @@", "-It does, in both plugins.", "+It does, in one plugin."]
    assert "host-port" in change["entries"]


def test_diff_of_the_same_page_says_that_nothing_differs(run, pages):
    assert run("diff", pages[0], pages[0]).stdout == "0 sections differ\n"
    assert json.loads(run("diff", pages[0], pages[0], "--json").stdout) == {"changes": []}


def test_diff_refuses_what_it_cannot_read(run, pages):
    assert "gone.md: cannot be read" in refused(run("diff", pages[0], "gone.md"))


def on_a_terminal(environment: dict[str, str], *arguments: str) -> str:
    """Return what the command shows on a real terminal."""
    ours, its = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "corpus", *arguments], stdout=its, stderr=its, stdin=its, env=environment
    ) as process:
        os.close(its)
        shown = b""
        while chunk := read(ours):
            shown += chunk
        assert process.wait(60) == 0
    os.close(ours)
    return shown.decode()


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other side has closed the terminal
        return b""


def test_diff_is_coloured_on_a_terminal_and_the_page_cannot_steer_it(environment, pages):
    shown = on_a_terminal(environment, "diff", *map(str, pages))
    assert "\x1b[32m+Hardly" in shown
    assert "\x1b[31m-Nothing at all." in shown
    assert "\x1b]0;" not in shown


@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_diff_has_no_colour_where_none_is_wanted(environment, pages, plain):
    shown = on_a_terminal(environment | plain, "diff", *map(str, pages))
    assert "+Hardly" in shown
    assert not any(f"\x1b[{colour}m" in shown for colour in range(30, 38))


def test_show_on_a_terminal_wraps_inside_its_margin(environment):
    shown = on_a_terminal(environment | {"COLUMNS": "60"}, "show", "host-port")
    assert "Summary" in shown
    assert max(len(line) for line in shown.replace("\r", "").split("\n") if "\x1b" not in line) <= 60
