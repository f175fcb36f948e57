"""The page in a real browser: it opens without a complaint, works, fits, and can be read by everybody."""

import io
import re

import pandas as pd
import pytest
from browsing import NARROW, WIDE, complaints, needs_browser, opened, overflowing, violations
from playwright.sync_api import expect
from reading import Reader, named_table, table

pytestmark = needs_browser


@pytest.fixture(scope="module", params=[(WIDE, "light"), (NARROW, "dark")])
def looked_at(browser, html, drawn, request):
    said: list[str] = []
    page = opened(browser, drawn.page, *request.param, said)
    yield page, said
    page.context.close()


@pytest.fixture(scope="module")
def wide(browser, html, drawn):
    page = opened(browser, drawn.page, WIDE, "light", [])
    yield page
    page.context.close()


def test_it_opens_without_a_complaint_and_without_a_network(looked_at, drawn):
    page, said = looked_at
    assert complaints(said, drawn.page) == []
    pictures = page.evaluate(
        "Promise.all([...document.querySelectorAll('main img')].map(async (i) => { await i.decode(); return i.naturalWidth }))"
    )
    assert len(pictures) > 20
    assert all(width > 2 for width in pictures)


def test_nothing_overflows(looked_at):
    page, _ = looked_at
    assert overflowing(page) == []


def test_axe_finds_no_violation_of_wcag_aa(looked_at):
    page, _ = looked_at
    assert violations(page) == []


def test_the_contents_lead_to_every_section(wide):
    links = wide.locator(".toc a")
    sections = wide.locator("main > section")
    assert links.count() == sections.count() > 10
    for link in links.all():
        link.click()
        target = link.get_attribute("href")
        expect(wide.locator(f"{target} h2").first).to_be_in_viewport()


def test_a_table_sorts_by_its_numbers_and_what_failed_stays_last(wide):
    table = wide.locator('table[data-name="Models by task"]')
    for name, rising in (("ascending", True), ("descending", False)):
        table.locator("th.num button").first.click()
        head = table.locator("th.num").first
        assert head.get_attribute("aria-sort") == name
        column = head.evaluate("(cell) => cell.cellIndex")
        cells = table.locator(f"tbody tr > :nth-child({column + 1})").all()
        keys = [cell.get_attribute("data-sort") for cell in cells]
        numbers = [float(key) for key in keys if key]
        assert numbers == sorted(numbers, reverse=not rising)
        assert all(keys[: len(numbers)])


def test_every_number_is_written_sorted_and_filtered_as_it_is(wide, html, drawn):
    table = wide.locator('table[data-name="Every number"]')
    head, *lines = named_table(Reader(html), "Every number")
    results = pd.read_parquet(drawn.results)
    rows = table.locator("tbody tr")
    shown = rows.evaluate_all(
        "(rows) => rows.map((row) => [...row.cells].map((c) => c.textContent))"
    )
    assert len(shown) == 200
    place, origin = head.index("Value"), head.index("Origin")
    for row, line in zip(shown, lines, strict=False):
        assert row[:origin] == [*line[:place], line[place] or "failed", *line[place + 1 : origin]]
        assert line[origin].startswith(row[origin])
    more = wide.get_by_role("button", name="Show 200 more")
    more.click()
    expect(rows).to_have_count(400)
    wide.get_by_role("searchbox", name="Filter Every number").fill("FAILED bodies")
    texts = [" ".join(line).lower() for line in lines]
    found = sum("failed" in text and "bodies" in text for text in texts)
    assert 0 < found < 200
    expect(rows).to_have_count(found)
    wide.get_by_role("searchbox", name="Filter Every number").fill("")
    table.locator("thead .keys th").nth(head.index("n")).locator("button").click()
    counts = rows.evaluate_all(
        f"(rows) => rows.map((row) => row.cells[{head.index('n')}].textContent)"
    )
    expected = sorted(results["n"])[:200]
    assert [int(n.replace(",", "")) for n in counts] == expected


