"""Services in dual-stack clusters: which cluster IPs they have, and whether the one of IPv6 leads anywhere."""

from __future__ import annotations

from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.ipv6_pods import POD_SHOWS, UNREACHABLE, dual, only_ipv4
from tests.scenarios.building.scenario import Collection, Scenario

SCENARIOS = Collection()

SHOWS = "ipv6-service-shows-ipv4"
VIP = "ipv6-cluster-ip-unreachable"
IN_SHOP = {"namespace": "shop", "service": "portal"}


@SCENARIOS.add
def never_asked_for() -> Scenario:
    c, _, _, app = dual("service-single")
    c.service("shop", "portal", app)
    return Scenario(
        c,
        title="The Service is single stack",
        question="dual-stack cluster, pods have IPv6, the Service portal only 10.96.x",
        scope=IN_SHOP,
        expect={SHOWS: "confirmed", VIP: "confirmed", POD_SHOWS: ["confirmed", "ruled_out"]},
        why="ipFamilyPolicy is SingleStack and clusterIPs has one entry; the cluster is dual stack.",
    )


@SCENARIOS.add
def policy_missing() -> Scenario:
    c, _, _, app = dual("service-without-policy")
    c.service("shop", "portal", app, policy=None)
    return Scenario(
        c,
        title="The Service is older than the field",
        question="svc portal from 2020 has no v6 address",
        scope=IN_SHOP,
        expect={SHOWS: "confirmed", VIP: "confirmed"},
        why="ipFamilyPolicy is not set, which counts as single stack.",
    )


@SCENARIOS.add
def two_are_there() -> Scenario:
    c, _, _, app = dual("service-both")
    ips = [c.service_address(77), c.service_address(77, "IPv6")]
    c.service("shop", "portal", app, cluster_ips=ips, policy="PreferDualStack", families=("IPv4", "IPv6"))
    return Scenario(
        c,
        title="Both cluster IPs are there and have backends",
        question="kubectl get svc shows one address of portal, and its v6 one refuses me",
        scope=IN_SHOP,
        expect={SHOWS: ["confirmed", "ruled_out"], VIP: ["by_hand", "open"], UNREACHABLE: ["by_hand", "open"]},
        why="clusterIPs has both, the IPv6 EndpointSlice has ready endpoints; what the pods listen on is not visible.",
    )


@SCENARIOS.add
def wanted_in_vain() -> Scenario:
    c, _, _, app = dual("service-prefers-two", dual_stack=False)
    c.service("shop", "portal", app, policy="PreferDualStack")
    return Scenario(
        c,
        title="PreferDualStack in a cluster of one family",
        question="patched portal to PreferDualStack, no error, still one IP",
        scope=IN_SHOP,
        expect={SHOWS: "confirmed", VIP: ["confirmed", "ruled_out"], UNREACHABLE: "ruled_out"},
        why="The policy asks for two, clusterIPs has one, ipStack is ipv4.",
    )


@SCENARIOS.add
def headless() -> Scenario:
    c, _, _, app = dual("service-headless")
    c.service("shop", "portal", app, cluster_ips=["None"], policy="RequireDualStack", families=("IPv4", "IPv6"))
    return Scenario(
        c,
        title="A headless Service has no cluster IP of either family",
        question="portal is RequireDualStack but has no v6 cluster IP",
        scope=IN_SHOP,
        expect={SHOWS: "ruled_out", VIP: ["ruled_out", "open"]},
        why="clusterIP is None.",
    )


@SCENARIOS.add
def old_pods() -> Scenario:
    c, _, _, app = dual("vip-old-pods")
    for pod in app.pods:
        only_ipv4(pod)
        pod["metadata"]["creationTimestamp"] = pod["status"]["startTime"] = "{{now-70d}}"
    ips = [c.service_address(78), c.service_address(78, "IPv6")]
    c.service("shop", "portal", app, cluster_ips=ips, policy="PreferDualStack", families=("IPv4", "IPv6"))
    return Scenario(
        c,
        title="The pods behind the IPv6 cluster IP have no IPv6 address",
        question="the IPv6 cluster IP of portal refuses connections, the IPv4 one is fine",
        scope=IN_SHOP,
        expect={VIP: "confirmed", SHOWS: ["ruled_out", "confirmed"], UNREACHABLE: "ruled_out", POD_SHOWS: "confirmed"},
        why="The EndpointSlice of IPv6 is empty, as both pods are older than dual stack.",
    )


