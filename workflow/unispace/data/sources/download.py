"""Downloads that survive a cut connection: resumed, counted, and checked while they stream.

What has come of a file lies beside it as `<file>.<place>.part` until all of it is there, one for each address,
so that bytes of two servers are never mixed.
"""

from __future__ import annotations

import hashlib
import http
import json
import logging
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unispace.data.sources.checksums import Digests, digests_of
from unispace.data.sources.progress import Progress
from unispace.errors import UserError
from unispace.records.files import disk_errors
from unispace.records.secrets import without_secrets

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

WAITS = (1.0, 4.0, 15.0)
"""Seconds before each further attempt; attempts that brought bytes do not count."""
_TIMEOUT = (15.0, 60.0)  # to connect, and between two pieces
_CHUNK = 1 << 18
# Answers after which another attempt may go well; all others mean what they say.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class FetchError(UserError):
    """A place that does not give the right file; another place may."""


@dataclass(frozen=True)
class Expected:
    """What is known of a file before it is fetched."""

    checksums: tuple[str, ...] = ()
    """As `algorithm:hex`; the file must have all of them."""
    bytes: int | None = None
    """Its published size."""


class _Cut(Exception):
    """A connection that ended early, or did not come about; it may be tried again."""


def download(url: str, destination: Path, expected: Expected) -> Digests:
    """Download a file and check it.

    Args:
        url: its http(s) address; redirects are followed.
        destination: where it goes once it is whole and right; what was there before stays until then.
        expected: checksums and size that it must have.

    Returns:
        Its digests.

    Raises:
        FetchError: where this address does not give the right file. After a cut connection the part that came
            stays and the next call goes on behind it; a wrong file is removed.
        UserError: where the disk is full.
    """
    part = part_of(url, destination)
    with disk_errors(destination):
        destination.parent.mkdir(parents=True, exist_ok=True)
        failures = 0
        while True:
            before = _size(part)
            try:
                digests = _attempt(url, part, expected)
            except _Cut as cut:
                # A server that forgets its ranges brings bytes without end: only growth is progress.
                failures = 1 if _size(part) > before else failures + 1
                if failures > len(WAITS):
                    raise FetchError(_given_up(url, part, cut)) from cut
                wait = WAITS[failures - 1]
                log.warning("%s: %s; trying again in %g s", url, cut, wait)
                time.sleep(wait)
                continue
            wrong = wrong_in(digests, expected)
            if not wrong:
                break
            discard(part)
            if not before:
                raise FetchError(f"{url}: {wrong}")
            # A server that names no versions may have changed the file since the first part came.
            log.warning("%s: what came before does not fit; beginning anew", url)
        part.replace(destination)
    discard(part)
    return digests


def wrong_in(digests: Digests, expected: Expected) -> str:
    """What is wrong with a whole file; empty where nothing is."""
    mismatches = digests.mismatches()
    if mismatches:
        return "\n".join(["wrong checksum: truncated, damaged or another version.", *mismatches])
    if expected.bytes not in (None, digests.bytes):
        return f"wrong size: {digests.bytes:,} bytes, published are {expected.bytes:,}"
    return ""


def part_of(url: str, destination: Path) -> Path:
    """Where the part of a file that came from an address lies."""
    place = hashlib.sha256(url.encode()).hexdigest()[:8]
    return destination.with_name(f"{destination.name}.{place}.part")


def discard(part: Path) -> None:
    """Remove a part and what is known of it."""
    part.unlink(missing_ok=True)
    _about(part).unlink(missing_ok=True)