def test_tables_are_copied_as_csv_and_latex(wide, drawn):
    results = pd.read_parquet(drawn.results)
    tools = wide.locator("#numbers .tools")
    tools.get_by_role("button", name="Copy as CSV").click()
    expect(wide.locator("#said")).to_have_text("CSV copied")
    copied = pd.read_csv(io.StringIO(wide.evaluate("navigator.clipboard.readText()")))
    assert len(copied) == len(results)
    values = pd.to_numeric(copied["Value"], errors="coerce").dropna().sort_values()
    expected = results["value"].dropna().sort_values()
    assert values.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-5)
    wide.locator("#tasks .tools").get_by_role("button", name="Copy as LaTeX").click()
    expect(wide.locator("#said")).to_have_text("LaTeX copied")
    latex = wide.evaluate("navigator.clipboard.readText()")
    assert latex.startswith("\\begin{tabular}{l")
    models = wide.locator('table[data-name="Models by task"] tbody tr').count()
    assert latex.count("\\\\\n") == models + 1


def test_a_figure_is_enlarged_and_closed_by_key(wide):
    wide.get_by_role("button", name="Enlarge Figure 1", exact=True).click()
    dialog = wide.get_by_role("dialog", name="Enlarged figure")
    expect(dialog).to_be_visible()
    image = dialog.locator("img")
    before = image.bounding_box()["width"]
    dialog.get_by_role("button", name="Larger").click()
    assert image.bounding_box()["width"] == pytest.approx(1.5 * before, rel=0.02)
    wide.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_curves_are_read_by_pointing_and_by_keys(wide, drawn):
    figure = wide.locator("#figure-cmc")
    figure.scroll_into_view_if_needed()
    expect(figure.locator(".hint")).to_be_visible()
    readout = wide.locator(".readout")
    expect(readout).to_be_hidden()
    # From the drawing itself: the middle of the first panel.
    left, top, right, bottom = wide.evaluate(
        "panels(document.querySelector('#figure-cmc img')).found[0].box.map((side) => side * "
        "document.querySelector('#figure-cmc img').getBoundingClientRect().width / "
        "panels(document.querySelector('#figure-cmc img')).wide)"
    )
    image = figure.locator("img")
    image.hover(position={"x": (left + right) / 2, "y": (top + bottom) / 2})
    expect(readout).to_be_visible()
    told = readout.locator("li").all_text_contents()
    assert len(told) > 1
    assert "share of probes found" in readout.locator("p").inner_text()
    rank = float(re.search(r"rank ([\d.]+)", readout.locator("p").inner_text())[1])
    # A curve rises: what is read lies between the values at the ranks beside it, of the CSV.
    csv = table(drawn, "cmc")
    title = readout.locator("b").inner_text()
    places = [c for c in ("panel", "dataset") if c in csv]
    here = csv[csv[places[0]].map(title.startswith)]
    for line in told:
        name, value = line.rsplit(" ", 1)
        rows = here[here["series"].str.endswith(name)]
        assert len(rows) > 1, line
        least = rows[rows["x"] <= rank]["y"].min()
        most = rows[rows["x"] >= rank]["y"].max()
        assert least - 0.005 <= float(value) <= most + 0.005, line
    wide.mouse.move(2, 2)
    expect(readout).to_be_hidden()
    figure.locator(".plate").focus()
    for _ in range(3):
        wide.keyboard.press("ArrowRight")
    expect(readout).to_be_visible()
    expect(wide.locator("#said")).to_contain_text("rank")
    wide.keyboard.press("Escape")
    expect(readout).to_be_hidden()


def test_the_theme_is_chosen(wide):
    before = wide.evaluate("getComputedStyle(document.body).backgroundColor")
    wide.get_by_role("button", name="Dark theme").click()
    assert wide.evaluate("getComputedStyle(document.body).backgroundColor") != before
    wide.get_by_role("button", name="Light theme").click()
    assert wide.evaluate("getComputedStyle(document.body).backgroundColor") == before
