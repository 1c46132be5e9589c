"""The body of an entry becomes a tree of statements, each with its code, its risks and what hangs below it."""

import pytest

from corpus import Code, Gate, Marker, Statement

BODY = """\
## Summary

First words
on two lines. {intl, cn}

A correction. {note:source-code}

## Steps

1. Do this. {intl; when terway >= 1.8.0 and kubelet < 1.20}

   ```bash
   kubectl get pod

   kubectl get node
   ```

   Then wait. {cn}

   ```
   plain
   ```

   > risk: Something stops. {cn}

   > Risk: Something
   > else stops too. {intl}

   - below, with `{{ braces }}` in code {intl}
     - deeper {cn}

       > risk: Deep down. {cn}

2. Do that. {cn}

- A bullet. {intl}

> risk: A risk of the bullet. {intl}

## Verify

- It works. {cn}
"""


@pytest.fixture
def sections(directory):
    text = directory.entry.read_text(encoding="utf-8")
    front = text[: text.index("## Summary")]
    directory.write("entries/terway/no-address.md", front + BODY)
    return {section.name: section for section in directory.load()["no-address"].sections}


def test_paragraphs_are_statements_with_their_lines_joined(sections):
    first, second = sections["Summary"].statements
    assert (first.text, first.form) == ("First words on two lines.", "paragraph")
    assert first.marker == Marker(cites=("intl", "cn"))
    assert second.marker == Marker(notes=("source-code",))


def test_gates_are_read_from_the_marker(sections):
    assert sections["Steps"].statements[0].marker.when == (
        Gate(component="terway", op=">=", version=(1, 8, 0)),
        Gate(component="kubelet", op="<", version=(1, 20)),
    )


def test_code_belongs_to_the_statement_before_it(sections):
    step = sections["Steps"].statements[0]
    assert step.code == (Code(language="bash", text="kubectl get pod\n\nkubectl get node"),)
    assert step.children[0].code == (Code(language="", text="plain"),)


def test_what_stands_inside_a_list_item_hangs_below_it(sections):
    step, other, bullet = sections["Steps"].statements
    assert [statement.form for statement in (step, other, bullet)] == ["step", "step", "bullet"]
    wait, below = step.children
    assert (wait.text, wait.form) == ("Then wait.", "paragraph")
    assert (below.text, below.form) == ("below, with `{{ braces }}` in code", "bullet")
    assert [child.text for child in below.children] == ["deeper"]
    assert other.children == ()


def test_risks_belong_to_the_item_they_stand_in(sections):
    step, other, bullet = sections["Steps"].statements
    assert [risk.text for risk in step.risks] == ["Something stops.", "Something else stops too."]
    assert step.risks[1].marker == Marker(cites=("intl",))
    assert [risk.text for risk in step.children[1].children[0].risks] == ["Deep down."]
    assert other.risks == ()
    assert [risk.text for risk in bullet.risks] == ["A risk of the bullet."]


def test_statements_know_their_line_which_no_dump_repeats(sections, directory):
    step = sections["Steps"].statements[0]
    assert step.line == directory.line_of("1. Do this")
    assert step.children[1].children[0].line == directory.line_of("- deeper")
    assert step.risks[1].line == directory.line_of("> Risk: Something")
    assert "line" not in step.model_dump()


def test_walking_a_section_yields_statements_in_reading_order(sections):
    texts = [statement.text for statement in sections["Steps"].walk()]
    assert texts == [
        "Do this.",
        "Something stops.",
        "Something else stops too.",
        "Then wait.",
        "below, with `{{ braces }}` in code",
        "deeper",
        "Deep down.",
        "Do that.",
        "A bullet.",
        "A risk of the bullet.",
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("> risk: Of nothing. {cn}\n", "a risk belongs below the statement"),
        ("```bash\nls\n```\n", "a code block belongs below a statement"),
        ("- ```bash\n  ls\n  ```\n", "a code block belongs below a statement"),
        ("- One. {cn}\n\n  > ```\n  > ls\n  > ```\n", "a code block belongs below a statement"),
        ("Words. {cn}\n\n    indented code\n", "not 'code_block'"),
        ("<b>Words</b> {cn}\n\n<div>\n</div>\n", "not 'html_block'"),
        ("Words. {cn}\n\n### Deeper\n", "unknown heading 'Deeper'"),
        ("- # Risks\n", "unknown heading 'Risks'"),
        ("Words. {cn; when terway >= 1.8 and}\n", "not a version gate"),
        ("Words. {cn; when}\n", "not a version gate"),
        ("Words. {; when terway >= 1}\n", "uncited statement: 'Words."),
    ],
)
def test_a_body_that_cannot_be_read_says_why(directory, body, message):
    directory.replace("## Steps\n", f"## Cause\n\n{body}\n## Steps\n")
    assert [problem for problem in directory.loading_problems() if message in problem.message]


def test_an_uncited_item_does_not_blame_the_code_below_it(directory):
    directory.replace("1. Look at the pods. {intl}", "1. Look at the pods.")
    assert [problem.message[:18] for problem in directory.loading_problems()] == ["uncited statement:"]


def test_a_statement_walks_itself_first():
    leaf = Statement(text="leaf")
    tree = Statement(text="root", risks=(Statement(text="risk"),), children=(leaf,))
    assert [each.text for each in tree.walk()] == ["root", "risk", "leaf"]
