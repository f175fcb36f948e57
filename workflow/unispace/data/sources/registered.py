"""Fetch the archive of a registered data set: from a mirror, from this machine, or from its publisher."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unispace.data.registry import Entry
from unispace.data.sources.archive import open_archive
from unispace.data.sources.checksums import Digests
from unispace.data.sources.download import Expected, FetchError, download, wrong_in
from unispace.data.sources.progress import Progress
from unispace.errors import UserError
from unispace.records.files import disk_errors, read_json, replacing, write_json
from unispace.records.places import MIRROR, find, is_url

log = logging.getLogger(__name__)

_CHUNK = 1 << 20


def fetch_registered(
    entry: Entry, sha256: str | None, mirror: str | None, destination: Path, record: Path
) -> None:
    """Fetch and check the archive of a set, and record its checksum.

    Tried in this order: the mirror of the study, the mirror of `UNISPACE_MIRROR`, a file of that name below
    `UNISPACE_DATA` or the working folder, the publisher's addresses. A place with a wrong file is passed over
    with a warning. Where no checksum is known, the first file that is an archive is trusted and its checksum
    recorded; every later one must have it too.

    Args:
        entry: the set.
        sha256: checksum that the study asks for.
        mirror: folder or URL prefix to try first.
        destination: where the archive goes.
        record: where its checksum goes; read before, if it is there.

    Raises:
        UserError: where no place gives the right file, with what is wrong at each.
    """
    known = list(entry.checksums)
    if sha256:
        known.append(f"sha256:{sha256}")
    first_use = trusted_before(record)
    if first_use and not known:
        known.append(f"sha256:{first_use}")
    expected = Expected(tuple(known), entry.bytes)
    failures = []
    for place in places(entry, mirror):
        log.info("%s: trying %s", entry.name, place)
        try:
            digests = _fetch_from(place, destination, expected)
        except FetchError as error:
            log.warning("%s", error)
            failures.append(str(error))
            continue
        _record(entry, digests, place, expected, first_use, record)
        return
    raise UserError(_nowhere(entry, failures, first_use, record))


def places(entry: Entry, mirror: str | None) -> Iterator[str]:
    """Where the archive of a set may be, in the order in which it is looked for."""
    for prefix in dict.fromkeys(filter(None, (mirror, os.environ.get(MIRROR)))):
        if is_url(prefix):
            yield f"{prefix.rstrip('/')}/{entry.file}"
        else:
            yield str(Path(prefix).expanduser() / entry.file)
    at_hand = find(entry.file)
    if at_hand:
        yield str(at_hand)
    if entry.access == "open":
        yield from entry.urls


def trusted_before(record: Path) -> str:
    """SHA-256 of the archive that was trusted when it first came; empty where none was."""
    if not record.is_file():
        return ""
    content = read_json(record)
    return str(content.get("sha256", "")) if content.get("trusted") == "first use" else ""


def _fetch_from(place: str, destination: Path, expected: Expected) -> Digests:
    """Fetch from one place; where no checksum is known, only what can be read as an archive."""
    if expected.checksums:
        return _transfer(place, destination, expected)
    with replacing(destination) as temporary:
        # Without a checksum a login page or half a file would be trusted forever.
        waiting = destination.with_name(f"{destination.name}.unproven")
        try:
            digests = _transfer(place, waiting, expected)
            _check_archive(place, waiting)
            waiting.replace(temporary)
        finally:
            waiting.unlink(missing_ok=True)
    return digests


def _check_archive(place: str, file: Path) -> None:
    try:
        with open_archive(file):
            return
    except UserError as error:
        with file.open("rb") as stream:
            start = stream.read(60)
        raise FetchError(
            f"{place}: gave no whole tar or zip archive, it begins with {start!r}; a page to log in or to "
            f"accept terms, or a truncated file?"
        ) from error


def _transfer(place: str, destination: Path, expected: Expected) -> Digests:
    if is_url(place):
        return download(place, destination, expected)
    return _copy(Path(place), destination, expected)


def _copy(source: Path, destination: Path, expected: Expected) -> Digests:
    """Copy a file of this machine and check it on the way.

    Raises:
        FetchError: where it is missing, cannot be read or is wrong.
    """
    if not source.is_file():
        raise FetchError(f"{source}: not there")
    digests = Digests(expected.checksums)
    progress = Progress(destination.name, source.stat().st_size)
    with replacing(destination) as temporary:
        try:
            stream = source.open("rb")
        except OSError as error:
            raise FetchError(f"{source}: cannot be read ({error.strerror})") from error
        with stream, temporary.open("wb") as copy, disk_errors(destination):
            while chunk := stream.read(_CHUNK):
                copy.write(chunk)
                digests.update(chunk)
                progress.add(len(chunk))
        wrong = wrong_in(digests, expected)
        if wrong:
            raise FetchError(f"{source}: {wrong}")
    return digests


def _record(
    entry: Entry, digests: Digests, place: str, expected: Expected, first_use: str, record: Path
) -> None:
    """Write down what came, from where, and why it is trusted."""
    trusted = "first use" if first_use or not expected.checksums else "checksum"
    if trusted == "first use" and not first_use:
        log.warning(
            "%s: no checksum is published; this first file is trusted from now on (sha256 %s). "
            "Write `sha256: %s` into the study to make it part of it",
            entry.name,
            digests.sha256,
            digests.sha256,
        )
    content: dict[str, Any] = {
        "file": entry.file,
        "name": entry.name,
        "bytes": digests.bytes,
        "sha256": digests.sha256,
        "published": list(entry.checksums),
        "trusted": trusted,
        "from": place,
    }
    write_json(record, content)


def _nowhere(entry: Entry, failures: list[str], first_use: str, record: Path) -> str:
    """One message with every place and what was wrong with it."""
    lines = [f"{entry.name}: {entry.file} could not be had from any place."]
    lines += [f"- {failure}" for failure in failures]
    if first_use:
        lines.append(
            f"The first {entry.file} that came had sha256 {first_use}; if the publisher has replaced it and you "
            f"want the new one, delete {record} and run again."
        )
    lines.append(how_to_put(entry))
    return "\n".join(lines)


def how_to_put(entry: Entry) -> str:
    """What a user can do to bring the archive of a set here by hand."""
    asked = f"{entry.how_to_get.rstrip('.')}. " if entry.how_to_get else ""
    return (
        f"{asked}Put the file {entry.file} into the folder that UNISPACE_DATA names, or name a folder or URL "
        f"prefix that holds it as `mirror` of the source or in {MIRROR}."
    )
