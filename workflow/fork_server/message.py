"""What a client tells a server of its job: lengths and texts, and what both must have in common."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

# Names the folder of the servers in the environment of jobs.
VARIABLE = "UNISPACE_FORK_SERVER"

# Where in that folder servers note their forks.
NOTES = "forks"
# And what they keep compiled.
COMPILED = "compiled"

# The bytes that say how long a request is.
LENGTH = 8
# The answer to a request; where it cannot be done as if the client did it, the connection is closed instead.
ACCEPTED = b"+"

# What a shell changes by itself, and where temporary files go, which is looked up when one is made.
_FREE = frozenset({"PWD", "OLDPWD", "SHLVL", "_", "TMPDIR", "TMP", "TEMP", "TEMPDIR"})


class Request(NamedTuple):
    """A job.

    Attributes:
        origin: of the client, see `origin`.
        folder: working folder.
        mask: of new files (umask), in decimal digits.
        arguments: the command and what follows it.
        environment: `NAME=value`.
    """

    origin: tuple[str, ...]
    folder: str
    mask: str
    arguments: tuple[str, ...]
    environment: tuple[str, ...]

    def pack(self) -> bytes:
        """As bytes; no text of an operating system holds a zero."""
        lengths = (len(self.origin), len(self.arguments))
        texts = (self.folder, self.mask, *self.origin, *self.arguments, *self.environment)
        return b"\0".join(os.fsencode(text) for text in (*map(str, lengths), *texts))


def unpack(data: bytes) -> Request:
    """The request that was packed."""
    origins, arguments, folder, mask, *texts = map(os.fsdecode, data.split(b"\0"))
    middle = int(origins) + int(arguments)
    return Request(
        tuple(texts[: int(origins)]),
        folder,
        mask,
        tuple(texts[int(origins) : middle]),
        tuple(texts[middle:]),
    )


def origin() -> tuple[str, ...]:
    """What a process has had since its start and no later setting changes.

    Libraries read the environment when they are loaded, the number of threads above all. So a server serves only
    those that would have started exactly as it did.
    """
    interpreter = (sys.version, sys.prefix, sys.flags, sys._xoptions, sys.warnoptions)
    environment = sorted(f"{k}={v}" for k, v in os.environ.items() if k not in _FREE)
    return (*map(str, interpreter), *environment)
