"""How tests read what was drawn and rendered: the CSV beside a figure, and the tables of a page."""

from __future__ import annotations

from html.parser import HTMLParser

import pandas as pd
from synthetic import Disk


def table(disk: Disk, name: str) -> pd.DataFrame:
    """The numbers that are drawn in a figure."""
    return pd.read_csv(disk.figures / f"{name}.csv")


def same(drawn: pd.DataFrame, source: pd.DataFrame, columns: list[str]) -> None:
    """Both hold the same rows in these columns, to the last bit."""
    keys = [c for c in columns if c not in ("value", "lower", "upper", "x", "y")]
    left = drawn[columns].sort_values([*keys, *columns], ignore_index=True)
    right = source[columns].sort_values([*keys, *columns], ignore_index=True)
    pd.testing.assert_frame_equal(left, right, check_dtype=False, check_exact=True)


class Reader(HTMLParser):
    """What tests need of a page: tags, and the cells of each table."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.tables, self._open = [], [], False
        self.feed(html)

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
