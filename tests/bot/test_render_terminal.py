"""The terminal's page: what is printed for which Markdown, and how it is styled."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bot.render.terminal import print_answer

MARKDOWN = """\
# Pods get no address

The vSwitch is *empty*, says `terway`, whatever the pods on its nodes ask for. [1][a]

## Steps

1. Confirm it: [2]

   ```bash
   kubectl get pod -A -o wide --field-selector status.phase=Pending
   cat <<EOF
     indented
   EOF
   ```

   - **Terway v1.9.6 and later:** Read args[0] of the [node](https://example.test/node). [b]
   - Another.

2. Repair it. [1]

   > **Risk:** Running pods keep their addresses, new ones of the nodes wait until all of them are back. [1]

   Then wait.

## Verify

- A new pod starts.
- It has an address.

## Sources

- [1] The FAQ (intl): "A \\[quoted\\] heading — with a dash", problem 3 — <https://example.test/faq>
- [2] The FAQ (intl): "Another" — <https://example.test/faq>
- [a] acknet's note rests on: Source — <https://example.test/source>

## See also

- Something else (`other-entry`)
"""

PAGE = """\
Pods get no address

The vSwitch is empty, says terway, whatever the
pods on its nodes ask for. [1][a]

Steps

1. Confirm it: [2]

kubectl get pod -A -o wide --field-selector status.phase=Pending
cat <<EOF
  indented
EOF

   - Terway v1.9.6 and later: Read args[0] of the
     node. [b]
   - Another.

2. Repair it. [1]
   Risk: Running pods keep their addresses, new
   ones of the nodes wait until all of them are
   back. [1]
   Then wait.

Verify

- A new pod starts.
- It has an address.

Sources
[1] The FAQ (intl): "A [quoted] heading — with a
dash", problem 3
    https://example.test/faq
[2] The FAQ (intl): "Another"
[a] acknet's note rests on: Source
    https://example.test/source

See also

- Something else (other-entry)
"""

CHOICES = """\
# Several entries of the FAQ explain this

See which of these lines fits.

1. **The first cause** (`first-entry`): It fails at once. [1]
2. **The second cause** (`second-entry`): It fails later. [2]
"""

CHOICES_PAGE = """\
Several entries of the FAQ explain this

See which of these lines fits.

1. The first cause (first-entry): It fails at once.
   [1]

2. The second cause (second-entry): It fails later.
   [2]
"""


def page(markdown: str, width: int = 51, *, styled: bool = False) -> str:
    stream = io.StringIO()
    colours = "standard" if styled else None
    print_answer(
        markdown, Console(file=stream, width=width, force_terminal=styled, color_system=colours, legacy_windows=False)
    )
    return stream.getvalue()


def test_an_answer_is_a_page_of_prose_with_commands_to_copy():
    assert page(MARKDOWN) == PAGE


def test_choices_are_a_short_numbered_list():
    assert page(CHOICES) == CHOICES_PAGE


@pytest.mark.parametrize(
    ("words", "style"),
    [
        ("Pods get no address", "1"),
        ("terway", "36"),
        ("[1][a]", "2"),
        ("  indented", "32"),
        ("Terway v1.9.6 and later:", "1"),
        ("Risk:", "1;33"),
        (" Running pods keep their addresses, new", "33"),
        ("args[0] of the", None),
    ],
)
def test_what_matters_stands_out(words, style):
    styled = page(MARKDOWN, styled=True)
    assert (f"\x1b[{style}m{words}\x1b[0m" if style else f" {words}\n") in styled


def test_an_address_is_a_link_where_the_terminal_knows_links():
    styled = page(MARKDOWN, styled=True)
    assert ";https://example.test/faq\x1b\\" in styled
    assert ";https://example.test/node\x1b\\" in styled


def test_lines_of_prose_do_not_grow_with_the_terminal():
    text = "word " * 100
    assert max(map(len, page(text, 300).splitlines())) == 99


def test_a_terminal_of_no_width_still_gets_every_word():
    assert page(MARKDOWN, 1).split()[:4] == ["Pods", "get", "no", "address"]


@pytest.mark.parametrize(
    ("markdown", "printed"),
    [
        ("", ""),
        ("-\n\n1.\n", "- \n\n1. \n"),
        ("## Sources\n\n-\n", "Sources\n\n"),
        ("- ```\n  code\n  ```\n", "- \n\ncode\n"),
        ("> - a\n>\n> # b\n", "- a\n\nb\n"),
        ("---\n", "\n\n"),
        ("<b>x</b>\n", "<b>x</b>\n"),
        ("<div>x</div>\n", "\n<div>x</div>\n"),
        ("![alt](u) <i>y</i>\n", "alt <i>y</i>\n"),
        ("- " * 60 + "deep\n", None),
        ("[" * 5000, None),
    ],
)
def test_markdown_that_acknet_does_not_write_is_shown_too(markdown, printed):
    shown = page(markdown)
    assert printed is None or [line.rstrip() for line in shown.split("\n")] == [
        line.rstrip() for line in printed.split("\n")
    ]
