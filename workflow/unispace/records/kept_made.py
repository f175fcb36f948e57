"""What a job made of the contents of files, found again by these: packed drawings, pictures in another format."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from unispace.records.kept import read_kept, write_kept


class KeptMade:
    """Texts by what they were made of; those that a run did not ask for are forgotten with it."""

    def __init__(self, path: Path | None, about: str) -> None:
        """Look what there is.

        Args:
            path: where texts are kept; None where none is.
            about: what decides every text beside its content, above all the code that makes it.
        """
        self._path, self._about = path, about
        kept = read_kept(path)
        same = kept is not None and kept.about["of"] == about
        self._old = kept.parts if kept is not None and same else {}
        self._asked: dict[str, bytes] = {}

    def of(self, content: bytes, *settings: str | int, make: Callable[[], str]) -> str:
        """The text that is made of a content.

        Args:
            content: bytes of a file.
            settings: name what is made of it, and how.
            make: makes it, where it is not kept.
        """
        told = hashlib.sha256(content).hexdigest(), *settings
        key = hashlib.sha256(json.dumps(told).encode()).hexdigest()
        if key not in self._asked:
            self._asked[key] = self._old[key] if key in self._old else make().encode()
        return self._asked[key].decode()

    def keep(self) -> None:
        """Keep what was asked for, for the next time."""
        if self._path is not None and self._asked.keys() != self._old.keys():
            write_kept(self._path, {"of": self._about}, self._asked)
