"""A hash of many files that reads none of them twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from unispace.records.files import replacing, sha256_of, sha256_of_text


def fingerprint_of(files: Mapping[str, Path], where: str, cache: Path) -> str:
    """A hash of names and contents.

    Contents are hashed once: as git does, a file whose size and times are as they were is not read again.

    Args:
        files: the file of each name.
        where: what they belong to; the cache of another one is not used.
        cache: file that remembers size, times and hash of each.
    """
    known = _remembered(cache, where)
    seen: dict[str, list[str | int]] = {}
    for name, file in files.items():
        stat = file.stat()
        # The time of the last change of any kind too: tools that unpack or copy set the other one back.
        now = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
        entry = known.get(name)
        if entry is None or entry[:3] != now:
            entry = [*now, sha256_of(file)]
        seen[name] = entry
    if seen != known:
        with replacing(cache) as temporary:
            temporary.write_text(json.dumps({"folder": where, "files": seen}), "utf-8")
    return sha256_of_text(*(f"{name} {entry[3]}" for name, entry in seen.items()))


def _remembered(cache: Path, where: str) -> dict[str, list[str | int]]:
    """What the cache knows of these files; nothing where it is about others, or damaged."""
    try:
        content = json.loads(cache.read_text("utf-8"))
        return content["files"] if content["folder"] == where else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
