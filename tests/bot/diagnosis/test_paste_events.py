"""What a few pasted lines decide: events without the pod, and pods without their node."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.paste.reader import PasteReader
from corpus import Corpus, load_corpus

NOW = dt.datetime(2026, 3, 2, 3, 4, 5, tzinfo=dt.UTC)
SANDBOX = (
    'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "9f1c": '
    'plugin type="terway" name="terway" failed (add): failed to do add; '
)
NO_ADDRESS = (
    f"{SANDBOX}cmdAdd: error alloc ip rpc error: code = Unknown desc = InvalidVSwitchId.IpNotEnough, vsw-bp1abc"
)
EXHAUSTED, STATUS = "terway-vswitch-ip-exhausted", "terway-pod-status"


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


def of(text: str, corpus: Corpus) -> Diagnosis:
    return asyncio.run(diagnose(PasteReader(text, NOW), corpus))


def cases(found: Diagnosis, entry: str) -> set[str]:
    return {one.case for one in found.findings if (one.entry, one.verdict) == (entry, "confirmed")}


def test_a_fresh_event_with_the_literal_error_confirms_what_it_says(corpus):
    found = of(f"35s  Warning  FailedCreatePodSandBox  pod/cart-0  {NO_ADDRESS}", corpus)
    assert found.verdicts[EXHAUSTED] == "confirmed"
    assert found.verdicts["terway-mac-not-found"] == "ruled_out"
    assert cases(found, STATUS) == {"network-setup"}


def test_events_of_a_description_without_its_head_tell_whose_they_are(corpus):
    found = of(
        "Events:\n"
        "  Type     Reason                  Age                From               Message\n"
        "  ----     ------                  ----               ----               -------\n"
        "  Normal   Scheduled               6m                 default-scheduler  "
        "Successfully assigned shop/cart-0 to cn-hangzhou.10.0.0.7\n"
        f"  Warning  FailedCreatePodSandBox  35s (x12 over 6m)  kubelet            {NO_ADDRESS}\n",
        corpus,
    )
    assert found.verdicts[EXHAUSTED] == "confirmed"


@pytest.mark.parametrize(
    "more",
    [
        "10s  Normal  Started  pod/cart-0  Started container app",
        "10s  Normal  AllocIPSucceed  pod/cart-0  Alloc IP 10.0.0.9 took 2s",
    ],
)
def test_an_event_that_others_came_after_confirms_nothing(corpus, more):
    found = of(f"5m  Warning  FailedCreatePodSandBox  pod/cart-0  {NO_ADDRESS}\n{more}", corpus)
    assert found.verdicts[EXHAUSTED] != "confirmed"
    assert found.verdicts[STATUS] != "confirmed"


def test_an_old_event_confirms_nothing(corpus):
    found = of(f"52m  Warning  FailedCreatePodSandBox  pod/cart-0  {NO_ADDRESS}", corpus)
    assert found.verdicts[EXHAUSTED] != "confirmed"
    assert found.verdicts[STATUS] != "confirmed"


def test_a_table_of_pods_that_leaves_their_nodes_out_does_not_make_them_unscheduled(corpus):
    found = of(
        "NAME    READY   STATUS              RESTARTS   AGE\n"
        "web-0   0/1     ContainerCreating   0          5m\n"
        f"LAST SEEN  TYPE  REASON  OBJECT  MESSAGE\n35s  Warning  FailedCreatePodSandBox  pod/web-0  {NO_ADDRESS}",
        corpus,
    )
    assert cases(found, STATUS) == {"network-setup"}
    assert found.verdicts[EXHAUSTED] == "confirmed"
