"""Controls: networks, raw pixels and chance side by side, from the tidy rows alone."""

import math

import pandas as pd
import pytest
from synthetic import build
from synthetic_config import default_config, only
from synthetic_disk import HUMANS, REPORT
from synthetic_page import render_page, stub_pictures

from unispace.config.parse import parse_study
from unispace.records.files import read_json
from unispace.records.humans import read_humans
from unispace.records.manifest import read_manifest
from unispace.reporting.controls import controls
from unispace.reporting.page import Material, render
from unispace.reporting.tables import number


@pytest.fixture(scope="module")
def results(disk):
    return pd.read_parquet(disk.results)


def table(disk, results, **changes):
    config = default_config() | changes
    return controls(parse_study(config), results, tuple(disk.study.datasets))


def value(results, model, dataset, metric):
    rows = results[(results["model"] == model) & (results["dataset"] == dataset)]
    return rows.set_index("metric").loc[metric]


def test_each_data_set_has_a_line_for_each_tuning_of_a_control(disk, results):
    found = table(disk, results)
    assert found.backbones == (("eva02-micro", False), ("pixels", True))
    assert [(line.dataset, line.metric, line.tuning) for line in found.lines] == [
        (d, "top-1" if d == "objects" else "Rank-1", c)
        for d in ("objects", "faces", "faces_lq", "bodies")
        for c in ("expert-face_hq", "imic-a")
    ]


def test_cells_are_the_tidy_rows_of_network_and_control(disk, results):
    for line in table(disk, results).lines:
        for backbone, cell in zip(("eva02-micro", "pixels"), line.cells, strict=True):
            row = value(results, f"{backbone}/{line.tuning}/seed0", line.dataset, line.metric)
            assert (cell.exact, cell.n) == (repr(float(row["value"])), f"{row['n']:,}")
            assert cell.interval == f"[{number(row['lower'])}, {number(row['upper'])}]"


def test_a_model_that_was_not_tested_has_an_empty_cell_and_a_failed_one_says_why(disk, results):
    broken = results[results["model"] != "eva02-micro/imic-a/seed0"].copy()
    chosen = (broken["model"] == "pixels/imic-a/seed0") & (broken["metric"] == "Rank-1")
    broken.loc[chosen, ["status", "value"]] = ["failed: no probe", math.nan]
    lines = table(disk, broken).lines
    line = next(x for x in lines if (x.dataset, x.tuning) == ("faces", "imic-a"))
    assert line.cells[0] is None
    assert (line.cells[1].value, line.cells[1].why) == ("failed", "no probe")


def test_chance_is_shown_where_the_rows_know_it(disk, results):
    assert not table(disk, results).chance
    known = results.assign(chance=math.nan)
    known.loc[known["metric"] == "Rank-1", "chance"] = 1 / 90
    found = table(disk, known)
    assert found.chance
    assert {line.metric: line.chance for line in found.lines} == {"top-1": "", "Rank-1": "0.011"}
    known.loc[known["model"] == "pixels/imic-a/seed0", "chance"] = 0.5
    with pytest.raises(ValueError, match="one test, but 2 values by chance"):
        table(disk, known)


def test_two_rows_for_one_cell_are_refused(disk, results):
    with pytest.raises(ValueError, match="several rows of one model for one cell"):
        table(disk, pd.concat([results, results]))


def test_seeds_are_told_apart_where_there_are_several(disk, results):
    lines = table(disk, results, seeds=[0, 1]).lines
    assert [line.tuning for line in lines[:2]] == [
        "expert-face_hq, seed 0",
        "expert-face_hq, seed 1",
    ]


def test_the_page_shows_the_table(html):
    assert '<section id="controls"' in html
    assert 'data-name="Controls"' in html
    assert html.index('id="tasks"') < html.index('<section id="controls"')
    assert "<code>pixels</code> is no network" in html


def test_the_page_has_a_column_for_chance_where_it_is_known(drawn, results):
    study = drawn.study
    material = Material(
        study=study,
        models=study.models(),
        datasets=tuple(study.datasets),
        figures=tuple(drawn.drawn_from()),
        results=results.assign(chance=0.0123),
        audit=pd.read_parquet(drawn.audit),
        manifests={d: read_manifest(drawn.data(d) / "manifest.parquet") for d in study.datasets},
        cards=[read_json(drawn.checkpoint(m) / "model.json") for m in study.models()],
        folder=drawn.figures,
        people=pd.read_parquet(drawn.people),
        humans=read_humans(HUMANS),
        drawn_from={name: [] for name in drawn.drawn_from()},
    )
    html = render(material, REPORT, drawn.page)
    assert '<th scope="col" class="num">Chance</th>' in html
    assert html.count('<span class="value">0.012</span></td></tr>') == 8
    assert "Networks beside raw pixels and chance" in html


def test_the_page_of_a_study_without_control_has_no_such_section(tmp_path):
    config = only(default_config(), "faces")
    del config["backbones"]["pixels"]
    disk = build(tmp_path, config)
    stub_pictures(disk)
    html = render_page(disk)
    assert 'id="controls"' not in html
    assert "#controls" not in html
