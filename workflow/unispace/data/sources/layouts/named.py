"""Layouts in which an image's path, with the set's own lists, says all about it."""

from __future__ import annotations

import io
import json
import logging
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.sources.archive import (
    Archive,
    open_archive,
    open_inner_archive,
    open_together,
)
from unispace.data.sources.folder import SUFFIXES
from unispace.data.sources.layouts.layout import Layout, beside
from unispace.errors import UserError

log = logging.getLogger(__name__)

IMAGE = r"[^/]+\.(?i:" + "|".join(sorted(s[1:] for s in SUFFIXES)) + ")"
"""Pattern of the name of an image."""


class Lists:
    """The lists of a set: members of its archives, and files beside them."""

    def __init__(self, path: Path, archive: Archive) -> None:
        """Of a set whose first file is `path`."""
        self.path = path
        self._archive = archive

    def lines(self, name: str) -> list[str]:
        """The lines of a list without blank ones.

        Args:
            name: regular expression of the end of its path, from a whole part of it on.

        Raises:
            UserError: where it is not there, or is no text.
        """
        member, content = self._read(name)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UserError(f"{self.path}: {member} is no text in UTF-8 ({error})") from error
        return [line.strip() for line in text.splitlines() if line.strip()]

    def pairs(self, name: str) -> dict[str, str]:
        """A list with a key, white space and a value in each line."""
        made = {}
        for line in self.lines(name):
            key, _, value = line.partition(" ")
            if not value.strip():
                raise UserError(f"{self.path}: {_shown(name)}: `{line}` is no key and value")
            made[key] = value.strip()
        return made

    def json(self, name: str) -> Mapping[str, Any]:
        """A JSON object."""
        member, content = self._read(name)
        try:
            made = json.loads(content)
        except ValueError as error:
            raise UserError(f"{self.path}: {member} is damaged ({error})") from error
        if not isinstance(made, dict):
            raise UserError(f"{self.path}: {member} holds no JSON object")
        return made

    def matlab(self, name: str, *variables: str) -> list[NDArray[Any]]:
        """Variables of a MATLAB file, their empty dimensions left out.

        Raises:
            UserError: where it is not there, damaged, or lacks one.
        """
        member, content = self._read(name)
        return matlab(content, f"{self.path}: {member}", *variables)

    def _read(self, name: str) -> tuple[str, bytes]:
        whole = re.compile(rf"(?:.*/)?{name}")
        found = [n for n in self._archive.files if whole.fullmatch(n)]
        if not found:
            raise UserError(
                f"{self.path}: the list {_shown(name)} is not there. Use the publisher's own file, not a repacked one"
            )
        member = min(found, key=lambda n: (n.count("/"), n))
        return member, self._archive.read(member)


def _shown(pattern: str) -> str:
    """A pattern of a name as a name, for errors."""
    return pattern.replace("\\", "")


def matlab(content: bytes, name: str, *variables: str) -> list[NDArray[Any]]:
    """Variables of a MATLAB file (up to version 7), their empty dimensions left out.

    Raises:
        UserError: where it is damaged, or lacks one; `name` is what it is called then.
    """
    from scipy.io import loadmat  # only here: importing it costs time that most sets need not pay

    try:
        read = loadmat(io.BytesIO(content), squeeze_me=True)
    except Exception as error:  # a damaged file raises whatever the reader trips over
        raise UserError(f"{name} cannot be read as a MATLAB file ({error})") from error
    lacking = [variable for variable in variables if variable not in read]
    if lacking:
        raise UserError(f"{name} holds no `{lacking[0]}`")
    # What holds one value only comes as that value.
    return [np.atleast_1d(read[variable]) for variable in variables]


@dataclass(frozen=True)
class Named:
    """A layout in which an image's path says, together with the lists of the set, all about it."""

    pattern: str
    """Of a whole path; named groups become columns. `{root}` stands for the folder."""
    example: str
    """Such a path, for errors."""
    refine: Callable[[pd.DataFrame, Lists], pd.DataFrame] = lambda listing, lists: listing
    """What the columns need beyond the path."""
    has_splits: bool = False
    """Whether the columns hold a split."""
    inner: str | None = None
    """Pattern of the one archive inside the archive that holds the images."""
    others: tuple[str, ...] = ()
    """Further files of the set: archives and lists."""

    def layout(self, root: str) -> Layout:
        """Its reader, for archives in which it begins below the folder `root` (empty: at the top)."""
        return Layout(
            lambda path: self._read_listing(path, root),
            self._contents,
            self.has_splits,
        )

    def _open(self, path: Path) -> AbstractContextManager[Archive]:
        if self.inner is not None:
            return open_inner_archive(path, self.inner)
        if self.others:
            return open_together([path, *(beside(path, name) for name in self.others)])
        return open_archive(path)

    def _read_listing(self, path: Path, root: str) -> pd.DataFrame:
        prefix = f"{re.escape(root)}/" if root else ""
        pattern = re.compile(self.pattern.format(root=prefix))
        rows: list[dict[str, str | None]] = []
        with self._open(path) as archive:
            images = [
                name
                for name in archive.files
                if posixpath.splitext(name)[1].lower() in SUFFIXES
                and not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
            ]
            linked = sum(1 for name in archive.links if pattern.fullmatch(name))
            for name in images:
                found = pattern.fullmatch(name)
                if found:
                    rows.append({"image_id": name, "member": name, **found.groupdict()})
            if not rows:
                example = f"{root}/{self.example}" if root else self.example
                instead = f"it holds such as {images[0]}" if images else "it holds no image at all"
                raise UserError(
                    f"{path}: no image lies as in the official archive, such as {example}; {instead}. "
                    f"Use the publisher's own file, not a repacked one"
                )
            if linked:
                log.warning("%s: %d images are links, which are not followed", path, linked)
            if len(rows) < len(images):
                log.info("%s: %d images lie outside the layout", path, len(images) - len(rows))
            return self.refine(pd.DataFrame(rows, dtype=str), Lists(path, archive))

    def _contents(self, path: Path, members: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        with self._open(path) as archive:
            for name in members:
                yield name, archive.read(name)


def stems(listing: pd.DataFrame) -> pd.Series:
    """The names of images without folder and suffix."""
    return listing["image_id"].str.rsplit("/", n=1).str[-1].str.rsplit(".", n=1).str[0]


def from_list(
    listing: pd.DataFrame, keys: pd.Series, listed: Mapping[str, str], what: str, lists: Lists
) -> pd.DataFrame:
    """Rows that a list names, with what it says of them as the column `what`.

    Args:
        listing: the images.
        keys: what the list calls each of them.
        listed: value of each key.
        what: the column.
        lists: where the list is from.

    Raises:
        UserError: where the list names an image that is not there.
    """
    absent = sorted(set(listed) - set(keys))
    if absent:
        raise UserError(
            f"{lists.path}: its lists name {len(absent)} images that are not in it, such as {absent[0]}"
        )
    values = keys.map(listed)
    unlisted = int(values.isna().sum())
    if unlisted:
        log.info("%s: %d images in no list of %s are left out", lists.path, unlisted, what)
    return listing.assign(**{what: values})[values.notna()].reset_index(drop=True)
