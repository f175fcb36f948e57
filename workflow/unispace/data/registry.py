"""The registry of real data sets: what is published about each, as a typed and checked table."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from unispace.config.base import Domain
from unispace.data.sources.checksums import problem_of
from unispace.data.sources.layouts import LAYOUTS, Layout, layout_of
from unispace.errors import UserError, did_you_mean

TABLE = Path(__file__).with_name("registry.csv")

Access = Literal["open", "request"]


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
    file: str
    """Name of the one archive that holds the images; empty where there is no such archive."""
    urls: tuple[str, ...]
    """The publisher's addresses of `file`, tried in this order; of several files where `file` is empty."""
    bytes: int | None
    """Published size of `file`."""
    checksums: tuple[str, ...]
    """Published checksum of `file` as algorithm:hex."""
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
    """How the archive is read; empty where this package has no reader for it."""
    protocol_files: tuple[str, ...]
    """Official lists of splits or pairs: names in the archive, or addresses."""

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


COLUMNS = tuple("checksum" if f.name == "checksums" else f.name for f in fields(Entry))


@cache
def registry() -> Mapping[str, Entry]:
    """All registered sets by name, in the order of the table."""
    return read_registry(TABLE.read_text("utf-8"), str(TABLE))


def lookup(name: str) -> Entry:
    """A registered set.

    Raises:
        UserError: where there is none of that name; the message suggests one.
    """
    entries = registry()
    if name not in entries:
        raise UserError(f"no registered set `{name}`; {did_you_mean(name, entries)}")
    return entries[name]


def read_registry(text: str, where: str) -> dict[str, Entry]:
    """Read and check a table.

    Args:
        text: CSV with the columns of `COLUMNS`.
        where: its name, for errors.

    Raises:
        UserError: with every row that is wrong.
    """
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = tuple(next(lines, []))
    if header != COLUMNS:
        raise UserError(
            f"{where}: the columns must be {', '.join(COLUMNS)}; got {', '.join(header)}"
        )
    entries: dict[str, Entry] = {}
    problems: list[str] = []
    for cells in lines:
        place = f"{where}, line {lines.line_num}"
        if len(cells) != len(COLUMNS):
            problems.append(f"{place}: {len(cells)} cells, needs {len(COLUMNS)}")
            continue
        row = dict(zip(COLUMNS, cells, strict=True))
        wrong = _problems(row)
        if row["name"] in entries:
            wrong.append(f"name: `{row['name']}` is there twice")
        elif entries and row["name"] < next(reversed(entries)):
            wrong.append(
                f"name: `{row['name']}` stands below `{next(reversed(entries))}`; sort rows"
            )
        problems += [f"{place}: {problem}" for problem in wrong]
        if not wrong:
            entries[row["name"]] = _entry(row)
    if problems:
        raise UserError("\n".join(problems))
    return entries


def _problems(row: dict[str, str]) -> list[str]:
    """What is wrong with a row, each with its column."""
    wrong = [
        f"{column}: `{cell}` has spaces at an end or a line break"
        for column, cell in row.items()
        if cell != " ".join(cell.split())
    ]
    wrong += [
        f"{c}: must not be empty" for c in ("title", "task", "terms", "citation") if not row[c]
    ]
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", row["name"]):
        wrong.append(f"name: `{row['name']}` must be of a-z, 0-9 and -")
    for column, allowed in (("domain", get_args(Domain)), ("access", get_args(Access))):
        if row[column] not in allowed:
            wrong.append(f"{column}: `{row[column]}`; {did_you_mean(row[column], allowed)}")
    for column in ("bytes", "identities", "images"):
        if row[column] and not re.fullmatch(r"[1-9]\d*", row[column]):
            wrong.append(f"{column}: `{row[column]}` is no whole number above 0")
    if row["file"] and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", row["file"]):
        wrong.append(f"file: `{row['file']}` is no plain file name")
    for url in row["urls"].split():
        if not re.fullmatch(r"https?://[^/\s]+/\S*", url):
            wrong.append(f"urls: `{url}` is no http(s) address of a file")
    if row["checksum"]:
        problem = problem_of(row["checksum"])
        wrong += [f"checksum: {problem}"] if problem else []
    for column in ("bytes", "checksum", "layout"):
        if row[column] and not row["file"]:
            wrong.append(f"{column}: is about a file, and `file` is empty")
    if row["access"] == "request" and not row["how_to_get"]:
        wrong.append("how_to_get: must say where to ask, since access is `request`")
    if row["layout"]:
        if row["layout"].partition(":")[0] not in LAYOUTS:
            wrong.append(f"layout: `{row['layout']}`; {did_you_mean(row['layout'], LAYOUTS)}")
        if row["access"] == "open" and not row["urls"]:
            wrong.append("urls: must not be empty where access is `open` and the set can be read")
    return wrong


def _entry(row: dict[str, str]) -> Entry:
    """A row that was checked."""

    def number(column: str) -> int | None:
        return int(row[column]) if row[column] else None

    domain = next(d for d in get_args(Domain) if d == row["domain"])
    return Entry(
        name=row["name"],
        title=row["title"],
        domain=domain,
        task=row["task"],
        version=row["version"],
        file=row["file"],
        urls=tuple(row["urls"].split()),
        bytes=number("bytes"),
        checksums=tuple(row["checksum"].split()),
        licence=row["licence"],
        terms=row["terms"],
        access="open" if row["access"] == "open" else "request",
        how_to_get=row["how_to_get"],
        citation=row["citation"],
        identities=number("identities"),
        images=number("images"),
        layout=row["layout"],
        protocol_files=tuple(row["protocol_files"].split()),
    )
