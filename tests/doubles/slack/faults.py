"""What can go wrong between an app and Slack, on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.doubles.slack.requests import Received

__all__ = ["Fault"]


@dataclass
class Fault:
    """What befalls the first ``times`` requests (all without) to what ``method`` names, after ``skip`` went well.

    ``method`` is a Web API method, a pattern (``chat.*``) or one of ``response_url``, ``upload``, ``download``,
    ``socket``; ``when`` narrows it down. With ``applied`` the request takes effect before it goes wrong. ``delay``
    (seconds) alone makes an answer slow, whether or not anybody waits for it; ``error`` is answered as Slack words it;
    ``status`` stands for an answer of the servers before it; ``reset`` closes the connection instead of an answer;
    ``cut`` after so many bytes of it; ``hang`` never answers.
    """

    method: str = "*"
    times: int | None = 1
    skip: int = 0
    when: Callable[[Received], bool] | None = None
    applied: bool = False
    delay: float = 0.0
    error: str | None = None
    status: int | None = None
    retry_after: int | None = None
    body: bytes | None = None
    reset: bool = False
    cut: int | None = None
    hang: bool = False

    @classmethod
    def rate_limited(cls, method: str = "*", retry_after: int = 1, times: int | None = 1) -> Fault:
        return cls(method, times, status=429, error="ratelimited", retry_after=retry_after)

    @classmethod
    def server_error(
        cls, method: str = "*", status: int = 500, times: int | None = 1, *, applied: bool = False
    ) -> Fault:
        return cls(method, times, status=status, applied=applied)

    @classmethod
    def slow(cls, method: str = "*", delay: float = 1.0, times: int | None = 1, *, applied: bool = False) -> Fault:
        return cls(method, times, delay=delay, applied=applied)

    @classmethod
    def reset_before(cls, method: str = "*", times: int | None = 1) -> Fault:
        return cls(method, times, reset=True)

    @classmethod
    def reset_after(cls, method: str = "*", times: int | None = 1) -> Fault:
        """The request takes effect (a message is stored), but its sender does not learn it."""
        return cls(method, times, reset=True, applied=True)

    @classmethod
    def cut_body(cls, method: str = "*", after: int = 10, times: int | None = 1) -> Fault:
        return cls(method, times, cut=after, applied=True)

    def take(self, request: Received) -> bool:
        """Tell whether it befalls ``request``, which counts as one of its times."""
        if self.times == 0 or not fnmatchcase(request.method, self.method):
            return False
        if self.when is not None and not self.when(request):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    @property
    def answers_itself(self) -> bool:
        """Whether the request gets another answer than the right one."""
        return self.status is not None or self.error is not None or self.body is not None
