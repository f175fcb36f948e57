"""Bring an archive or a weights file into the project and check its bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

from unispace.data.sources.download import Expected, download
from unispace.errors import UserError
from unispace.records.files import replacing, sha256_of
from unispace.records.places import is_url, locate


def fetch(path: str, sha256: str, destination: Path) -> None:
    """Copy or download a file and check it.

    Args:
        path: an http(s) URL, or a path as `locate` understands it.
        sha256: checksum that it must have.
        destination: where it goes.

    Raises:
        UserError: where it is missing, cannot be downloaded, or has another checksum.
    """
    if is_url(path):
        download(path, destination, Expected((f"sha256:{sha256}",)))
        return
    source = locate(path, destination.name)
    if not source.is_file():
        raise UserError(f"{path}: {source} is not a file")
    with replacing(destination) as temporary:
        shutil.copyfile(source, temporary)
        check(temporary, sha256, path)


def check(file: Path, sha256: str, name: str) -> None:
    """Compare a file with its checksum.

    Raises:
        UserError: where it differs, or is no file.
    """
    if not file.is_file():
        raise UserError(f"{name}: {file} is not a file")
    found = sha256_of(file)
    if found != sha256:
        raise UserError(
            f"{name}: wrong checksum: truncated, damaged or another version.\n"
            f"  expected sha256 {sha256}\n  found    sha256 {found} ({file.stat().st_size:,} bytes)\n"
            f"  Fetch it again, or, if this version is the one you want, write its sha256 into the study."
        )
