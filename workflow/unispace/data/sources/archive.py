"""A manifest archive: a tar or zip of images with a table that names them.

The archive is read in place; nothing is unpacked to disk, so no member can land outside a folder.
"""

from __future__ import annotations

import lzma
import posixpath
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unispace.data.sources.tables import read_csv
from unispace.errors import UserError, did_you_mean

COLUMNS = ("path", "identity_or_class", "split")

_ARCHIVES = frozenset({".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz"})


@dataclass(frozen=True)
class Archive:
    """An open archive: names as the table writes them, without `./` and doubled slashes."""

    files: tuple[str, ...]
    links: frozenset[str]
    read: Callable[[str], bytes]


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a tar (also compressed) or zip archive.

    Raises:
        UserError: where it is missing, truncated or no archive; also while members are read.
    """
    with readable(path):
        with path.open("rb") as stream:
            is_zip = stream.read(2) == b"PK"
        archive = zipfile.ZipFile(path) if is_zip else tarfile.TarFile.open(path)
    with archive:
        with readable(path):
            opened = _of_zip(archive) if isinstance(archive, zipfile.ZipFile) else of_tar(archive)

        def read(name: str) -> bytes:
            with readable(path):
                return opened.read(name)

        yield Archive(opened.files, opened.links, read)


@contextmanager
def open_together(paths: Sequence[Path]) -> Iterator[Archive]:
    """Open the files of one set as if they were one archive, in that order.

    A file that is no archive by its name counts as one that holds nothing but it. Of files of one name (such as
    two Readme.txt) the first counts.

    Raises:
        UserError: where an archive is missing, truncated or no archive; also while members are read.
    """
    with ExitStack() as stack:
        owners: dict[str, Archive] = {}
        links: frozenset[str] = frozenset()
        for path in paths:
            if path.suffix in _ARCHIVES:
                archive = stack.enter_context(open_archive(path))
            else:
                archive = Archive((path.name,), frozenset(), lambda _, path=path: path.read_bytes())
            links |= archive.links
            for name in archive.files:
                owners.setdefault(name, archive)
        yield Archive(tuple(owners), links, lambda name: owners[name].read(name))


@contextmanager
def open_inner_archive(path: Path, pattern: str) -> Iterator[Archive]:
    """Open the compressed tar that lies inside a zip archive.

    Args:
        path: the zip archive.
        pattern: regular expression of the whole name of the tar in it.

    Raises:
        UserError: where either is missing, truncated or no archive.
    """
    with readable(path), zipfile.ZipFile(path) as outer:
        inner = [name for name in outer.namelist() if re.fullmatch(pattern, name)]
        if len(inner) != 1:
            raise UserError(f"{path}: holds {len(inner)} archives {pattern}, needs one")
        with outer.open(inner[0]) as stream, tarfile.TarFile.open(fileobj=stream) as archive:
            yield of_tar(archive)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in words what is wrong with an archive.

    Raises:
        UserError: where it is missing, truncated, damaged or no archive.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{path}: not there") from error
    except (tarfile.TarError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path}: no tar or zip archive, or truncated or damaged; fetch it again ({error})"
        ) from error
    except (RuntimeError, NotImplementedError) as error:  # zip: encrypted, unknown compression
        raise UserError(
            f"{path}: cannot be read ({error}); pack it again without password"
        ) from error
    except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        raise UserError(
            f"{path}: truncated or damaged archive; fetch it again ({error})"
        ) from error


def _of_zip(archive: zipfile.ZipFile) -> Archive:
    members = {posixpath.normpath(m.filename): m for m in archive.infolist() if not m.is_dir()}
    links = {name for name, m in members.items() if stat.S_ISLNK(m.external_attr >> 16)}
    files = tuple(name for name in members if name not in links)
    return Archive(files, frozenset(links), lambda name: archive.read(members[name]))


def of_tar(archive: tarfile.TarFile) -> Archive:
    """An open tar archive; nothing but its plain files can be read."""
    everything = {posixpath.normpath(m.name): m for m in archive}
    members = {name: m for name, m in everything.items() if m.isfile()}
    links = frozenset(name for name, m in everything.items() if m.issym() or m.islnk())

    def read(name: str) -> bytes:
        stream = archive.extractfile(members[name])
        content = stream.read() if stream else b""
        if len(content) != members[name].size:
            raise tarfile.ReadError(f"{name} ends early")
        return content

    return Archive(tuple(members), links, read)


def read_listing(path: Path, manifest: str) -> pd.DataFrame:
    """The table of an archive as a listing.

    Returns:
        Columns image_id (the path as the table writes it), member (the name in the archive), label, split,
        and the further columns of the table; in the order of the archive, so that reading never goes back.

    Raises:
        UserError: where there is no such table, a column or an image is missing, or an image is named twice.
    """
    with open_archive(path) as archive:
        tables = [n for n in archive.files if n == manifest or n.endswith("/" + manifest)]
        if not tables:
            existing = {posixpath.basename(name) for name in archive.files}
            raise UserError(f"{path}: holds no `{manifest}`; {did_you_mean(manifest, existing)}")
        table = min(tables, key=lambda name: (name.count("/"), name))
        content = archive.read(table)
    frame = read_csv(content, f"{path}: {table}", COLUMNS)
    folder = posixpath.dirname(table)
    member = [posixpath.normpath(posixpath.join(folder, name)) for name in frame["image_id"]]
    for name in frame["image_id"]:
        if name.startswith("/") or ".." in name.split("/"):
            raise UserError(
                f"{path}: {table} names {name}, which lies outside the archive; paths begin beside the table"
            )
    linked = sorted(archive.links.intersection(member))
    if linked:
        raise UserError(
            f"{path}: {table} names {len(linked)} images that are links, such as {linked[0]}; "
            f"links are not followed, pack the files themselves (tar --dereference --hard-dereference)"
        )
    place = {name: i for i, name in enumerate(archive.files)}
    absent = sorted(set(member) - set(place))
    if absent:
        raise UserError(
            f"{path}: {table} names {len(absent)} images that are not in the archive, such as {absent[0]}"
        )
    twice = frame.loc[pd.Series(member).duplicated(), "image_id"]
    if len(twice):
        raise UserError(f"{path}: {table} names {twice.iloc[0]} twice")
    frame["member"] = member
    order = sorted(range(len(frame)), key=lambda i: place[member[i]])
    return frame.iloc[order].reset_index(drop=True)


def contents(path: Path, members: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """The bytes of images, in the order asked for, one at a time."""
    with open_archive(path) as archive:
        for name in members:
            yield name, archive.read(name)
