"""What acknet may say, and where it comes from."""

from corpus.check import check_corpus, check_editions
from corpus.corpus import Ambiguous, Check, Corpus, Edition, Source
from corpus.diff import (
    PageChange,
    SectionAdded,
    SectionChanged,
    SectionRemoved,
    SectionRenamed,
    compare_pages,
)
from corpus.editions import EditionError, PageSection, read_page
from corpus.entry import Case, Cite, Difference, Entry
from corpus.errors import CorpusError, Problem
from corpus.loader import CORPUS_DIR, load_corpus, load_entry, source_files
from corpus.signature import Signature
from corpus.statement import Code, Marker, Section, Statement
from corpus.versions import Gate, Version, parse_version, version_name

__all__ = [
    "CORPUS_DIR",
    "Ambiguous",
    "Case",
    "Check",
    "Cite",
    "Code",
    "Corpus",
    "CorpusError",
    "Difference",
    "Edition",
    "EditionError",
    "Entry",
    "Gate",
    "Marker",
    "PageChange",
    "PageSection",
    "Problem",
    "Section",
    "SectionAdded",
    "SectionChanged",
    "SectionRemoved",
    "SectionRenamed",
    "Signature",
    "Source",
    "Statement",
    "Version",
    "check_corpus",
    "check_editions",
    "compare_pages",
    "load_corpus",
    "load_entry",
    "parse_version",
    "read_page",
    "source_files",
    "version_name",
]
