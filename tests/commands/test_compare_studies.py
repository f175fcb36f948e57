"""Two runs on a page."""

import argparse
import html
import re
from pathlib import Path

import pytest
from tests.evaluation.tidy_rows import failed, row, table

from unispace.commands import compare_studies
from unispace.errors import UserError
from unispace.records.results import SCHEMA
from unispace.records.tables import write_table

TEMPLATES = Path(__file__).resolve().parents[2] / "workflow/report"


def run(folder, *rows, settings=None):
    write_table(table(*rows), SCHEMA, folder / "results.parquet")
    if settings is not None:
        (folder / "report").mkdir()
        page = f"<p>study: none</p><pre>snakemake</pre><pre tabindex=0><code>{html.escape(settings)}</code></pre>"
        (folder / "report/index.html").write_text(page)
    return folder


def compare(folder, a, b):
    parser = argparse.ArgumentParser()
    compare_studies.configure(parser)
    out = folder / "compared.html"
    arguments = [str(a), str(b), "--out", str(out), "--templates", str(TEMPLATES)]
    compare_studies.run(parser.parse_args(arguments))
    return out.read_text()


def words(page):
    """The text of the page's body, spaces drawn together."""
    body = re.sub(r"(?s)<(style|script)>.*?</\1>", "", page)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


def test_the_page_shows_what_changed_by_how_much_and_what_was_set(tmp_path):
    a = [
        row(),
        row(metric="EER", value=0.2, lower=0.1, upper=0.3),
        row(dataset="old"),
        row(model="m"),
    ]
    b = [row(value=0.6, lower=0.5, upper=0.7), row(metric="EER", value=0.21, lower=0.1, upper=0.3)]
    b += [failed("diverged at step 3 <b>", model="m")]
    one = run(tmp_path / "a", *a, settings="study: tiny\nseed: 1\nmaps:\n  ridge: {alpha: 1}\n")
    two = run(tmp_path / "b", *b, settings="study: tiny\nseed: 1\nmaps:\n  ridge: {alpha: 10}\n")
    page = compare(tmp_path, one, two)
    text = words(page)
    assert "Of 2 numbers that both runs have, 2 changed, 1 of them by more than the half-width" in text  # fmt: skip
    assert "maps.ridge.alpha 1 10" in text
    assert "seed" not in text.split("Settings that differ")[1].split("By metric")[0]
    assert re.search(r"m/base/seed0 faces AUC 0\.800 \[0\.700, 0\.900\] n 1,000 0\.600 .* −0\.2 2\.00 beyond", text)  # fmt: skip
    assert re.search(r"faces EER 0\.200 .* \+0\.01 0\.10 within the interval", text)
    assert "Data sets A alone: old." in text
    assert "failed diverged at step 3 <b>" in text
    assert "<b>" not in page.split("diverged at step 3")[1][:10]
    assert not re.search(r'(src|href)="(https?:)?//', page)


def test_equal_runs_are_said_to_be_equal(tmp_path):
    one = run(tmp_path / "a", row(), settings="study: tiny\n")
    text = words(compare(tmp_path, one, one / "results.parquet"))
    assert "Both runs found the same: all 1 cells are equal." in text
    assert "The settings of both runs are the same." in text
    assert "No metric changed in any cell." in text


def test_runs_whose_settings_are_not_known_say_so(tmp_path):
    one = run(tmp_path / "a", row(), settings="study: tiny\n")
    two = run(tmp_path / "b", row(value=0.81))
    text = words(compare(tmp_path, one, two))
    assert "The settings of B are not known, since no report lies beside its results." in text


def test_long_tables_are_cut_and_say_so(tmp_path):
    one = run(tmp_path / "a", *(row(dataset=f"d{i}") for i in range(1600)))
    two = run(tmp_path / "b", *(row(dataset=f"d{i}", value=0.81) for i in range(1600)))
    text = words(compare(tmp_path, one, two))
    assert "The 1,500 largest of 1,600; the table above counts all." in text


def test_missing_results_are_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"a/results\.parquet: no results there|/a: no results there"
    ):
        compare(tmp_path, tmp_path / "a", tmp_path / "a")


def test_a_page_without_settings_is_refused(tmp_path):
    one = run(tmp_path / "a", row(), settings="nothing: here\n")
    with pytest.raises(UserError, match=r"index\.html: holds no settings of a study"):
        compare(tmp_path, one, one)


def test_settings_that_cannot_be_read_are_refused(tmp_path):
    one = run(tmp_path / "a", row(), settings="study: [tiny\n")
    with pytest.raises(UserError, match="its settings cannot be read"):
        compare(tmp_path, one, one)


def test_a_cell_that_stands_twice_is_refused(tmp_path):
    one = run(tmp_path / "a", row(), row())
    with pytest.raises(UserError, match="stand twice in run A"):
        compare(tmp_path, one, one)
