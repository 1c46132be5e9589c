"""YAML and JSON that people paste are found, also where the end was cut off."""

import json

import pytest

from bot.diagnosis.objects import PARTIAL
from tests.bot.diagnosis.pasting import ENI_CONFIG, NODES, WHOLE_POD, as_json, as_yaml, get, items, read


@pytest.mark.parametrize("write", [as_yaml, as_json, lambda value: json.dumps(value) + "\n"])
def test_whole_objects_are_whole(wrapped, write):
    items_of_list = {"apiVersion": "v1", "items": [WHOLE_POD, ENI_CONFIG], "kind": "List", "metadata": {}}
    for text in (write(WHOLE_POD) + "\n" + write(ENI_CONFIG), write(items_of_list)):
        reader = read(wrapped(text))
        assert get(reader, "pods", "api-0", "shop") == WHOLE_POD
        assert get(reader, "configmaps", "eni-config", "kube-system") == ENI_CONFIG


def test_yaml_between_talk_and_other_output_is_found():
    text = (
        "this is the pod:\n"
        + as_yaml(WHOLE_POD)
        + "and it is on this node:\n\n"
        + NODES
        + "\nok?\n---\n"
        + as_yaml(ENI_CONFIG)
    )
    reader = read(text)
    assert get(reader, "pods", "api-0", "shop") == WHOLE_POD
    assert len(items(reader, "nodes")) == 2
    assert get(reader, "configmaps", "eni-config", "kube-system") == ENI_CONFIG


@pytest.mark.parametrize("write", [as_yaml, as_json])
def test_a_list_whose_end_was_cut_gives_the_items_before_the_cut(write):
    pods = [{**WHOLE_POD, "metadata": {"name": f"p{n}", "namespace": "shop"}} for n in range(4)]
    text = write({"apiVersion": "v1", "items": pods, "kind": "List", "metadata": {"resourceVersion": ""}})
    whole = pods[:3]
    for end in range(text.index("p3") + 3, len(text), 7):
        reader = read(f"$ kubectl get po -n shop\n```\n{text[:end]}\n```\n")
        found = {item["metadata"]["name"]: item for item in items(reader, "pods")}
        assert [found[item["metadata"]["name"]] for item in whole] == whole
        assert found.get("p3", WHOLE_POD) == pods[3] or PARTIAL in found["p3"]["metadata"]["annotations"]


@pytest.mark.parametrize("write", [as_yaml, as_json])
def test_an_object_whose_end_was_cut_is_partial(write):
    text = write(WHOLE_POD)
    reader = read(text[: text.index("status")])
    pod = get(reader, "pods", "api-0", "shop")
    assert pod["spec"]["nodeName"] == "n1"
    assert pod["metadata"]["annotations"] == {PARTIAL: "cut"}


def test_an_object_with_an_elision_is_partial():
    text = as_yaml(WHOLE_POD).replace("  containers:", "  ...\n  containers:")
    assert get(read(text), "pods", "api-0", "shop")["metadata"]["annotations"] == {PARTIAL: "cut"}


@pytest.mark.parametrize("write", [as_yaml, as_json])
def test_a_config_map_cut_before_its_name_has_that_of_the_command(write):
    text = write({key: ENI_CONFIG[key] for key in ("apiVersion", "data")})
    cut = text[: text.index("in_cluster")]
    reader = read(f"[root@master ~]# kubectl -n kube-system get cm eni-config -o yaml\n{cut}")
    config_map = get(reader, "configmaps", "eni-config", "kube-system")
    assert config_map["data"]["eni_conf"].startswith('{\n  "version": "1"')
    assert config_map["metadata"]["annotations"] == {PARTIAL: "cut"}


def test_events_of_the_new_api_are_read_as_the_old():
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "shop"},
        "regarding": {"kind": "Pod", "name": "api-0"},
        "note": "x",
    }
    assert get(read(as_yaml(event)), "events", "e", "shop")["message"] == "x"
