"""Saved copies of a page become sections with line ranges, whatever the page was saved as."""

import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus import EditionError, read_page

TEXT = """\
All Products
Search

Questions about networks

Last Updated: today

This page answers questions.

Index

Terway

Why do Pods get no address?

Flannel

Why do Pods get no address?

The range is used up.

Symptom

Pods hang:

  1. They wait.

    kubectl get pod

How do I get more of them?

Common causes of trouble

Too few were planned.

Solution 2: add a range

Add one.
"""

MARKDOWN = """\
---
title: A page
---

# Questions about networks

Last updated today.

## Terway

### Why do `Pods` get no [address](https://example.com)? {#no-address}

The range is used up.

#### Symptom

```bash
## this is a comment
kubectl get pod
```

### How do I get **more** \\_of\\_ them?

Add one.

Third question, underlined
--------------------------

~~~
```
### not this
~~~

End.
"""

HTML = """\
<!DOCTYPE html>
<html><head><title>Questions <h2>no</h2></title>
<script>if (a < b) { write("<h3>no</h3>") }</script></head>
<body><nav><h2>Menu</h2></nav>
<h1>Questions about networks</h1><p>Last updated today.</p>
<h2>Terway</h2>
<h3 title="a > b">Why do <code>Pods</code>
  get no address&#63;</h3>
<p>The range
is   used up.</p><!-- <h3>no</h3> -->
<h4>Symptom</h4>
<pre>kubectl get pod
  -o wide</pre>
<h3>How do I get more?</h3><ul><li>Add &lt;one&gt;</li><li>or<br>two</li></ul>
<h2>Flannel</h2>
<h3>Third question</h3>End, 1 < 2.
<footer><h3>Imprint</h3>no</footer></body></html>
"""


@pytest.fixture
def saved(tmp_path):
    def save(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return save


def lines_of(text: str, first: int, last: int) -> str:
    return "\n".join(text.split("\n")[first - 1 : last])


def test_a_page_saved_as_text_is_split_at_lines_that_stand_alone(saved):
    first, second = read_page(saved("page.txt", TEXT))
    assert (first.heading, second.heading) == ("Why do Pods get no address?", "How do I get more of them?")
    assert lines_of(TEXT, first.first_line, first.last_line).startswith("Why do Pods get no address?\n\nThe range")
    assert lines_of(TEXT, second.first_line, second.last_line).startswith("How do I get more of them?")
    assert first.last_line == second.first_line - 1
    assert first.text == "The range is used up.\n\nSymptom\n\nPods hang:\n\n  1. They wait.\n\n    kubectl get pod"
    assert second.text.endswith("Solution 2: add a range\n\nAdd one.")


def test_the_index_and_what_precedes_it_are_no_sections(saved):
    text = TEXT.replace("Index\n", "A line that stands alone\n\nwith a text below it\n\nIndex\n")
    before, after = read_page(saved("plain.txt", TEXT)), read_page(saved("page.txt", text))
    assert [section.heading for section in after] == [section.heading for section in before]
    assert [section.first_line for section in after] == [section.first_line + 4 for section in before]


def test_a_page_saved_as_markdown_is_split_at_its_questions(saved):
    first, second, third = read_page(saved("page.md", MARKDOWN))
    assert first.heading == "Why do Pods get no address?"
    assert second.heading == "How do I get more _of_ them?"
    assert lines_of(MARKDOWN, first.first_line, first.first_line).startswith("### Why")
    assert first.last_line == second.first_line - 1
    assert first.text == ("The range is used up.\n\nSymptom\n\n```bash\n## this is a comment\nkubectl get pod\n```")
    assert second.text == "Add one."
    assert third.heading == "Third question, underlined"
    assert third.text.endswith("### not this\n~~~\n\nEnd.")


def test_markdown_is_known_without_its_suffix(saved):
    page = read_page(saved("page.txt", "## One question\n\nText.\n\n## Another question\n\nText.\n"))
    assert [section.heading for section in page] == ["One question", "Another question"]


def test_a_page_saved_as_html_is_split_at_its_questions(saved):
    first, second, third = read_page(saved("page.html", HTML))
    assert (first.heading, first.first_line, first.last_line) == ("Why do Pods get no address?", 7, 13)
    assert first.text == "The range is used up.\n\nSymptom\n\nkubectl get pod\n  -o wide"
    assert (second.heading, second.first_line, second.last_line) == ("How do I get more?", 14, 14)
    assert second.text == "Add <one>\n\nor\ntwo"
    assert (third.heading, third.text) == ("Third question", "End, 1 < 2.")


def test_html_on_a_single_line_still_has_its_texts(saved):
    page = read_page(saved("page", HTML.replace("\n", " ")))
    assert [(section.first_line, section.last_line) for section in page] == [(1, 1)] * 3
    assert page[0].text.startswith("The range is used up.")


def test_the_same_page_has_the_same_headings_however_it_was_saved(saved):
    questions = ["Why do Pods get no address?", "How do I get more of them?", "What can't be changed?"]
    text = "".join(f"{question}\n\nAn answer.\n\n" for question in questions)
    markdown = "# Page\n\n" + "".join(f"## {question}\n\nAn answer.\n\n" for question in questions)
    page = "<h1>Page</h1>" + "".join(f"<h2>{question}</h2><p>An answer.</p>" for question in questions)
    for name, content in (("a.txt", text), ("a.md", markdown), ("a.html", page)):
        sections = read_page(saved(name, content))
        assert [(section.heading, section.text) for section in sections] == [(each, "An answer.") for each in questions]


def test_headings_below_a_question_belong_to_it(saved):
    content = "## One question\n\nText.\n\n### A problem\n\nMore.\n\n## Another question\n\nText.\n"
    first, _ = read_page(saved("page.md", content))
    assert first.text == "Text.\n\nA problem\n\nMore."
    assert first.last_line == 8


def test_a_group_that_says_something_is_a_section(saved):
    content = "## Group\n\nWords.\n\n### One question\n\nText.\n\n### Another question\n\nText.\n"
    assert [section.heading for section in read_page(saved("page.md", content))] == [
        "Group",
        "One question",
        "Another question",
    ]


def test_the_only_heading_of_a_page_is_its_section(saved):
    [section] = read_page(saved("page.md", "# One question\n\nText.\n"))
    assert (section.heading, section.text) == ("One question", "Text.")


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(saved):
    plain = read_page(saved("plain.txt", TEXT))
    assert read_page(saved("windows.txt", "\ufeff" + TEXT.replace("\n", "\r\n"))) == plain


def test_characters_that_only_python_takes_for_line_ends_do_not_shift_the_lines(saved):
    text = TEXT.replace("The range is", "The\u2028range\x0b\x0cis\x85")
    before, after = read_page(saved("plain.txt", TEXT)), read_page(saved("page.txt", text))
    assert [section.first_line for section in after] == [section.first_line for section in before]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"\xff\xfe\x00", "not a text file"),
        ("a.txt", b"caf\xe9", "not UTF-8 at byte 3; save the page as UTF-8"),
        ("a.txt", b"", "no headings found"),
        ("a.md", b"no heading at all\n", "no headings found"),
        ("a.html", b"<p>no heading at all</p>", "no headings found"),
        ("a.txt", b"x" * (8 * 2**20 + 1), "larger than 8 MiB"),
    ],
)
def test_what_is_no_such_page_is_refused_with_a_reason(saved, name, content, message):
    path = saved(name, content)
    with pytest.raises(EditionError, match=message) as caught:
        read_page(path)
    assert str(caught.value).startswith(str(path))


