"""Versions are compared by their leading numbers, and a gate says nothing when too little is known."""

import pytest

from corpus import Gate, parse_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v0.15.1.11-7e95fe23-aliyun", (0, 15, 1, 11)),
        ("v1.13.2-1718bc8", (1, 13, 2)),
        ("1.8", (1, 8)),
        (" v1.20.11-aliyun.1 ", (1, 20, 11)),
        ("v1.28.3+k3s1", (1, 28, 3)),
        ("2", (2,)),
        ("aliyun-v1", None),
        ("", None),
        ("v", None),
        ("latest", None),
    ],
)
def test_only_the_leading_numbers_make_a_version(text, version):
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["9" * 5000, "v1." + "9" * 5000, "٣.٤", "1." * 5000])
def test_hostile_versions_are_read_or_refused_but_never_fail(text):
    version = parse_version(text)
    assert version is None or all(number < 10**9 for number in version)


@pytest.mark.parametrize(
    ("gate", "known", "holds"),
    [
        ("terway >= 1.8.0", "1.8.0", True),
        ("terway >= 1.8.0", "1.7.9", False),
        ("terway >= 1.8.0", "1.10.0", True),
        ("terway < 1.10.0", "1.9.6", True),
        ("terway > 1.8.0", "1.8.0.1", True),
        ("terway == 1.8", "1.8.0", True),
        ("terway <= 1.8.0", "1.8.1", False),
        ("terway < 0.15.1.4", "v0.15.1.11-7e95fe23-aliyun", False),
        ("terway >= 0.15.1.4", "v0.15.1.11-7e95fe23-aliyun", True),
        ("terway >= 1.13.2", "v1.13.2-1718bc8", True),
    ],
)
def test_a_gate_compares_number_by_number(gate, known, holds):
    assert Gate.parse(gate).holds({"terway": parse_version(known)}) is holds


@pytest.mark.parametrize(
    ("gate", "known", "holds"),
    [
        ("terway >= 1.8.0", (1,), None),
        ("terway >= 1.8.0", (2,), True),
        ("terway >= 1.8.0", (0,), False),
        ("terway >= 1.8.0", (1, 8), True),
        ("terway < 1.8.0", (1, 8), False),
        ("terway > 1.8.0", (1, 8), None),
        ("terway <= 1.8.0", (1, 8), None),
        ("terway == 1.8.0", (1, 8), None),
        ("terway == 1.8.0", (1, 9), False),
        ("terway < 1.8.13", (1, 8), None),
    ],
)
def test_a_version_known_in_part_decides_only_what_it_can(gate, known, holds):
    assert Gate.parse(gate).holds({"terway": known}) is holds


def test_a_component_that_is_not_known_decides_nothing():
    assert Gate.parse("terway >= 1.8.0").holds({"flannel": (0, 15)}) is None


@pytest.mark.parametrize(
    "text", ["terway", "terway >= new", "terway >= 1.8-rc", "terway => 1.8", ">= 1.8", "a b >= 1", ""]
)
def test_what_is_no_gate_is_refused(text):
    with pytest.raises(ValueError, match=r"not a version gate: .*write it like 'terway >= 1\.8\.0'"):
        Gate.parse(text)


def test_a_gate_on_something_without_a_version_names_what_has_one():
    with pytest.raises(
        ValueError, match="cannot test 'calico'; it can: terway, flannel, kubernetes, kubelet, kube-proxy"
    ):
        Gate.parse("calico >= 3.0")


def test_a_gate_reads_as_it_is_written():
    assert str(Gate.parse("kube-proxy<v1.29.0")) == "kube-proxy < 1.29.0"
