"""The literal error texts of Terway, kubelet and the cloud, in the forms of different releases."""

from __future__ import annotations

from tests.scenarios.building.identity import container_id, request_id

__all__ = [
    "alloc_ip",
    "mac_not_found",
    "openapi",
    "openapi_old",
    "sandbox",
    "vswitch_short",
]


def openapi(code: str, message: str, *salt: str) -> str:
    """An OpenAPI error as current Terway words it."""
    return f"errCode: {code}, msg: {message}, requestID: {request_id(code, *salt)}"


def openapi_old(code: str, message: str, *salt: str) -> str:
    """The same as old Terway and its SDK wrote it."""
    return f"Aliyun API Error: RequestId: {request_id(code, *salt)} Status Code: 403 Code: {code} Message: {message}"


def vswitch_short(vswitch: str, *, old: bool = False, code: str = "InvalidVSwitchId.IpNotEnough") -> str:
    text = f'The specified VSwitch "{vswitch}" has not enough IpAddress.'
    return (openapi_old if old else openapi)(code, text, vswitch)


def alloc_ip(cause: str) -> str:
    """What Terway's CNI plugin reports when the daemon gave it no address."""
    return f"cmdAdd: error alloc ip rpc error: code = Unknown desc = {cause}"


def mac_not_found(mac: str) -> str:
    return f"error parse config, can't found dev by mac {mac}: not found"


def sandbox(cause: str, *, pod: str, namespace: str, plugin: str, runtime: str, prefix: str = "") -> str:
    """kubelet's event text around a CNI error; ``prefix`` is what newer Terway puts before its own text."""
    failed = "Failed to create pod sandbox: rpc error: code = Unknown desc ="
    sandbox_id = container_id("sandbox", namespace, pod)
    if runtime.startswith("docker"):
        return (
            f'{failed} failed to set up sandbox container "{sandbox_id}" network for pod "{pod}": '
            f'networkPlugin cni failed to set up pod "{pod}_{namespace}" network: {prefix}{cause}'
        )
    name = {"terway": "terway", "flannel": "cb0"}.get(plugin, plugin)
    return (
        f'{failed} failed to setup network for sandbox "{sandbox_id}": '
        f'plugin type="{plugin}" name="{name}" failed (add): {prefix}{cause}'
    )
