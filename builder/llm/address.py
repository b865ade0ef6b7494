"""The endpoint's address: which one is meant, whether it can be used, and how it is shown.

Credentials belong in OPENAI_API_KEY: an address is kept in the session and shown on the screen.
"""

import ipaddress
import os
from urllib.parse import SplitResult, urlsplit

from builder.errors import InputError

OPENAI_URL = "https://api.openai.com/v1"
URL_VARIABLE = "OPENAI_BASE_URL"
# "@" anywhere: the password in http://me:1/2@host would else pass for a port and a path.
_FORBIDDEN = {"@": "credentials", "?": "a query", "#": "a fragment"}


def endpoint(url: str | None) -> SplitResult:
    """The parts of `url`, else of OPENAI_BASE_URL, else of OpenAI's own address.

    Raises InputError for what is no http address of scheme, host, port and path alone.
    """
    address = _meant(url)
    found = [name for mark, name in _FORBIDDEN.items() if mark in address]
    if found:
        raise InputError(
            f"The language model's address {shown(url)} comes with {' and '.join(found)}; only "
            "scheme, host, port and path can be used.",
            hint="Give the address alone and pass the key in OPENAI_API_KEY.",
        )
    parts = _parsed(address)
    if parts is None:
        raise malformed(url)
    return parts


def malformed(url: str | None) -> InputError:
    return InputError(
        f"The language model's address {shown(url)!r} is no http address.",
        hint="Give the address of the API with --llm-url or OPENAI_BASE_URL, for example "
        "http://localhost:11434/v1.",
    )


def has_address(url: str | None) -> bool:
    """Whether an address is given, by `url` or by OPENAI_BASE_URL."""
    return bool(url or os.environ.get(URL_VARIABLE))


def is_local(url: str | None) -> bool:
    """Whether `url`, else OPENAI_BASE_URL, is on this machine: localhost, 127.0.0.0/8 or ::1."""
    parts = _parsed(_meant(url))
    host = parts.hostname if parts is not None else None
    if host is None or host == "localhost":
        return host is not None
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shown(url: str | None) -> str:
    """scheme://host[:port]/path of `url`, else of OPENAI_BASE_URL; "OpenAI" with neither.

    Never what may be a secret: no credentials, no query, no fragment.
    """
    if not url and not os.environ.get(URL_VARIABLE):
        return "OpenAI"
    address = _meant(url)
    parts = _parsed(address)
    if parts is not None and "@" not in parts.path + parts.query + parts.fragment:
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    # What can't be taken apart is shown whole or not at all.
    plain = address.isprintable() and not any(mark in address for mark in _FORBIDDEN)
    return address if plain else "(unreadable)"


def _meant(url: str | None) -> str:
    return url or os.environ.get(URL_VARIABLE) or OPENAI_URL


def _parsed(address: str) -> SplitResult | None:
    """None for what is no http address."""
    if " " in address or not address.isprintable():
        return None
    try:
        parts = urlsplit(address)
        # Looked at here, because both fail only when they are used.
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None