@SCENARIOS.add
def backends_not_ready() -> Scenario:
    c, a, _, _ = dual("vip-not-ready")
    app = c.deployment("shop", "search")
    app.pod(a, state="not_ready")
    ips = [c.service_address(79), c.service_address(79, "IPv6")]
    c.service("shop", "search", app, cluster_ips=ips, policy="PreferDualStack", families=("IPv4", "IPv6"))
    return Scenario(
        c,
        title="The only backend is not ready",
        question="v6 VIP of search is dead",
        scope={"namespace": "shop", "service": "search"},
        expect={VIP: "confirmed", SHOWS: ["ruled_out", "confirmed"]},
        why="The IPv6 EndpointSlice has an endpoint that is not ready.",
    )


@SCENARIOS.add
def old_kube_proxy() -> Scenario:
    c = Cluster(
        "ipv6-vip-old-kube-proxy",
        plugin="flannel",
        server="v1.20.11-aliyun.1",
        dual_stack=True,
        runtime="docker://19.3.15",
    )
    a, b = c.node("172.16.4.41"), c.node("172.16.4.42")
    app = c.deployment("shop", "portal", [a, b])
    ips = [c.service_address(80), c.service_address(80, "IPv6")]
    c.service("shop", "portal", app, cluster_ips=ips, policy="PreferDualStack", families=("IPv4", "IPv6"))
    return Scenario(
        c,
        title="kube-proxy 1.20 without the gate serves one family",
        question="IPv6 cluster IP of portal times out from every pod, pod to pod by IPv6 works",
        scope=IN_SHOP,
        expect={VIP: "confirmed", SHOWS: ["ruled_out", "confirmed"], UNREACHABLE: ["by_hand", "open", "ruled_out"]},
        why="Before 1.21 the gate IPv6DualStack is off unless set, and config.conf does not set it.",
    )


@SCENARIOS.add
def slices_forbidden() -> Scenario:
    c, _, _, app = dual("vip-slices-forbidden")
    ips = [c.service_address(81), c.service_address(81, "IPv6")]
    c.service("shop", "portal", app, cluster_ips=ips, policy="PreferDualStack", families=("IPv4", "IPv6"))
    return Scenario(
        c,
        title="EndpointSlices may not be read",
        question="IPv6 cluster IP of portal does not answer",
        scope=IN_SHOP,
        expect={VIP: ["unreadable", "open", "by_hand"]},
        forbidden=["endpointslices"],
        why="Whether the IPv6 side has backends cannot be read.",
    )


@SCENARIOS.add
def services_forbidden() -> Scenario:
    c, _, _, app = dual("services-forbidden")
    c.service("shop", "portal", app)
    return Scenario(
        c,
        title="Services may not be read",
        question="has the Service portal an IPv6 cluster IP?",
        scope=IN_SHOP,
        expect={SHOWS: ["unreadable", "open"], VIP: ["unreadable", "open", "by_hand"]},
        forbidden=["services"],
        why="Policy and cluster IPs stand in the Service.",
    )


@SCENARIOS.add
def no_service_named() -> Scenario:
    c, _, _, app = dual("services-of-all")
    c.service("shop", "portal", app)
    return Scenario(
        c,
        title="Dual stack, and a Service of old",
        question="our cluster is dual stack since last year, kubectl get svc -A shows IPv4 only",
        expect={SHOWS: "confirmed", UNREACHABLE: ["by_hand", "open"], "ipv6-no-outbound": ["by_hand", "open"]},
        why="The cluster has two Service ranges; the policy of Service portal is SingleStack.",
    )


@SCENARIOS.add
def ordinary_cluster() -> Scenario:
    c, _, _, app = dual("nothing-asked", dual_stack=False)
    c.service("shop", "portal", app)
    return Scenario(
        c,
        title="An ordinary IPv4 cluster",
        question="is anything wrong with IPv6 here?",
        expect={
            UNREACHABLE: "ruled_out",
            "ipv6-pod-no-public-access": "ruled_out",
            "ipv6-no-outbound": "ruled_out",
            "ipvs-udp-timeout": "ruled_out",
            "conntrack-table-full": ["open", "by_hand", "ruled_out"],
        },
        why="The cluster has one family; nobody asked for another.",
    )
