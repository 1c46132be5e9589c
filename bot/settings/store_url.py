"""The setting that says where the store lies, with its password masked wherever it is shown."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from platformdirs import user_state_path
from pydantic import AfterValidator, Secret

__all__ = ["StoreUrl", "usual_store"]

_MASK = "**********"
# Up to the last @ of all: a password may hold any character that somebody forgot to escape.
_PASSWORD = re.compile(r"\A(?P<user>\w+://[^:@/?]*):.*@", re.DOTALL)
_PARAMETER = re.compile(r"(?P<name>[?&][^=&]*=)(?P<value>[^&]*)")
_SHOWN = ("host", "hostaddr", "port", "user", "dbname", "sslmode", "connect_timeout", "target_session_attrs")


def _usable(url: str) -> str:
    # A reason never quotes the URL: it may hold a password.
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if any(not char.isprintable() for char in url):
        scheme = ""
    if scheme == "sqlite":
        path = url.removeprefix("sqlite:///")
        if path != url and path.strip("/") and path != ":memory:" and "?" not in path:
            return url
    if scheme in ("postgresql", "postgres") and url.startswith(f"{scheme}://"):
        return url
    raise ValueError("such as sqlite:////var/lib/acknet/acknet.db or postgresql://acknet@db.example.com/acknet")


class StoreUrl(Secret[Annotated[str, AfterValidator(_usable)]]):
    """``sqlite:///PATH`` or a connection URI of PostgreSQL; shown without what may be secret in it.

    After three slashes a relative path follows, after four an absolute one; a leading ``~`` is the home directory.
    """

    def _display(self) -> str:
        url = self.get_secret_value()
        if url.startswith("sqlite:"):
            return url
        url = _PASSWORD.sub(rf"\g<user>:{_MASK}@", url)
        return _PARAMETER.sub(_parameter, url)


def usual_store() -> StoreUrl:
    """Return where the store lies unless told otherwise: a file in the user's state directory."""
    try:
        directory = str(user_state_path("acknet", appauthor=False))
    except RuntimeError:
        directory = "~/.local/state/acknet"  # no home is known; whoever opens the store is told so
    return StoreUrl(f"sqlite:///{directory}/acknet.db")


def _parameter(found: re.Match[str]) -> str:
    shown = found["name"][1:-1] in _SHOWN
    return found[0] if shown else f"{found['name']}{_MASK}"
