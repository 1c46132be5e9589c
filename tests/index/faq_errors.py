"""Every literal error, log line and event in the editions of the FAQ, collected by hand, and where it belongs.

None of them is in Chinese. Left out is what is no message of its own but a state or a word of everybody's:
``NotReady``, ``Pending``, ``timeout``, ``504``, tables that commands print.
"""

from __future__ import annotations

__all__ = ["FAQ_ERRORS", "FAQ_OUTPUTS"]

_LEAK = frozenset({"flannel-ip-leak", "flannel-pod-cidr-exhausted"})
_TAINT = frozenset({"flannel-node-network-unavailable"})
_TABLES = frozenset({"flannel-multiple-route-tables", "flannel-node-network-unavailable"})
_CONNTRACK = frozenset({"conntrack-table-full"})
_SCHEDULER = frozenset({"ipvs-scheduler"})
_LOAD_BALANCE = frozenset({"terway-in-cluster-loadbalance"})
_VSWITCH = frozenset({"terway-vswitch-ip-exhausted"})
_EIP = frozenset({"terway-upgrade-eip-pool"})
_MAC = frozenset({"terway-mac-not-found"})

FAQ_ERRORS: dict[str, frozenset[str]] = {
    "InvalidVSwitchId.IpNotEnough": _VSWITCH,
    'The specified VSwitch "<id>" has not enough IpAddress.': _VSWITCH,
    "Assign private ip address failed: Aliyun API Error: RequestId: <id> Status Code: 403 "
    'Code: InvalidVSwitchId.IpNotEnough Message: The specified VSwitch "<id>" has not enough IpAddress., retrying': (
        _VSWITCH
    ),
    'time="2020-03-17T07:03:40Z" level=warning msg="Assign private ip address failed: Aliyun API Error: RequestId: '
    r"<id> Status Code: 403 Code: InvalidVSwitchId.IpNotEnough Message: The specified VSwitch \"<id>\" has not enough "
    'IpAddress., retrying"': _VSWITCH,
    "failed to allocate for range 0: no IP addresses available in range set": _LEAK,
    "failed to allocate for range 0: no IP addresses available in range set: <ip>-<ip>": _LEAK,
    "no IP addresses available in range set": _LEAK,
    "eip pool is not supported": _EIP,
    "can't found dev by mac": _MAC,
    "failed to do add; error parse config, can't found dev by mac <mac>: not found": _MAC,
    "MAC address not found": _MAC,
    "multiple route tables found": _TABLES,
    "NodeNetworkUnavailable": _TAINT,
    "nf_conntrack: table full, dropping packet": _CONNTRACK,
    "kernel: nf_conntrack: table full, dropping packet.": _CONNTRACK,
    "conntrack full": _CONNTRACK,
    "Can't use the IPVS proxier": _SCHEDULER,
    "IPVS proxier will not be used because the following required kernel modules are not loaded: [ip_vs_lc]": (
        _SCHEDULER
    ),
    "Can't use the IPVS proxier: IPVS proxier will not be used because the following required kernel modules are not "
    "loaded: [ip_vs_lc]": _SCHEDULER,
    "Using iptables Proxier.": _SCHEDULER,
    "Using ipvs Proxier.": _SCHEDULER,
    "enable-in-cluster-loadbalance=true": _LOAD_BALANCE,
    "enable-in-cluster-loadbalance": _LOAD_BALANCE,
    "removing leaked ip <ip>": frozenset({"flannel-ip-leak"}),
    "Found 17 leaked Pod IP, press <Enter> to clean.": frozenset({"flannel-ip-leak"}),
    "Leaked Pod IP cleaned, removing temp file.": frozenset({"flannel-ip-leak"}),
}

FAQ_OUTPUTS: dict[str, frozenset[str]] = {"using tmpfs": frozenset({"flannel-ip-leak"})}
"""What a check of the FAQ prints, in words that anybody may write: no signature, but still found."""
