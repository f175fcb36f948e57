"""Fetch the files of a registered data set: from a mirror, from this machine, or from its publisher."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unispace.data.registry import Entry, PublishedFile
from unispace.data.sources.beginnings import check_whole
from unispace.data.sources.checksums import Digests
from unispace.data.sources.download import Expected, FetchError, download, wrong_in
from unispace.data.sources.progress import Progress
from unispace.errors import UserError
from unispace.records.files import disk_errors, read_json, replacing, write_json
from unispace.records.places import MIRROR, find, is_url
from unispace.records.secrets import without_secrets

log = logging.getLogger(__name__)

_CHUNK = 1 << 20


def fetch_registered(
    entry: Entry,
    file: PublishedFile,
    sha256: str | None,
    mirror: str | None,
    destination: Path,
    record: Path,
) -> None:
    """Fetch and check a file of a set, and record its checksum.

    Tried in this order: the mirror of the study, the mirror of `UNISPACE_MIRROR`, a file of that name below
    `UNISPACE_DATA` or the working folder, the publisher's addresses. A place with a wrong file is passed over
    with a warning. Where no checksum is known, the first file that is whole and of the right kind is trusted and
    its checksum recorded; every later one must have it too.

    Args:
        entry: the set.
        file: which of its files.
        sha256: checksum that the study asks for.
        mirror: folder or URL prefix to try first.
        destination: where the file goes.
        record: where its checksum goes; read before, if it is there.

    Raises:
        UserError: where no place gives the right file, with what is wrong at each.
    """
    known = list(file.checksums)
    if sha256:
        known.append(f"sha256:{sha256}")
    first_use = trusted_before(record)
    if first_use and not known:
        known.append(f"sha256:{first_use}")
    expected = Expected(tuple(known), file.bytes)
    failures = []
    for place in places(entry, file, mirror):
        log.info("%s: trying %s", entry.name, place)
        try:
            digests = _fetch_from(place, destination, expected)
        except FetchError as error:
            log.warning("%s", error)
            failures.append(str(error))
            continue
        _record(entry, file, digests, place, expected, first_use, record)
        return
    raise UserError(_nowhere(entry, file, failures, first_use, record))


def places(entry: Entry, file: PublishedFile, mirror: str | None) -> Iterator[str]:
    """Where a file of a set may be, in the order in which it is looked for."""
    for prefix in dict.fromkeys(filter(None, (mirror, os.environ.get(MIRROR)))):
        if is_url(prefix):
            yield f"{prefix.rstrip('/')}/{file.name}"
        else:
            yield str(Path(prefix).expanduser() / file.name)
    at_hand = find(file.name)
    if at_hand:
        yield str(at_hand)
    if entry.access == "open":
        yield from file.urls


def trusted_before(record: Path) -> str:
    """SHA-256 of the archive that was trusted when it first came; empty where none was."""
    if not record.is_file():
        return ""
    content = read_json(record)
    return str(content.get("sha256", "")) if content.get("trusted") == "first use" else ""


def _fetch_from(place: str, destination: Path, expected: Expected) -> Digests:
    """Fetch from one place; where no checksum is known, only what is whole and of the right kind."""
    if expected.checksums:
        return _transfer(place, destination, expected)
    with replacing(destination) as temporary:
        # Without a checksum a login page or half a file would be trusted forever.
        waiting = destination.with_name(f"{destination.name}.unproven")
        try:
            digests = _transfer(place, waiting, expected)
            _check_kind(place, waiting, destination.name)
            waiting.replace(temporary)
        finally:
            waiting.unlink(missing_ok=True)
    return digests


def _check_kind(place: str, file: Path, name: str) -> None:
    try:
        check_whole(file, name)
    except UserError as error:
        with file.open("rb") as stream:
            start = stream.read(60)
        raise FetchError(
            f"{place}: gave no whole {name}, it begins with {start!r}; a page to log in or to accept terms, or a "
            f"truncated file?"
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
    entry: Entry,
    file: PublishedFile,
    digests: Digests,
    place: str,
    expected: Expected,
    first_use: str,
    record: Path,
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
        "file": file.name,
        "name": entry.name,
        "bytes": digests.bytes,
        "sha256": digests.sha256,
        "published": list(file.checksums),
        "trusted": trusted,
        "from": without_secrets(place),
    }
    write_json(record, content)


def _nowhere(
    entry: Entry, file: PublishedFile, failures: list[str], first_use: str, record: Path
) -> str:
    """One message with every place and what was wrong with it."""
    lines = [f"{entry.name}: {file.name} could not be had from any place."]
    lines += [f"- {failure}" for failure in failures]
    if first_use:
        lines.append(
            f"The first {file.name} that came had sha256 {first_use}; if the publisher has replaced it and you "
            f"want the new one, delete {record} and run again."
        )
    lines.append(how_to_put(entry))
    return "\n".join(lines)


def how_to_put(entry: Entry) -> str:
    """What a user can do to bring the files of a set here by hand."""
    asked = f"{entry.how_to_get.rstrip('.')}. " if entry.how_to_get else ""
    names = ", ".join(file.name for file in entry.files)
    what, it = (f"files {names}", "them") if len(entry.files) > 1 else (f"file {names}", "it")
    return (
        f"{asked}Put the {what} into the folder that UNISPACE_DATA names, or name a folder or URL "
        f"prefix that holds {it} as `mirror` of the source or in {MIRROR}."
    )