def _attempt(url: str, part: Path, expected: Expected) -> Digests:
    """One connection: go on behind the part, or begin anew; returns the digests of the whole file."""
    import requests  # only here: importing it costs time that local files need not pay

    version = _version(part)
    start = _size(part) if version or expected.checksums else 0
    if start and start == expected.bytes and _whole(part, expected):
        return digests_of(part, expected.checksums)
    digests = Digests(expected.checksums)
    # As published: a .tar.gz must not be unpacked on the way because a server calls gzip its encoding.
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if version:
            headers["If-Range"] = version
    try:
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
            if answer.status_code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
                return _beyond(part, expected)
            _check_answer(url, answer)
            if answer.url != url:
                log.info("%s leads to %s", url, answer.url)
            resumed = start > 0 and _begins_at(answer, start)
            if start and not resumed:
                log.info("%s: the server cannot continue, beginning anew", url)
            start = start if resumed else 0
            length = answer.headers.get("Content-Length", "")
            total = start + int(length) if length.isdecimal() else None
            _check_size(url, part, total, start, expected)
            if resumed:
                log.info("%s: going on after %s bytes", url, f"{start:,}")
                digests = digests_of(part, expected.checksums)
            _remember(part, answer)
            progress = Progress(part.name.rsplit(".", 2)[0], total, start)
            with part.open("ab" if resumed else "wb") as stream:
                for chunk in _pieces(answer):
                    stream.write(chunk)
                    digests.update(chunk)
                    progress.add(len(chunk))
    except (requests.ConnectionError, requests.Timeout) as error:
        raise _Cut(_reason(error)) from error
    except _Cut:
        # Servers lie about sizes; a published checksum does not.
        if digests.proven():
            log.warning("%s: the server announced another size; the checksum is right", url)
            return digests
        raise
    except requests.RequestException as error:
        raise FetchError(_failed(url, _reason(error))) from error
    return digests


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    """The bytes as they come.

    Raises:
        _Cut: where the connection ends before the announced size.
    """
    from urllib3.exceptions import HTTPError

    try:
        while chunk := answer.raw.read(_CHUNK, decode_content=False):
            yield chunk
    except (HTTPError, OSError) as error:
        raise _Cut(f"the connection was cut ({_reason(error)})") from error


def _check_answer(url: str, answer: requests.Response) -> None:
    if answer.status_code in _PASSING:
        raise _Cut(f"{answer.status_code} {answer.reason}")
    if answer.status_code not in (http.HTTPStatus.OK, http.HTTPStatus.PARTIAL_CONTENT):
        raise FetchError(_failed(url, f"{answer.status_code} {answer.reason}"))


def _begins_at(answer: requests.Response, start: int) -> bool:
    """Whether an answer continues a part of `start` bytes.

    Raises:
        _Cut: where it continues another place, which no server should do.
    """
    if answer.status_code != http.HTTPStatus.PARTIAL_CONTENT:
        return False
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    if not found or int(found[1]) != start:
        raise _Cut("the server sent another range than asked for")
    return True


def _check_size(url: str, part: Path, total: int | None, start: int, expected: Expected) -> None:
    """Refuse before the first byte what cannot be right, or has no room."""
    if total is None:
        return
    if expected.bytes is not None and total != expected.bytes:
        raise FetchError(
            f"{url}: wrong size: the server offers {total:,} bytes, published are {expected.bytes:,}"
        )
    free = shutil.disk_usage(part.parent).free
    if total - start > free:
        raise UserError(
            f"{url}: {(total - start) / 1e9:.1f} GB are still to come, {free / 1e9:.1f} GB are free in "
            f"{part.parent}; make room and run again"
        )


def _beyond(part: Path, expected: Expected) -> Digests:
    """The server has nothing behind the part: it is whole, or it is wrong."""
    if _whole(part, expected):
        return digests_of(part, expected.checksums)
    discard(part)
    raise _Cut("the part that came before fits the server's file no more")


def _whole(part: Path, expected: Expected) -> bool:
    return digests_of(part, expected.checksums).proven()


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _about(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _remember(part: Path, answer: requests.Response) -> None:
    """Keep the server's name for this version of the file; weak ones prove nothing."""
    version = answer.headers.get("ETag", "")
    if version.startswith("W/") or not version:
        version = answer.headers.get("Last-Modified", "")
    _about(part).write_text(
        json.dumps({"url": without_secrets(answer.url), "version": version}), "utf-8"
    )


def _version(part: Path) -> str:
    """The server's name for the version that a part is of; empty where it gave none."""
    try:
        return str(json.loads(_about(part).read_text("utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _reason(error: BaseException) -> str:
    """The innermost cause, which is the one that says something."""
    inner = error
    while inner.args and isinstance(inner.args[-1], BaseException):
        inner = inner.args[-1]
    inner = getattr(inner, "reason", None) or inner
    return str(inner) or type(inner).__name__


def _failed(url: str, reason: str) -> str:
    return (
        f"{url}: could not be downloaded ({reason}); check the address and the network, "
        f"or download it by hand and give its path instead"
    )


def _given_up(url: str, part: Path, cut: _Cut) -> str:
    kept = _size(part)
    if not kept:
        discard(part)
        return _failed(url, str(cut))
    return f"{_failed(url, str(cut))}; {kept:,} bytes have come and are kept: run again to go on"
