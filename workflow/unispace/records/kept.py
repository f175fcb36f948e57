"""What a job made of each of its parts, kept for the next time that it runs: one file a job, checked on reading.

A setting that concerns one part of many would otherwise have all of them made again. Each part has a key that names
all that decides it. A file holds what the last run asked for and nothing older, so it does not grow; it is written as
a whole, and a job has a file of its own, so jobs that run side by side do not meet.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from unispace.records.files import replacing

log = logging.getLogger(__name__)

_DIGEST = 64


class Kept(NamedTuple):
    """What a file holds.

    Attributes:
        about: what can be known of the parts without reading them, as JSON has it.
        parts: by name.
    """

    about: dict[str, Any]
    parts: dict[str, bytes]


def write_kept(path: Path, about: Mapping[str, Any], parts: Mapping[str, bytes]) -> None:
    """Write parts: the SHA-256 of what follows, a line of JSON, and the parts one behind the other."""
    sizes = [[name, len(part)] for name, part in parts.items()]
    head = json.dumps({"about": about, "sizes": sizes}, sort_keys=True).encode() + b"\n"
    digest = hashlib.sha256(head)
    for part in parts.values():
        digest.update(part)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        for part in (digest.hexdigest().encode(), head, *parts.values()):
            stream.write(part)


def read_kept(path: Path | None) -> Kept | None:
    """Read what `write_kept` wrote; None where there is no file, or one that was damaged since."""
    if path is None or not path.is_file():
        return None
    content = path.read_bytes()
    if hashlib.sha256(content[_DIGEST:]).hexdigest().encode() != content[:_DIGEST]:
        log.warning("%s is damaged; what it kept is made anew", path)
        return None
    end = content.index(b"\n", _DIGEST) + 1
    head = json.loads(content[_DIGEST:end])
    parts: dict[str, bytes] = {}
    for name, size in head["sizes"]:
        parts[name] = content[end : end + size]
        end += size
    return Kept(head["about"], parts)
