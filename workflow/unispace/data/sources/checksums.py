"""Checksums as publishers write them: `algorithm:hex`, computed while bytes pass by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

_CHUNK = 1 << 20
_LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}


def problem_of(checksum: str) -> str:
    """What is wrong with the form of a checksum; empty where nothing is."""
    algorithm, colon, digits = checksum.partition(":")
    if not colon or algorithm not in _LENGTHS:
        return f"`{checksum}` must be algorithm:hex, the algorithm one of {', '.join(_LENGTHS)}"
    if len(digits) != _LENGTHS[algorithm] or set(digits) - set("0123456789abcdef"):
        return f"`{checksum}` must have {_LENGTHS[algorithm]} digits of 0-9a-f after `{algorithm}:`"
    return ""


class Digests:
    """SHA-256 of what passes by, and what else a publisher computed."""

    def __init__(self, expected: Iterable[str] = ()) -> None:
        """Begin with no bytes; `expected` are checksums as `algorithm:hex`."""
        self.expected = tuple(expected)
        self.bytes = 0
        algorithms = {"sha256", *(checksum.partition(":")[0] for checksum in self.expected)}
        # MD5 finds damage, which is what publishers give it for; it proves no authorship.
        self._running = {
            algorithm: hashlib.new(algorithm, usedforsecurity=False) for algorithm in algorithms
        }

    def update(self, chunk: bytes) -> None:
        """Take further bytes."""
        self.bytes += len(chunk)
        for running in self._running.values():
            running.update(chunk)

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes so far, in hexadecimal."""
        return self._running["sha256"].hexdigest()

    def mismatches(self) -> list[str]:
        """One line for each expected checksum that the bytes so far do not have."""
        lines = []
        for checksum in self.expected:
            algorithm, _, digits = checksum.partition(":")
            found = self._running[algorithm].hexdigest()
            if found != digits:
                lines.append(
                    f"  expected {algorithm} {digits}\n"
                    f"  found    {algorithm} {found} ({self.bytes:,} bytes)"
                )
        return lines

    def proven(self) -> bool:
        """Whether there are expected checksums and the bytes so far have them all."""
        return bool(self.expected) and not self.mismatches()


def digests_of(file: Path, expected: Iterable[str] = ()) -> Digests:
    """The digests of a file's bytes."""
    digests = Digests(expected)
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digests.update(chunk)
    return digests
