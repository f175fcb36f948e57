"""Whether every number of a page carries its interval, its n and its protocol.

What counts: a number that was measured or derived from measurements. It stands in a table of the kind `results` (all
that do not say otherwise by `data-holds`), in a cell of class `num`, within an element of class `number`, which has

- the interval beside the value, or `data-fixed`: why nothing can be resampled;
- `data-n` and `data-protocol`, both also in sight: in the cell, the head of its column, the words of its row, or the caption;
- a row of the tidy table with just this value, interval, n and protocol.

What does not count: chance (class `chance`), which is no measurement; sizes and settings (class `count`, or tables that
hold `counts`), which are whole numbers; numbers of others (class `published`, or tables that hold `published`), which
are shown as printed and say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pandas as pd
from reading import opened

from unispace.reporting.tables import number, points

_FULL = "Every number"
_N = re.compile(r"\bn ([\d,]+)(?: to ([\d,]+))?")
_DECIMAL = re.compile(r"\d\.\d")
_EXEMPT = {"chance", "count", "published", "failed", "none"}


@dataclass
class Number:
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Cell:
    tag: str
    attributes: dict[str, str]
    text: str = ""  # all of it
    outside: str = ""  # without the numbers
    numbers: list[Number] = field(default_factory=list)

    @property
    def classes(self) -> set[str]:
        return set((self.attributes.get("class") or "").split())

    @property
    def head(self) -> str:
        return f"{self.text} {self.attributes.get('data-copy') or ''}"


@dataclass
class Table:
    attributes: dict[str, str]
    caption: str = ""
    rows: list[list[Cell]] = field(default_factory=list)
    keys: int = 0  # place of the row of heads

    @property
    def name(self) -> str:
        return self.attributes["data-name"]


class Walker(HTMLParser):
    """The tables of a page, cell by cell."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: list[Table] = []
        self._path: list[str] = []  # open elements within a table: tag, or `number`
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        if tag == "table":
            self.tables.append(Table(attributes))
            self._path = []
        if not self.tables:
            return
        self.handle_data(" ")  # elements stand apart
        if tag in ("br", "img", "input"):
            return
        table = self.tables[-1]
        if tag == "tr":
            table.rows.append([])
            if attributes.get("class") == "keys":
                table.keys = len(table.rows) - 1
        elif tag in ("td", "th") and table.rows:
            table.rows[-1].append(Cell(tag, attributes))
        elif "number" in attributes.get("class", "").split() and table.rows:
            table.rows[-1][-1].numbers.append(Number(attributes))
            tag = "number"
        self._path.append(tag)

    def handle_endtag(self, tag):
        if self._path:
            self._path.pop()

    def handle_data(self, data):
        if "caption" in self._path:
            self.tables[-1].caption += data
        elif "td" in self._path or "th" in self._path:
            cell = self.tables[-1].rows[-1][-1]
            cell.text += data
            if "number" in self._path:
                cell.numbers[-1].text += data
            else:
                cell.outside += data


def unborne(html: str, results: pd.DataFrame) -> Iterator[str]:
    """What is wrong with the numbers of a page, none of it in words that a reader would see.

    Args:
        html: the page.
        results: its tidy rows.
    """
    walker = Walker(opened(html))
    known = set(_known(results))
    for table in walker.tables:
        holds = table.attributes.get("data-holds", "results")
        for cells in table.rows[table.keys + 1 :]:
            if table.name == _FULL:
                yield from _full(table, cells)
                continue
            for place, cell in enumerate(cells):
                where = f"{table.name}, {cells[0].text.strip()}, {table.rows[table.keys][place].text.strip()}"
                for problem in _problems(table, cells, place, cell, holds, known):
                    yield f"{where}: {problem} in `{' '.join(cell.text.split())}`"


