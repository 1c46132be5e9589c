"""Error signatures: literal texts with masks where ids, addresses and numbers vary."""

import re

import pytest

from corpus import Signature
from corpus.signature import MASKS, SignatureError, squeeze


def found(signature: str, text: str) -> bool:
    return re.search(Signature.compile(signature).pattern, squeeze(text)) is not None


@pytest.mark.parametrize(
    ("signature", "text"),
    [
        ("can't found dev by mac <mac>", "Can't found dev by\n   mac 00:16:3e:0a:1b:2c"),
        ("can't found dev by mac <mac>", "can't found dev by mac 00-16-3E-0A-1B-2C"),
        ("dial tcp [<ip>]:<int>: i/o timeout", "dial tcp [2400:3200::1]:443: i/o timeout"),
        ("dial tcp <ip>:<int>: refused", "dial tcp 10.0.0.1:80: refused"),
        ("no vSwitch <id> in zone", "no vswitch vsw-bp1abc in zone"),
        ("pod <name> is stuck", "pod kube-system/web-7d4c is stuck"),
        ("upgrade from <version> failed", "upgrade from v1.13.2-1718bc8 failed"),
        ("failed: <text> no addresses", "failed: for some reason no addresses"),
        ("used up (max. 10)", "used up (max. 10)"),
    ],
)
def test_a_signature_is_found_whatever_stands_in_its_masks_and_however_it_wraps(signature, text):
    assert found(signature, text)


@pytest.mark.parametrize(
    ("signature", "text"),
    [
        ("can't found dev by mac <mac>", "can't found dev by mac of the card"),
        ("dial tcp <ip>:<int>: refused", "dial tcp somewhere: refused"),
        ("table has <int> entries", "table has many entries"),
        ("used up (max. 10)", "used up (max: 10)"),
    ],
)
def test_a_signature_is_not_found_where_something_else_stands(signature, text):
    assert not found(signature, text)


def test_every_mask_can_be_used():
    for mask in MASKS:
        assert Signature.compile(f"a literal <{mask}>").parts == ("aliteral", f"<{mask}>")


def test_the_anchor_is_the_longest_literal():
    assert Signature.compile("error <int>: no addresses left").anchor == ":noaddressesleft"


def test_an_unknown_mask_is_refused():
    with pytest.raises(SignatureError, match="unknown mask <host>; known: int, ip, mac"):
        Signature.compile("cannot reach host <host>")


@pytest.mark.parametrize("text", ["", "<ip>", "a <int> b", "five5", "a b c d e <text>"])
def test_a_signature_that_tells_too_little_is_refused(text):
    with pytest.raises(SignatureError, match="literal part of at least 6"):
        Signature.compile(text)
