"""The page of two runs in a real browser."""

import argparse
import html
import io

import pandas as pd
import pytest
from browsing import BOTH, WIDE, complaints, needs_browser, opened, overflowing, violations
from playwright.sync_api import expect
from synthetic_disk import REPORT
from tests.evaluation.tidy_rows import failed, row, table

from unispace.commands import compare_studies
from unispace.records.results import SCHEMA
from unispace.records.tables import write_table

pytestmark = needs_browser
CHANGED = 30


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Two runs: many changes of several sizes, one cell that failed, one that is gone, one setting that differs."""
    folder = tmp_path_factory.mktemp("compared")
    gone = row(dataset="a-set-with-quite-a-long-name-that-only-one-run-has")
    a = [*(row(dataset=f"d{i}") for i in range(CHANGED)), row(model="m"), gone]
    b = [row(dataset=f"d{i}", value=0.8 - i / 100) for i in range(CHANGED)]
    b.append(failed("diverged at step 3", model="m"))
    for name, rows, alpha in (("a", a, 1), ("b", b, 10)):
        write_table(table(*rows), SCHEMA, folder / name / "results.parquet")
        (folder / name / "report").mkdir()
        settings = f"study: tiny\nmaps:\n  ridge: {{alpha: {alpha}}}\n"
        page = f"<pre>{html.escape(settings)}</pre>"
        (folder / name / "report/index.html").write_text(page)
    parser = argparse.ArgumentParser()
    compare_studies.configure(parser)
    out = folder / "compared.html"
    arguments = [str(folder / "a"), str(folder / "b"), "--out", str(out)]
    compare_studies.run(parser.parse_args([*arguments, "--templates", str(REPORT)]))
    return out


@pytest.mark.parametrize(("width", "scheme"), BOTH)
def test_it_opens_fits_and_can_be_read_by_everybody(browser, compared, width, scheme):
    said: list[str] = []
    page = opened(browser, compared, width, scheme, said)
    assert complaints(said, compared) == []
    assert overflowing(page) == []
    assert violations(page) == []
    page.context.close()


def test_its_tables_sort_filter_and_copy(browser, compared):
    page = opened(browser, compared, WIDE, "light", [])
    cells = page.locator('table[data-name="Cells that changed"]')
    rows = cells.locator("tbody tr")
    expect(rows).to_have_count(CHANGED - 1)
    cells.locator("th", has_text="Change").locator("button").first.click()
    place = cells.locator("th", has_text="Change").first.evaluate("(head) => head.cellIndex")
    keys = rows.evaluate_all(f"(rows) => rows.map((r) => Number(r.cells[{place}].dataset.sort))")
    assert keys == sorted(keys)
    page.get_by_role("searchbox", name="Filter Cells that changed").fill("d17")
    expect(cells.locator("tbody tr:visible")).to_have_count(1)
    page.locator("#cells .tools").get_by_role("button", name="Copy as CSV").click()
    expect(page.locator("#said")).to_have_text("CSV copied")
    copied = pd.read_csv(io.StringIO(page.evaluate("navigator.clipboard.readText()")))
    assert copied["Data set"].tolist() == ["d17"]
    assert copied["Change"].tolist() == pytest.approx([-0.17])
    page.context.close()


def test_the_contents_lead_to_every_section(browser, compared):
    page = opened(browser, compared, WIDE, "light", [])
    links = page.locator(".toc a")
    assert links.count() == page.locator("main > section").count() > 4
    for link in links.all():
        link.click()
        expect(page.locator(f"{link.get_attribute('href')} h2").first).to_be_in_viewport()
    page.context.close()
