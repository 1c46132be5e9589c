"""Logging in with a credential plugin: a command that a kubeconfig names and that prints a token or a certificate."""

# mypy: disable-error-code="no-untyped-call"
# (the official client's configuration code has no types)

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubernetes.aio.config.exec_provider import ExecProvider
from kubernetes.aio.config.kube_config import ConfigNode

__all__ = ["CredentialPlugin", "PluginFailed"]


class PluginFailed(Exception):
    """A credential plugin gave no credential; the text is one line, without what it printed."""


class CredentialPlugin(ExecProvider):
    """A command that prints an ExecCredential; it never gets at the terminal, and is killed when time is up."""

    def __init__(self, config: ConfigNode, directory: Path) -> None:
        super().__init__(config)
        self.command = self.args[0]
        if os.sep in self.command and not Path(self.command).is_absolute():
            self.args[0] = str(directory / self.command)
        hint = config.safe_get("installHint")
        self._hint = f" ({' '.join(str(hint).split())[:200]})" if hint else ""

    async def run_within(self, seconds: float) -> Mapping[str, Any]:
        """Return the credential's status; raises PluginFailed."""
        if shutil.which(self.args[0]) is None:
            raise PluginFailed(f"the credential plugin {self.command} is not installed{self._hint}; install it")
        info = {"apiVersion": self.api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
        try:
            process = await asyncio.create_subprocess_exec(
                *self.args,
                env=self.env | {"KUBERNETES_EXEC_INFO": json.dumps(info)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise PluginFailed(f"the credential plugin {self.command} cannot be started: {error.strerror}") from None
        try:
            async with asyncio.timeout(seconds):
                output, _ = await process.communicate()
        except TimeoutError:
            raise PluginFailed(
                f"the credential plugin {self.command} did not finish within {seconds:g} s; run it by hand to see why"
            ) from None
        finally:
            await _end(process)
        if process.returncode:
            raise PluginFailed(
                f"the credential plugin {self.command} failed (exit status {process.returncode}); "
                "run it by hand to see why"
            )
        return self._status(output)

    def _status(self, output: bytes) -> Mapping[str, Any]:
        try:
            credential = json.loads(output)
        except ValueError:
            credential = None
        status = credential.get("status") if isinstance(credential, dict) else None
        if not isinstance(status, dict) or credential.get("apiVersion") != self.api_version:
            raise PluginFailed(f"the credential plugin {self.command} printed no ExecCredential of {self.api_version}")
        return status


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        # With everything that it has started: that would keep its pipe open.
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
