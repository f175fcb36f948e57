"""No number of the report lacks interval, n and protocol: a walk through the page and the tidy table.

The same walk goes through the pages of other studies in test_report_curriculum, test_report_maps and
test_report_tradeoffs; here it is shown to find what is missing.
"""

import re

import pandas as pd
from borne import unborne, unborne_rows
from reading import opened


def test_the_walk_finds_what_is_missing(html, drawn):
    """Each thing taken from one number of a sound page is found."""
    results = pd.read_parquet(drawn.results)
    assert list(unborne(html, results)) == []
    page = opened(html)
    table = re.search(
        r'<table class="data pivot" data-name="Models by task".*?</table>', page, re.S
    )
    cell = re.search(r'<td class="num" data-sort="[^"]+".*?</td>', table[0], re.S)[0]
    interval = re.search(r' <span class="interval">(.*?)</span>', cell)
    value = re.search(r'class="value">([^<]+)<', cell)[1]
    n = re.search(r'data-n="([^"]+)"', cell)[1]
    for broken, said in (
        (cell.replace(interval[0], ""), "no interval"),
        (cell.replace(interval[1], "no interval"), "no interval"),
        (cell.replace(f'data-n="{n}"', ""), "n ``"),
        (cell.replace(f"n {n}", ""), "out of sight"),
        (re.sub(r' data-protocol="[^"]*"', "", cell), "protocol"),
        (cell.replace(f">{value}<", ">0.123456<"), "no row of the tidy table"),
        (re.sub(r'<span class="number".*</span>', value, cell, flags=re.S), "a bare number"),
        (cell.replace("</td>", " 0.5</td>"), "digits beside the number"),
    ):
        assert broken != cell
        found = list(unborne(page.replace(table[0], table[0].replace(cell, broken)), results))
        assert any(said in problem for problem in found), (said, found[:2])


def test_the_walk_finds_rows_that_are_not_whole(drawn):
    results = pd.read_parquet(drawn.results)
    assert list(unborne_rows(results)) == []
    at = results.index[results["status"] == "ok"][0]
    for column, value, said in (
        ("lower", None, "no interval"),
        ("lower", 2.0, "upside down"),
        ("n", 0, "no n"),
        ("protocol", "", "no protocol"),
        ("unit", "", "no reason"),
        ("status", "failed:", "without a reason"),
        ("status", "failed: x", "although it failed"),
    ):
        broken = results.copy()
        broken.loc[at, column] = value
        assert any(said in problem for problem in unborne_rows(broken)), column
