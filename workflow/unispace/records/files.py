"""Writing a file so that it is either whole or not there."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unispace.errors import UserError

_CHUNK = 1 << 20


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it becomes `path`, on failure it is removed.

    The content is flushed to disk before the rename, so a crash leaves the old file or the new one. What a process
    that was killed left of its temporary file is removed by the next that writes `path`.

    Raises:
        UserError: where the disk is full.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = _begin(path)
        try:
            yield temporary
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            # mkstemp makes files private; artefacts are as readable as any new file.
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
            os.close(handle)


def _begin(path: Path) -> tuple[int, Path]:
    """A temporary file of this process, locked as long as its handle is open, and none of processes that are gone."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        _remove_unlocked(left)
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        # Where the file system knows no locks, what is left over stays.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another process that looks for what is left may have come in between.
        if Path(name).exists():
            return handle, Path(name)
        os.close(handle)


def _remove_unlocked(left: Path) -> None:
    """Remove a temporary file unless its process is at work on it."""
    try:
        handle = os.open(left, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        left.unlink(missing_ok=True)
    except OSError:
        # Locked, so in use; or the file system knows no locks.
        pass
    finally:
        os.close(handle)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Say it in words where there is no space for `path`.

    Raises:
        UserError: where the disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                f"{path}: no space left on the disk; free some and run again, finished work is kept"
            ) from error
        raise


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write sorted, indented JSON."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", "utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        UserError: where the file is missing, damaged or holds something else.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: not there; run snakemake to make it") from error
    except ValueError as error:
        raise UserError(f"{path}: damaged ({error}); delete it and run snakemake again") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds no JSON object; delete it and run snakemake again")
    return content


def sha256_of(path: Path) -> str:
    """Checksum of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_of_text(*parts: str) -> str:
    """Checksum of texts, in which their borders count."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
