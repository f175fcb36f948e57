"""What servers note of their forks, in a folder that Snakemake's benchmarks look into.

While a fork runs, a link named after the id of its client leads to its own id. When it has ended, a file
`<id of its shell>.<id of its client>` says what it used.
"""

from __future__ import annotations

from pathlib import Path
from resource import struct_rusage
from typing import NamedTuple


class Used(NamedTuple):
    """What a fork used.

    Attributes:
        fork: its id.
        seconds: of CPU, of the user and of the system.
        kilobytes: of memory that lay in RAM, at most.
    """

    fork: int
    seconds: float
    kilobytes: int


def begin(notes: Path, client: int, fork: int) -> None:
    """Note a fork."""
    (notes / str(client)).symlink_to(str(fork))


def running(notes: Path, client: int) -> int:
    """The id of the fork of a client.

    Raises:
        FileNotFoundError: where none runs.
    """
    return int((notes / str(client)).readlink().name)


def end(notes: Path, client: int, shell: int, fork: int, usage: struct_rusage) -> None:
    """Note that a fork has ended."""
    used = f"{fork} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}"
    (notes / f"{shell}.{client}").write_text(used)
    (notes / str(client)).unlink()


def take(notes: Path, shell: int) -> list[Used]:
    """What forks used whose client was a shell or, where it became the client itself, that process."""
    found = []
    for note in [*notes.glob(f"{shell}.*"), *notes.glob(f"*.{shell}")]:
        fork, seconds, kilobytes = note.read_text().split()
        found.append(Used(int(fork), float(seconds), int(kilobytes)))
        note.unlink()
    return found
