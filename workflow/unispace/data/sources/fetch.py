"""Bring an archive or a weights file into the project and check its bytes."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from unispace.data.sources.places import is_url, locate
from unispace.errors import UserError
from unispace.records.files import replacing, sha256_of


def fetch(path: str, sha256: str, destination: Path) -> None:
    """Copy or download a file and check it.

    Args:
        path: an http(s) URL, or a path as `locate` understands it.
        sha256: checksum that it must have.
        destination: where it goes.

    Raises:
        UserError: where it is missing, cannot be downloaded, or has another checksum.
    """
    with replacing(destination) as temporary:
        if is_url(path):
            _download(path, temporary)
        else:
            source = locate(path, destination.name)
            if not source.is_file():
                raise UserError(f"{path}: {source} is not a file")
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


def _download(url: str, destination: Path) -> None:
    import pooch  # only here: importing it costs time that local files need not pay
    import requests

    try:
        pooch.HTTPDownloader(progressbar=False)(url, str(destination), None)
    except (requests.RequestException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # not the network: `replacing` says what it is
        raise UserError(
            f"{url}: could not be downloaded ({error}); check the address and the network, "
            f"or download it by hand and give its path instead"
        ) from error
