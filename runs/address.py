"""A server's address, with its secrets kept apart from what may be shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from .errors import ClientError


@dataclass(frozen=True)
class Address:
    """Where a ComfyUI server listens. `base` is fit to be shown; the credentials never appear in repr or messages.

    User name and password of the URL become HTTP basic authentication; its query (some hosting services put a token
    there) is sent along with every request.
    """

    base: str
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Reads 'host:port', 'http://user:password@host:port/path?token=…' and the like. Raises ClientError."""
        text = text.strip()
        parts = _split(text if "://" in text else f"http://{text}")
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = f":{parts.port}" if parts.port else ""
        return cls(
            base=f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}",
            user=unquote(parts.username) if parts.username is not None else None,
            password=unquote(parts.password or ""),
            query=MappingProxyType(dict(parse_qsl(parts.query, keep_blank_values=True))),
        )

    def url(self, path: str) -> str:
        """The URL of a route such as '/prompt' or '/object_info/Load Checkpoint', without query."""
        return self.base + quote(path)

    def __str__(self) -> str:
        return self.base


def _split(text: str) -> SplitResult:
    advice = "give the server's address as http://HOST:PORT, for example http://127.0.0.1:8188"
    try:
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass
    # The text itself stays out: what cannot be parsed may hold a password.
    raise ClientError(f"That is not a server address: {advice}.") from None
