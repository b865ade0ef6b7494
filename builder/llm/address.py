"""Where `--llm SPEC` leads: to an address that speaks OpenAI's API, or to a provider's own client.

An address is checked and shown without what may be secret: it is kept in the session and printed on
the screen, so that credentials belong in OPENAI_API_KEY.
"""

import contextlib
import ipaddress
import os
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from builder.errors import InputError
from builder.llm.schemas import short

OPENAI_URL = "https://api.openai.com/v1"
OLLAMA_URL = "http://localhost:11434/v1"
# "@" anywhere: the password in http://me:1/2@host would else pass for a port and a path.
_FORBIDDEN = {"@": "credentials", "?": "a query", "#": "a fragment"}
# The one query that is no secret: Azure's.
_VERSION = re.compile(r"\?api-version=[\w.-]+\Z")
# Characters. Longer ones are no names, but something that was pasted.
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Route:
    """Where a model is: at `url`, or with `provider` behind that provider's own client."""

    model: str
    url: str | None
    provider: str | None = None

    @property
    def local(self) -> bool:
        """Whether nothing leaves this machine, and nothing is charged."""
        return self.provider is None and is_local(self.url)


def route(spec: str, url: str | None) -> Route:
    """The route that `spec` names; a prefix counts only where no address is given.

    OpenRouter's models have slashes too.

    Raises InputError for what names no model.
    """
    prefix, slash, model = spec.partition("/")
    if not (model if slash else prefix).strip() or not spec.isprintable() or len(spec) > _LONGEST:
        raise InputError(
            f"--llm {short(repr(spec), 60)} is no model name.",
            hint="Give the name as the endpoint knows it, for example gpt-4o or ollama/llama3.",
        )
    if given(url) or not slash:
        return Route(spec, url)
    if prefix == "openai":
        return Route(model, None)
    if prefix == "ollama":
        return Route(model, OLLAMA_URL)
    # Imported here: it takes a second to load.
    from instructor.auto_client import supported_providers

    return Route(model, None, prefix) if prefix in supported_providers else Route(spec, None)


def endpoint(url: str | None) -> SplitResult:
    """The parts of `url`, else of OPENAI_BASE_URL, else of OpenAI's own address.

    Raises InputError for what is no http address of scheme, host, port, path and version alone.
    """
    address = given(url) or OPENAI_URL
    plain = _VERSION.sub("", address)
    found = [name for mark, name in _FORBIDDEN.items() if mark in plain]
    if found:
        raise InputError(
            f"The language model's address {shown(url)} comes with {' and '.join(found)}; only "
            "scheme, host, port, path and ?api-version= can be used.",
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


def given(url: str | None) -> str:
    """The address given by `url` or by OPENAI_BASE_URL; "" where OpenAI's own is meant."""
    return url or os.environ.get("OPENAI_BASE_URL", "")


def is_local(url: str | None) -> bool:
    """Whether `url`, else OPENAI_BASE_URL, is on this machine: localhost, 127.0.0.0/8 or ::1."""
    parts = _parsed(given(url) or OPENAI_URL)
    host = (parts.hostname if parts else None) or ""
    with contextlib.suppress(ValueError):
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    return False


def is_near(url: str | None) -> bool:
    """Whether `url`, else OPENAI_BASE_URL, is on this machine or in its own network."""
    parts = _parsed(given(url) or OPENAI_URL)
    host = (parts.hostname if parts else None) or ""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_private
    return (bool(host) and "." not in host) or host.endswith((".local", ".localhost"))


def shown(url: str | None) -> str:
    """scheme://host[:port]/path of `url`, else of OPENAI_BASE_URL; "OpenAI" with neither.

    Never what may be a secret: no credentials, no query, no fragment.
    """
    address = given(url)
    if not address:
        return "OpenAI"
    parts = _parsed(address)
    if parts is not None and "@" not in parts.path + parts.query + parts.fragment:
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    # What can't be taken apart is shown whole or not at all.
    plain = address.isprintable() and not any(mark in address for mark in _FORBIDDEN)
    return address if plain else "(unreadable)"


def _parsed(address: str) -> SplitResult | None:
    """The parts of an http address; None for anything else."""
    if " " in address or not address.isprintable():
        return None
    try:
        parts = urlsplit(address)
        # Looked at here, because both fail only when they are used.
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None