def _problems(table, cells, place, cell, holds, known) -> Iterator[str]:
    if holds == "published":
        if "ublished" not in table.caption:
            yield "a number of others that does not say so"
        return
    if "num" not in cell.classes:
        if cell.tag == "td" and "prose" not in cell.classes and _DECIMAL.search(cell.outside):
            yield "a decimal outside of a cell of numbers"
        return
    if holds == "counts" or "count" in cell.classes:
        if _DECIMAL.search(cell.text):
            yield "no whole number among counts"
        return
    if cell.classes & _EXEMPT:
        return
    if not cell.numbers:
        if re.search(r"\d", cell.text):
            yield "a bare number"
        return
    if re.search(r"\d", _N.sub("", cell.outside).replace("Rank-1", "")):
        yield "digits beside the number"
    about = " ".join(other.head for other in cells if "num" not in other.classes)
    sight = " ".join((table.caption, table.rows[table.keys][place].head, about, cell.text))
    for item in cell.numbers:
        yield from _number(item, sight, known)


def _number(item: Number, sight: str, known: set) -> Iterator[str]:
    n, protocol = item.attributes.get("data-n", ""), item.attributes.get("data-protocol", "")
    if not re.fullmatch(r"[1-9][\d,]*", n):
        yield f"n `{n}`"
        return
    if not protocol or protocol not in sight:
        yield f"protocol `{protocol}` out of sight"
    ranges = [(low, high or low) for low, high in _N.findall(sight)]
    count = int(n.replace(",", ""))
    if not any(int(a.replace(",", "")) <= count <= int(b.replace(",", "")) for a, b in ranges):
        yield f"n {n} out of sight"
    text = " ".join(item.text.split()).removeprefix("Rank-1 ").replace(" best", "")
    if item.attributes.get("data-fixed"):
        value, interval = text.split(" no interval: ")[0], ""
    else:
        match = re.fullmatch(r"(\S+)(?: ± (\S+))? (\[\S+, \S+\])", text)
        if match is None:
            yield "no interval"
            return
        value, spread, interval = match.groups()
        if spread is not None and (spread, "", n, protocol) not in known:
            yield f"spread {spread} is no row"
    if (value, interval, n, protocol) not in known:
        yield "no row of the tidy table"


def _known(results: pd.DataFrame) -> Iterator[tuple[str, str, str, str]]:
    """Value, interval, n and protocol of each row, in every way in which a page may write it."""
    good = results[results["status"] == "ok"]
    columns = ("value", "lower", "upper", "n", "protocol")
    for value, lower, upper, n, protocol in zip(*(good[c] for c in columns), strict=True):
        for write, sign in ((number, 1), (points, 1), (points, -1)):
            low, high = sorted((sign * lower, sign * upper))
            yield write(sign * value), f"[{write(low)}, {write(high)}]", f"{n:,}", protocol
        yield number(value), "", f"{n:,}", protocol


def _full(table: Table, cells: list[Cell]) -> Iterator[str]:
    heads = [cell.text.strip() for cell in table.rows[table.keys]]
    line = dict(zip(heads, (cell.text.strip() for cell in cells), strict=True))
    needed = ["n", "Protocol", "Metric", "Data set", "Origin", "Resampled"]
    if line["Status"] == "ok":
        needed += ["Value", "95 % from", "to"]
    elif not line["Status"].removeprefix("failed:").strip():
        yield f"a row that failed without a reason: {line}"
    for head in needed:
        if not line[head]:
            yield f"no {head} in {line}"


def unborne_rows(results: pd.DataFrame) -> Iterator[str]:
    """What is wrong with the rows of a tidy table."""
    good = results["status"] == "ok"
    ends = results["lower"].notna() & results["upper"].notna() & results["value"].notna()
    for problem, rows in (
        ("no interval", good & ~ends),
        ("an interval upside down", good & (results["lower"] > results["upper"])),
        ("a number although it failed", ~good & results["value"].notna()),
        ("failed without a reason", ~good & ~results["status"].str.match(r"failed: *\S")),
        ("no n", results["n"] < (1 * good)),
        ("no protocol", results["protocol"] == ""),
        ("nothing resampled and no reason", results["unit"] == ""),
        ("no origin", results["origin"] == ""),
    ):
        for row in results[rows].to_dict("records")[:5]:
            yield f"{problem}: {row}"
