"""The registry of real data sets: what is published about each and its files, as two typed and checked tables."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from unispace.config.base import Domain
from unispace.data.sources.beginnings import can_be_told
from unispace.data.sources.checksums import problem_of
from unispace.data.sources.layouts import LAYOUTS, Layout, layout_of
from unispace.errors import UserError, did_you_mean

TABLE = Path(__file__).with_name("registry.csv")
FILES = Path(__file__).with_name("registry_files.csv")

Access = Literal["open", "request"]


@dataclass(frozen=True)
class PublishedFile:
    """One file of a set."""

    name: str
    """Its name; the files of a set of several lie in a folder of the set's name."""
    urls: tuple[str, ...] = ()
    """The publisher's addresses, tried in this order."""
    bytes: int | None = None
    """Published size."""
    checksums: tuple[str, ...] = ()
    """Published checksum as algorithm:hex."""


@dataclass(frozen=True)
class Entry:
    """One set. Empty texts and None stand for what is not known."""

    name: str
    """As a study names it."""
    title: str
    """As its authors name it."""
    domain: Domain
    """What its labels are."""
    task: str
    """What it is used for."""
    version: str
    """Which release or part this is."""
    files: tuple[PublishedFile, ...]
    """What must be fetched, the file that the reader begins with first; empty where no reader needs any."""
    licence: str
    """Name of its licence."""
    terms: str
    """What may be done with it."""
    access: Access
    """`open`: anybody may download it; `request`: its owners must be asked, or a form filled in."""
    how_to_get: str
    """Where to ask, for `request`."""
    citation: str
    """What to cite."""
    identities: int | None
    """Published number of identities or classes."""
    images: int | None
    """Published number of images (or videos, where `task` says so)."""
    layout: str
    """How the files are read; empty where this package has no reader for it."""
    protocol_files: tuple[str, ...]
    """Official lists of splits or pairs: names among the files or in their archives, or addresses."""

    def reader(self) -> Layout:
        """How its archive is read.

        Raises:
            UserError: where this package cannot read it.
        """
        if not self.layout:
            raise UserError(
                f"registered set `{self.name}` ({self.title}) has no reader in this package. Unpack it into a "
                f"folder with one subfolder per identity or class and use `kind: folder`, or pack it with a "
                f"manifest.csv and use `kind: archive`. {self.how_to_get}".rstrip()
            )
        return layout_of(self.layout)


COLUMNS = tuple(f.name for f in fields(Entry) if f.name != "files")
FILE_COLUMNS = ("name", "file", "urls", "bytes", "checksum")


@cache
def registry() -> Mapping[str, Entry]:
    """All registered sets by name, in the order of the table."""
    return read_registry(TABLE.read_text("utf-8"), str(TABLE), FILES.read_text("utf-8"), str(FILES))


def lookup(name: str) -> Entry:
    """A registered set.

    Raises:
        UserError: where there is none of that name; the message suggests one.
    """
    entries = registry()
    if name not in entries:
        raise UserError(f"no registered set `{name}`; {did_you_mean(name, entries)}")
    return entries[name]


def read_registry(text: str, where: str, files_text: str, files_where: str) -> dict[str, Entry]:
    """Read and check the two tables.

    Args:
        text: CSV with the columns of `COLUMNS`, a row a set.
        where: its name, for errors.
        files_text: CSV with the columns of `FILE_COLUMNS`, a row a file, each named by its set.
        files_where: its name, for errors.

    Raises:
        UserError: with every row that is wrong.
    """
    problems: list[str] = []
    files: dict[str, list[PublishedFile]] = {}
    places: dict[str, str] = {}
    for place, row in _rows(files_text, files_where, FILE_COLUMNS, problems):
        wrong = _file_problems(row)
        if row["file"] in places:
            wrong.append(f"file: `{row['file']}` is there twice")
        places[row["file"]] = row["name"]
        problems += [f"{place}: {problem}" for problem in wrong]
        if not wrong:
            files.setdefault(row["name"], []).append(_file(row))
    entries: dict[str, Entry] = {}
    for place, row in _rows(text, where, COLUMNS, problems):
        wrong = _problems(row, files.get(row["name"], []))
        if row["name"] in entries:
            wrong.append(f"name: `{row['name']}` is there twice")
        elif entries and row["name"] < next(reversed(entries)):
            wrong.append(
                f"name: `{row['name']}` stands below `{next(reversed(entries))}`; sort rows"
            )
        problems += [f"{place}: {problem}" for problem in wrong]
        if not wrong:
            entries[row["name"]] = _entry(row, files.get(row["name"], []))
    if not problems:
        problems += [
            f"{files_where}: name: no set `{name}` in {where}; {did_you_mean(name, entries)}"
            for name in files
            if name not in entries
        ]
    if problems:
        raise UserError("\n".join(problems))
    return entries


