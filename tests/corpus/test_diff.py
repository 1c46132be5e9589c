"""What a newer page changed: sections added, removed, renamed and changed."""

import random
import time

from corpus import (
    PageSection,
    SectionAdded,
    SectionChanged,
    SectionRemoved,
    SectionRenamed,
    compare_pages,
    read_page,
)

ADDRESS = "The range is used up.\n\nAdd a range to the cluster.\n\nThen restart what waits.\n\nIt works again."
LATENCY = "Policies take a while to be set.\nSwitch them off where nobody needs them, on each node pool."


def page(*sections: tuple[str, str]) -> list[PageSection]:
    return [PageSection(heading, at * 10, at * 10 + 9, text) for at, (heading, text) in enumerate(sections, 1)]


def test_the_same_page_has_no_changes():
    assert compare_pages(page(("Address", ADDRESS)), page(("Address", ADDRESS))) == []


def test_order_blank_lines_trailing_space_and_quotes_are_no_changes():
    old = page(("Address", ADDRESS), ("Why can't it?", LATENCY))
    new = page(("Why can’t  it?", LATENCY.replace("\n", "  \n")), ("Address", ADDRESS.replace("\n\n", "\n")))
    assert compare_pages(old, new) == []


def test_a_new_section_is_added_and_a_lost_one_removed():
    old, new = page(("Address", ADDRESS)), page(("Latency", LATENCY))
    assert compare_pages(old, new) == [SectionAdded(new[0]), SectionRemoved(old[0])]


def test_a_changed_section_carries_the_unified_diff_of_its_lines():
    old = page(("Address", ADDRESS))
    new = page(("Address", ADDRESS.replace("Add a range", "Add two ranges")))
    assert compare_pages(old, new) == [
        SectionChanged(
            old[0],
            new[0],
            (
                "@@ -1,4 +1,4 @@",
                " The range is used up.",
                "-Add a range to the cluster.",
                "+Add two ranges to the cluster.",
                " Then restart what waits.",
                " It works again.",
            ),
        )
    ]


def test_a_text_under_another_heading_is_renamed():
    old, new = page(("Address", ADDRESS)), page(("No address", ADDRESS))
    assert compare_pages(old, new) == [SectionRenamed(old[0], new[0], ())]


def test_a_renamed_section_may_have_changed_too():
    old = page(("Address", ADDRESS))
    new = page(("No address", ADDRESS.replace("used up", "empty")))
    [change] = compare_pages(old, new)
    assert isinstance(change, SectionRenamed)
    assert change.lines[1:3] == ("-The range is used up.", "+The range is empty.")


def test_the_most_similar_texts_are_taken_for_renamed():
    old = page(("One", ADDRESS), ("Two", f"{ADDRESS} Now."))
    new = page(("Three", f"{ADDRESS} Now."), ("Four", ADDRESS))
    changes = compare_pages(old, new)
    assert [(change.old.heading, change.new.heading) for change in changes] == [("Two", "Three"), ("One", "Four")]


def test_sections_without_a_text_are_never_taken_for_renamed():
    old, new = page(("One", "")), page(("Two", ""))
    assert [type(change) for change in compare_pages(old, new)] == [SectionAdded, SectionRemoved]


def test_headings_that_stand_twice_are_matched_in_their_order():
    old = page(("Address", "first"), ("Address", "second"))
    new = page(("Address", "first"), ("Address", "changed"), ("Address", "third"))
    changes = compare_pages(old, new)
    assert [type(change) for change in changes] == [SectionChanged, SectionAdded]
    assert changes[0].old.text == "second"


def test_changes_come_in_the_order_of_the_newer_page_and_what_is_gone_comes_last():
    old = page(("Gone", "nothing like the others at all"), ("Address", ADDRESS), ("Latency", LATENCY))
    new = page(("New", "words that nobody wrote before"), ("Latency", f"{LATENCY}\nMore."), ("No address", ADDRESS))
    changes = compare_pages(old, new)
    assert [type(change) for change in changes] == [SectionAdded, SectionChanged, SectionRenamed, SectionRemoved]


def test_pages_with_nothing_in_common_are_not_compared_each_with_each():
    words = random.Random(1)
    many = [[(f"{side} {at}", " ".join(words.choices("abcdefgh", k=200))) for at in range(2_000)] for side in "on"]
    started = time.process_time()
    changes = compare_pages(page(*many[0]), page(*many[1]))
    assert len(changes) == 4_000
    assert time.process_time() - started < 30  # each of 2,000 sections with each takes minutes


def test_two_saved_copies_are_compared(tmp_path):
    old, new = tmp_path / "old.md", tmp_path / "new.html"
    old.write_text("## Where is it?\n\nHere.\n\n## What is it?\n\nThis.\n")
    new.write_text("<h1>FAQ</h1><h2>Where is it?</h2><p>There.</p><h2>What is it?</h2><p>This.</p>")
    [change] = compare_pages(read_page(old), read_page(new))
    assert isinstance(change, SectionChanged)
    assert change.lines[1:] == ("-Here.", "+There.")
