"""What must never be written down: passwords in addresses, tokens and keys of the environment."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

HIDDEN = "***"
"""What stands in the place of a secret."""

# `name:password@` of an address, and its query; quotes and brackets of a text end an address.
_ADDRESS = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)(?P<user>[^/\s?#@'\"<>]+@)?(?P<place>[^\s?#'\"<>]*)(?P<query>\?[^\s#'\"<>)]*)?",
    re.IGNORECASE,
)
# Keys of a query by which servers let somebody in: tokens, and what signs the links that S3, Azure and CDNs hand out.
_KEY = re.compile(
    r"(?<![^&?])(?P<key>[^=&?]*(?:token|secret|passw|pwd|signature|credential|(?:api|access|account|private).?key|key-pair)"
    r"[^=&]*|key|sig|auth|authorization|policy|code|session)=[^&]*",
    re.IGNORECASE,
)
_VARIABLE = re.compile(
    r"TOKEN(?!IZ)|SECRET|PASSW|CREDENTIAL|(API|ACCESS|ACCOUNT|PRIVATE)_?KEY|(^|_)SAS(_|$)|CONNECTION_STRING",
    re.IGNORECASE,
)
# These name a place where a secret lies, which is none.
_PLACE = re.compile(r"(FILE|PATH|DIR|HOME|URL|URI|SOCK)$", re.IGNORECASE)
# Shorter values would be found everywhere.
_SHORTEST = 6


def without_secrets(text: str) -> str:
    """A text for a log or a file that others may read.

    Hidden are names and passwords in addresses, keys of their queries that let somebody in, and the values of
    environment variables that are secret by their names (`HF_TOKEN`, `AWS_SECRET_ACCESS_KEY` and the like).
    """
    for value in _environment():
        text = text.replace(value, HIDDEN)
    return _ADDRESS.sub(_shown, text) if "://" in text else text


def secret_of(address: str) -> str:
    """What of an address lets somebody in, in words without it; empty where nothing does."""
    found = _ADDRESS.search(address)
    if not found:
        return ""
    if found["user"] and urlsplit(address).scheme not in ("ssh", "git+ssh"):
        return "a name or password before the `@`"
    key = _KEY.search(found["query"]) if found["query"] else None
    return f"`{key['key']}` in its query" if key else ""


def _shown(address: re.Match[str]) -> str:
    user = f"{HIDDEN}@" if address["user"] else ""
    query = _KEY.sub(rf"\g<key>={HIDDEN}", address["query"] or "")
    return f"{address['scheme']}{user}{address['place']}{query}"


def _environment() -> list[str]:
    """Secret values of the environment, the longest first, since one may hold another."""
    found = {
        value
        for name, value in os.environ.items()
        if len(value) >= _SHORTEST and _VARIABLE.search(name) and not _PLACE.search(name)
    }
    return sorted(found, key=len, reverse=True)
