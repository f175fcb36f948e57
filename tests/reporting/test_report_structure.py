"""What the page says of the structure and the geometry of maps: numbers are those of the rows."""

import re

import pandas as pd
import pytest
from synthetic import build
from synthetic_config import default_config
from synthetic_maps import compatibility_config
from synthetic_page import draw_figure, render_page, stub_pictures
from synthetic_structure import FIGURES

from unispace.records.results import SCHEMA
from unispace.records.tables import read_table
from unispace.reporting.map_structure import by_family, family_pairs, main_methods
from unispace.reporting.structure_table import findings_table
from unispace.reporting.tables import number


@pytest.fixture(scope="module")
def ten(tmp_path_factory):
    """Ten models of three families, on two fittings."""
    disk = build(tmp_path_factory.mktemp("ten"), compatibility_config(default_config()))
    stub_pictures(disk)
    for name in FIGURES:
        draw_figure(disk, name, disk.figures)
    return disk


def results_of(disk):
    return read_table(disk.results, SCHEMA)


def test_each_finding_is_the_row_with_its_p_value(ten):
    results = results_of(ten)
    found = findings_table(results, list(ten.study.maps.methods), list(ten.study.datasets))
    # Of what is fitted as in the paper, in the order of the study.
    assert found.methods == ("ridge", "linear")
    assert {line.tested for line in found.lines} == {"faces", "faces to faces_lq"}
    assert len(found.lines) == 2 * 7
    rows = results[(results["experiment"] == "compatibility") & results["model"].isna()]
    line = next(line for line in found.lines if line.claim.startswith("Are models of one family"))
    for method, (cell, p) in zip(found.methods, line.cells, strict=True):
        mine = rows[(rows["method"] == method) & (rows["dataset"] == "faces")].set_index("metric")
        row = mine.loc["Rank-1 within - between"]
        assert (float(cell.exact), float(cell.exact_lower)) == (row["value"], row["lower"])
        assert p.value == number(mine.loc["Rank-1 within - between-p", "value"])
    bare = next(line for line in found.lines if line.claim.startswith("Does the dendrogram keep"))
    why = "no interval: a property of the dendrogram"
    assert all(cell.interval == why and p is None for cell, p in bare.cells)


def test_a_failed_finding_stands_with_its_reason_and_without_p(ten):
    results = results_of(ten)
    here = results["metric"].str.startswith("Rank-1 cluster agreement")
    results.loc[here, ["value", "lower", "upper"]] = float("nan")
    results.loc[here, "status"] = "failed: too few models"
    found = findings_table(results, list(ten.study.maps.methods), list(ten.study.datasets))
    lines = [line for line in found.lines if "Adjusted Rand" in line.claim]
    assert len(lines) == 2
    assert all(cell.why == "too few models" and not p for line in lines for cell, p in line.cells)


def test_without_rows_there_is_no_table():
    empty = SCHEMA.empty_table().to_pandas()
    assert findings_table(empty, ["procrustes"], ["faces"]).lines == ()


def test_the_page_shows_findings_and_figures(ten):
    html = render_page(ten)
    for figure in FIGURES:
        assert f'id="figure-{figure}"' in html
    section = html[html.index('id="maps"') :]
    assert section.index("Structure and geometry") < section.index("</section>")
    assert "Are models of one family more compatible?" in section
    assert "fitted-map" in html
    assert re.search(r"<dt><code>fitted-map</code></dt>\s*<dd>Shape of a map", html)


def test_figures_hold_the_rows_of_the_first_fitting(ten):
    results = results_of(ten)
    shown = pd.read_csv(ten.figures / "maps_similarity.csv")
    assert set(shown["dataset"]) == {"faces"}
    expected = results[
        (results["experiment"] == "similarity") & (results["dataset"] == "faces")
        & results["metric"].isin(["RSA", "CKA-debiased"])
    ]  # fmt: skip
    assert sorted(shown["value"]) == sorted(expected["value"])
    shown = pd.read_csv(ten.figures / "maps_structure.csv")
    assert set(shown["dataset"]) == {"faces"}
    assert set(shown["method"]) == {"ridge", "linear"}


@pytest.mark.parametrize("name", FIGURES)
def test_a_study_with_few_models_and_a_failed_cell_draws_too(drawn, name):
    assert (drawn.figures / f"{name}.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("present", "order", "chosen"),
    [
        (("baseline", "linear", "procrustes", "ridge"), ("baseline", "procrustes", "linear", "ridge"), ["procrustes", "ridge"]),
        (("baseline", "mine", "other", "third"), ("baseline", "mine", "other", "third"), ["mine", "other"]),
        (("ridge", "mine"), ("mine", "ridge"), ["mine", "ridge"]),
        (("baseline",), ("baseline", "ridge"), ["baseline"]),
    ],
)  # fmt: skip
def test_at_most_two_maps_stand_for_all(present, order, chosen):
    assert main_methods(present, order) == chosen


def test_families_stand_together_in_the_order_of_the_study():
    families = {"a": "x", "b": "y", "c": "x"}
    assert by_family(["b", "c", "a"], families) == ["a", "c", "b"]
    assert family_pairs(families) == [("x", "x"), ("x", "y"), ("y", "x")]
