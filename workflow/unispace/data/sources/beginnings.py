"""Tell the right kind of file from a page to log in or half a file, where no checksum is known."""

from __future__ import annotations

from pathlib import Path

from unispace.data.sources.archive import open_archive
from unispace.data.sources.layouts import bins

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_VERIFICATION = ".bin"


def can_be_told(name: str) -> bool:
    """Whether a file of this name can be told from a wrong one by its content alone."""
    return name.endswith((*_ARCHIVES, _VERIFICATION))


def check_whole(file: Path, name: str) -> None:
    """Check that a file is whole and of the kind that its name says.

    Args:
        file: its bytes.
        name: a name that `can_be_told`.

    Raises:
        UserError: where it is not.
    """
    if name.endswith(_VERIFICATION):
        bins.read_listing(file)
        return
    with open_archive(file):
        return
