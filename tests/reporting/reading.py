"""How tests read what was drawn and rendered: the CSV beside a figure, and the tables of a page."""

from __future__ import annotations

import json
import re
from html import escape
from html.parser import HTMLParser

import pandas as pd
from synthetic_disk import Disk

from unispace.reporting.packing import unpacked
from unispace.reporting.tables import number


def table(disk: Disk, name: str) -> pd.DataFrame:
    """The numbers that are drawn in a figure."""
    return pd.read_csv(disk.figures / f"{name}.csv")


def same(drawn: pd.DataFrame, source: pd.DataFrame, columns: list[str]) -> None:
    """Both hold the same rows in these columns, to the last bit."""
    keys = [c for c in columns if c not in ("value", "lower", "upper", "x", "y")]
    left = drawn[columns].sort_values([*keys, *columns], ignore_index=True)
    right = source[columns].sort_values([*keys, *columns], ignore_index=True)
    pd.testing.assert_frame_equal(left, right, check_dtype=False, check_exact=True)


def opened(html: str) -> str:
    """The page as its scripts make it: what is packed is opened."""

    def lines(match: re.Match[str]) -> str:
        return f">{unpacked(match[1]).decode()}</tbody>"

    def columns(match: re.Match[str]) -> str:
        data = json.loads(unpacked(match[1]))
        rows = zip(*(_cells(column) for column in data), strict=True)
        return (
            f"{match[2]}<tbody>{''.join(f'<tr>{chr(10).join(row)}</tr>' for row in rows)}</tbody>"
        )

    html = re.sub(r' data-packed="([^"]*)"></tbody>', lines, html)
    return re.sub(r' data-columns="([^"]*)"(.*?)<tbody></tbody>', columns, html, flags=re.DOTALL)


def _cells(column: dict) -> list[str]:
    """A column of the table of every number, as its script writes it."""
    if "words" in column:
        return [f"<td>{escape(column['words'][code])}</td>" for code in column["codes"]]
    if "counts" in column:
        return [f'<td class="num">{n:,}</td>' for n in column["counts"]]
    return [f'<td class="num">{"" if v is None else number(v)}</td>' for v in column["numbers"]]


class Reader(HTMLParser):
    """What tests need of a page: tags, and the cells of each table; what is packed is opened."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.tables, self._open = [], [], False
        self.feed(opened(html))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._open = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._open = False

    def handle_data(self, data):
        if self._open:
            self.tables[-1][-1][-1] += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def named_table(reader: Reader, name: str) -> list[list[str]]:
    """The cells of the table of a name."""
    names = [attrs.get("data-name") for attrs in reader.all("table")]
    return reader.tables[names.index(name)]