def test_a_heading_that_is_never_closed_ends_with_the_next(saved):
    page = read_page(saved("page.html", "<h2>One question<h2>Another question"))
    assert [section.heading for section in page] == ["One question", "Another question"]


def test_a_heading_as_long_as_a_text_is_text(saved):
    long = "word " * 100
    [section] = read_page(saved("page.html", f"<h2>One question</h2>Text.<h2>{long}</h2>End."))
    assert section.text == f"Text.\n{long.strip()}\nEnd."
    [section] = read_page(saved("page.md", f"## One question\n\n## {long}\n"))
    assert section.text == f"## {long}"


def test_a_heading_without_words_is_none(saved):
    [section] = read_page(saved("page.md", "## One question\n\nText.\n\n## ![](picture.png)\n\nMore.\n"))
    assert section.text.endswith("More.")
    [section] = read_page(saved("page.html", "<h2>One question</h2>Text.<h2><img src=x></h2>More."))
    assert section.text == "Text.\n\nMore."


def test_a_file_that_cannot_be_read_is_refused_with_a_reason(tmp_path):
    with pytest.raises(EditionError, match="cannot be read: No such file"):
        read_page(tmp_path / "gone.txt")
    with pytest.raises(EditionError, match="cannot be read: Is a directory"):
        read_page(tmp_path)


HOSTILE = {
    "text.txt": "a b c\n\n",
    "dots.txt": ".",
    "blank.txt": "\n",
    "headings.md": "## a\n",
    "brackets.md": "## [[[[[[[[[[[[[[[[\n",
    "fences.md": "```\n",
    "tags.html": "<a ",
    "quotes.html": '<a x=">"',
    "open.html": "<",
    "comments.html": "<!--",
    "closed.html": "<!--x-->",
    "ends.html": "</",
    "nested.html": "<nav><svg>",
    "headings.html": "<h2>",
    "scripts.html": "<script>",
    "references.html": "<h2>x</h2>&#1",
    "digits.html": "<h2>x</h2>&#" + "1" * 5_000 + ";",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_takes_time_in_proportion_to_its_size(saved, name):
    def seconds(size: int) -> float:
        path = saved(name, (HOSTILE[name] * (size // len(HOSTILE[name]) + 1))[:size])
        started = time.process_time()
        with suppress(EditionError):
            read_page(path)
        return time.process_time() - started

    # Quadratic time would be thousands of times more.
    assert seconds(300_000) < 200 * max(seconds(3_000), 0.02)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.lists(
        st.sampled_from([*"abc #-=`~<>/!&;\"'\n\n", "## ", "<h2>", "</h2>", "<p>", "word word word\n\n"]), max_size=200
    ).map("".join),
    suffix=st.sampled_from([".txt", ".md", ".html"]),
)
def test_any_text_is_read_or_refused_and_sections_lie_in_order_within_the_file(saved, content, suffix):
    try:
        sections = read_page(saved(f"page{suffix}", content))
    except EditionError:
        return
    last = content.count("\n") + 1
    starts = [section.first_line for section in sections]
    assert starts == sorted(starts)
    assert all(1 <= section.first_line <= section.last_line <= last for section in sections)
    assert all(section.heading.strip() for section in sections)