def _rows(
    text: str, where: str, columns: tuple[str, ...], problems: list[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a table with their places; those that are no rows go to `problems`."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = tuple(next(lines, []))
    if header != columns:
        raise UserError(
            f"{where}: the columns must be {', '.join(columns)}; got {', '.join(header)}"
        )
    for cells in lines:
        place = f"{where}, line {lines.line_num}"
        if len(cells) == len(columns):
            yield place, dict(zip(columns, cells, strict=True))
        else:
            problems.append(f"{place}: {len(cells)} cells, needs {len(columns)}")


def _untidy(row: dict[str, str]) -> list[str]:
    return [
        f"{column}: `{cell}` has spaces at an end or a line break"
        for column, cell in row.items()
        if cell != " ".join(cell.split())
    ]


def _file_problems(row: dict[str, str]) -> list[str]:
    """What is wrong with a row of the files, each with its column."""
    wrong = _untidy(row)
    name = r"[A-Za-z0-9][A-Za-z0-9._-]*"
    if not re.fullmatch(rf"(?:{name}/)?{name}", row["file"]):
        wrong.append(f"file: `{row['file']}` is no plain file name")
    if row["bytes"] and not re.fullmatch(r"[1-9]\d*", row["bytes"]):
        wrong.append(f"bytes: `{row['bytes']}` is no whole number above 0")
    for url in row["urls"].split():
        if not re.fullmatch(r"https?://[^/\s]+/\S*", url):
            wrong.append(f"urls: `{url}` is no http(s) address of a file")
    if row["checksum"]:
        problem = problem_of(row["checksum"])
        wrong += [f"checksum: {problem}"] if problem else []
    elif not can_be_told(row["file"]):
        wrong.append(
            "checksum: must not be empty, since a file of this kind cannot be told from a wrong one without"
        )
    return wrong


def _problems(row: dict[str, str], files: list[PublishedFile]) -> list[str]:
    """What is wrong with a row of the sets, each with its column."""
    wrong = _untidy(row)
    wrong += [
        f"{c}: must not be empty" for c in ("title", "task", "terms", "citation") if not row[c]
    ]
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", row["name"]):
        wrong.append(f"name: `{row['name']}` must be of a-z, 0-9 and -")
    for column, allowed in (("domain", get_args(Domain)), ("access", get_args(Access))):
        if row[column] not in allowed:
            wrong.append(f"{column}: `{row[column]}`; {did_you_mean(row[column], allowed)}")
    for column in ("identities", "images"):
        if row[column] and not re.fullmatch(r"[1-9]\d*", row[column]):
            wrong.append(f"{column}: `{row[column]}` is no whole number above 0")
    folder = f"{row['name']}/" if len(files) > 1 else ""
    for file in files:
        if file.name.rpartition("/")[0] != folder.rstrip("/"):
            wrong.append(
                f"name: the file {file.name} must be `{folder}{file.name.rpartition('/')[2]}`: files of a set "
                f"of several lie in its folder, the only file of a set in none"
            )
    if row["access"] == "request" and not row["how_to_get"]:
        wrong.append("how_to_get: must say where to ask, since access is `request`")
    if row["layout"]:
        if row["layout"].partition(":")[0] not in LAYOUTS:
            wrong.append(f"layout: `{row['layout']}`; {did_you_mean(row['layout'], LAYOUTS)}")
        if not files:
            wrong.append("layout: is about files, and the set has none")
        if row["access"] == "open" and not all(file.urls for file in files):
            wrong.append(
                "access: is `open` and the set can be read, so each of its files needs an address"
            )
    return wrong


def _number(cell: str) -> int | None:
    return int(cell) if cell else None


def _file(row: dict[str, str]) -> PublishedFile:
    """A row of the files that was checked."""
    return PublishedFile(
        row["file"],
        tuple(row["urls"].split()),
        _number(row["bytes"]),
        tuple(row["checksum"].split()),
    )


def _entry(row: dict[str, str], files: list[PublishedFile]) -> Entry:
    """A row of the sets that was checked."""
    domain = next(d for d in get_args(Domain) if d == row["domain"])
    return Entry(
        name=row["name"],
        title=row["title"],
        domain=domain,
        task=row["task"],
        version=row["version"],
        files=tuple(files),
        licence=row["licence"],
        terms=row["terms"],
        access="open" if row["access"] == "open" else "request",
        how_to_get=row["how_to_get"],
        citation=row["citation"],
        identities=_number(row["identities"]),
        images=_number(row["images"]),
        layout=row["layout"],
        protocol_files=tuple(row["protocol_files"].split()),
    )
