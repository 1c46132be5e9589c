"""Every rule of the check can fail, and says where."""

import pytest

from corpus import PageSection, Problem, check_corpus, check_editions

ENTRY = "entries/terway/no-address.md"
OTHER = "entries/terway/slow-address.md"


def test_a_right_corpus_has_no_problem(directory):
    assert directory.check() == []


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        ("{edition: cn,", "{edition: jp, id: cn,", "jp", "cites an unknown edition 'jp'"),
        ("{edition: cn,", "{edition: intl,", "Pods without an address", "two cites have the id 'intl'"),
        ("{edition: cn,", "{edition: cn, id: other,", "id: other", "cites 'other', but no statement rests on it"),
        ("{cn; when", "{jp; when", "2. Delete", "statement rests on 'jp', which is not in cites: 'Delete the pod.'"),
        ("{note:source-code}", "{note:gossip}", "> risk", "statement rests on note 'gossip'"),
        ("slow. {intl}", "slow. {jp}", "tells_apart", "statement rests on 'jp'"),
        ("ten. {intl}", "ten. {note:gossip}", "advice", "statement rests on note 'gossip'"),
        ("[slow-address]", "[slow-address, fast-address]", "see_also", "see_also names 'fast-address'"),
        ("[slow-address]", "[no-address]", "see_also", "see_also names 'no-address', which is not another entry"),
        ("see_also", "  - {id: range-empty, claim: Again.}\nsee_also", "Again", "two cases have the id 'range-empty'"),
        ("Pod 没有 IP", "pod has no IP", "asked_as", "fewer than 3 ways of asking are Chinese"),
        ("no ip for my pod", "Pod  WITHOUT ip", "- pod without ip", "asked_as also stands in this entry"),
        ("left in <name>", "left in <place>", "<place>", "unknown mask <place>"),
        ("no addresses left in <name>", "none <int>", "none <int>", "needs a literal part of at least 6"),
        ("cases:", "  - no addresses left in <name>\ncases:", "cases:", "is doubled"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(directory, old, new, at, message):
    directory.replace(old, new)
    line = directory.line_of(at) - (message == "is doubled")
    found = [problem for problem in directory.check() if message in problem.message]
    assert [(problem.path, problem.line) for problem in found] == [(ENTRY, line)]


@pytest.mark.parametrize(
    "command",
    [
        "kubectl delete pod POD",
        "kubectl -n kube-system rollout restart ds/terway-eniip",
        "kubectl edit cm eni-config",
        "kubectl annotate node NODE a=b",
        "sudo rm -rf /var/lib/cni",
        "ls | xargs rm -f",
        "sysctl -w net.netfilter.nf_conntrack_max=1",
        "ipvsadm --set 900 120 10",
        "modprobe ip_vs_lc",
        "systemctl restart kubelet",
    ],
)
def test_a_command_that_changes_something_needs_a_risk(directory, command):
    directory.replace("kubectl get pod -o wide", f"# first look\n   {command}")
    assert directory.check() == [
        Problem(ENTRY, directory.line_of("1. Look"), f"a step that changes something carries no risk: {command!r}")
    ]


def test_a_step_that_says_to_change_something_needs_a_risk(directory):
    directory.replace("1. Look at the pods.", "1. Drain the node.")
    assert [problem.message for problem in directory.check()] == [
        "a step that changes something carries no risk: 'Drain the node.'"
    ]


@pytest.mark.parametrize("command", ["kubectl get pod", "# kubectl delete pod POD", "kubectl describe node NODE"])
def test_a_command_that_only_reads_needs_no_risk(directory, command):
    directory.replace("kubectl get pod -o wide", command)
    assert directory.check() == []


def test_a_risk_covers_the_steps_below_the_one_that_carries_it(directory):
    directory.replace("   > risk:", "   - Delete it again. {cn}\n\n   > risk:")
    assert directory.check() == []


def test_two_entries_with_one_id_are_named(directory):
    corpus = directory.load()
    doubled = corpus.model_copy(update={"entries": (*corpus.entries, corpus["no-address"])})
    assert "the id 'no-address' is used 2 times" in [problem.message for problem in check_corpus(doubled)]


def test_a_question_that_two_entries_claim_is_named(directory):
    directory.replace("  - slow pod without ip", "  - Pod without  IP", OTHER)
    assert directory.check() == [
        Problem(
            OTHER, directory.line_of("Pod without  IP", OTHER), "asked_as also stands in no-address: 'Pod without  IP'"
        )
    ]


def test_a_question_out_of_scope_that_an_entry_answers_is_named(directory):
    directory.write("out_of_scope.yaml", "- what is the weather\n- pod WITHOUT ip\n")
    assert directory.check() == [
        Problem("out_of_scope.yaml", 2, "is also a way of asking of an entry: 'pod WITHOUT ip'")
    ]


def test_an_ambiguous_question_that_names_no_entry_is_named(directory):
    directory.write("ambiguous.yaml", "- question: which?\n  entries:\n    - no-address\n    - nothing\n")
    assert directory.check() == [Problem("ambiguous.yaml", 4, "names 'nothing', which is not an entry")]


def page(*headings: str, text: str = "Text.") -> list[PageSection]:
    return [PageSection(heading, at * 10, at * 10 + 9, text) for at, heading in enumerate(headings, 1)]


INTL, CN = "Why do Pods get no address?", "Pods without an address"


def test_editions_whose_headings_are_all_cited_fit(directory):
    assert check_editions(directory.load(), {"intl": page(INTL), "cn": page(CN)}) == []


def test_a_cited_heading_that_the_edition_lacks_is_named_in_each_entry(directory):
    problems = check_editions(directory.load(), {"cn": page()})
    line = directory.line_of("edition: cn")
    assert problems == [Problem(path, line, f"edition cn has no heading {CN!r}") for path in (ENTRY, OTHER)]


def test_a_heading_that_nobody_cites_is_named_with_its_line_in_the_page(directory):
    problems = check_editions(directory.load(), {"intl": page(INTL, "What is new?")})
    assert problems == [Problem("edition intl", 20, "no entry cites 'What is new?'")]


def test_the_kind_of_quotes_and_spaces_in_a_heading_does_not_matter(directory):
    for file in (ENTRY, OTHER):
        directory.replace(INTL, 'Why can\'t "Pods" start?', file)
    assert check_editions(directory.load(), {"intl": page("Why can’t  “Pods”\u00a0start?")}) == []


TWELVE = "whoever reads these twelve words in a row has read them before"


@pytest.mark.parametrize(
    ("old", "new", "at"),
    [
        ("title: Pods get no address", f"title: {TWELVE}", "title"),
        ("The range has no free address.", f"So {TWELVE} now.", "So whoever"),
        ("not merely slow.", f"not merely {TWELVE}.", "tells_apart"),
        ("topic: the limit", f"topic: {TWELVE}", "topic"),
        ("intl: ten", f"intl: {TWELVE}", "intl: who"),
        ("cn: not stated", f"cn: {TWELVE}", "cn: who"),
        ("Take ten.", f"Take {TWELVE}.", "advice"),
        ("claim: The range is empty.", f"claim: {TWELVE}", "range-empty"),
        ("by_hand: Count the free addresses.", f"by_hand: {TWELVE}", "range-empty"),
        ("no ip for my pod", TWELVE, "- whoever"),
        ("signatures:", f"threads:\n  - [one, {TWELVE}]\nsignatures:", "- [one"),
        ("What the pod was doing", f"What {TWELVE}", "> risk"),
        ("kubectl get pod -o wide", TWELVE.replace(" twelve", "\n   twelve"), "1. Look"),
        ("The range has no free address.", TWELVE.replace("words", "`words`"), "whoever"),
    ],
)
def test_twelve_words_of_an_edition_are_found_wherever_they_stand(directory, old, new, at):
    directory.replace(old, new)
    problems = check_editions(directory.load(), {"intl": page(INTL, text=f"As said, {TWELVE}, and so on.")})
    run = f"12 words in a row as in the edition: '{TWELVE}'"
    assert problems == [Problem(ENTRY, directory.line_of(at), run)]


def test_a_heading_taken_for_a_text_is_found_but_may_be_cited(directory):
    for file in (ENTRY, OTHER):
        directory.replace(INTL, TWELVE, file)
    editions = {"intl": page(TWELVE)}
    assert check_editions(directory.load(), editions) == []
    directory.replace("title: Pods get no address", f"title: {TWELVE}")
    assert [problem.line for problem in check_editions(directory.load(), editions)] == [directory.line_of("title")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kubectl get pod -o wide", TWELVE),
        ("The range has no free address.", f"Run `{TWELVE}` now."),
        ("no addresses left in <name>", TWELVE),
    ],
    ids=["one command", "a command in a sentence", "an error text"],
)
def test_commands_and_error_texts_may_be_as_in_the_edition(directory, old, new):
    directory.replace(old, new)
    assert check_editions(directory.load(), {"intl": page(INTL, text=TWELVE)}) == []


def test_an_error_text_may_be_repeated_where_people_ask(directory):
    directory.replace("no addresses left in <name>", TWELVE)
    directory.replace("no ip for my pod", f"pod says {TWELVE}, why?")
    assert check_editions(directory.load(), {"intl": page(INTL, text=TWELVE)}) == []
