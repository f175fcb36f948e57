"""Figures: the numbers in the CSV are those of the tables, and files do not vary."""

import pandas as pd
import pytest
from reading import same, table
from synthetic import build
from synthetic_config import default_config, only
from synthetic_page import draw_figure

from unispace.reporting.figures.drawing import panels
from unispace.reporting.figures.views import _separability

FIGURES = (
    "tasks", "cmc", "roc", "maps", "maps_families", "maps_cmc", "maps_roc", "maps_schematic",
    "planted", "retrieval", "maps_views", "views", "losses", "conflicts", "schedule",
    "forgetting", "separability", "pca_transfer", "pca_components",
)  # fmt: skip


def test_tasks_draws_the_headline_rows_and_nothing_else(drawn):
    results = pd.read_parquet(drawn.results)
    metrics = ["top-1", "Rank-1", "TMR@FMR=0.01"]
    tested = results["experiment"] != "separability"
    expected = results[results["model"].notna() & results["metric"].isin(metrics) & tested]
    columns = ["dataset", "metric", "model", "value", "lower", "upper", "n", "status"]
    same(table(drawn, "tasks"), expected, columns)


def test_cmc_draws_every_point_of_single_models(drawn):
    curves = pd.read_parquet(drawn.curves)
    expected = curves[(curves["experiment"] == "identification") & curves["model"].notna()]
    expected = expected.assign(series=expected["model"].str.removesuffix("/seed0"))
    same(table(drawn, "cmc"), expected, ["dataset", "series", "x", "y", "lower", "upper"])


def test_roc_starts_at_the_finest_operating_point_and_invents_no_point(drawn):
    roc, curves = table(drawn, "roc"), pd.read_parquet(drawn.curves)
    line = roc[roc["kind"] == "curve"]
    known = set(zip(curves["x"], curves["y"], strict=True))
    assert set(zip(line["x"], line["y"], strict=True)) <= known
    assert sorted(line["x"].unique())[1] > 0.001 >= line["x"].min()


def test_roc_marks_the_operating_points_that_did_not_fail(drawn):
    results = pd.read_parquet(drawn.results)
    points = table(drawn, "roc").query("kind == 'operating point'")
    rows = results[results["metric"].str.startswith("TMR@") & results["model"].notna()]
    expected = rows[rows["status"] == "ok"].assign(y=lambda r: r["value"])
    same(points, expected, ["dataset", "y", "lower", "upper"])
    assert len(expected) < len(rows)


def test_views_draws_every_image(drawn):
    same(table(drawn, "views"), pd.read_parquet(drawn.views), ["model", "image_id", "x", "y"])
    assert table(drawn, "views")["highlighted"].any()


def test_views_say_how_well_domains_are_told_apart(drawn):
    results = pd.read_parquet(drawn.results)
    said = _separability(results)
    assert set(said) == set(drawn.analysed())
    rows = results[(results["protocol"] == "linear") & (results["metric"] == "accuracy")]
    value = rows.set_index("model").loc["eva02-micro/base/seed0", "value"]
    assert said["eva02-micro/base/seed0"] == f", told apart {value:.3f}"


def test_separability_draws_every_row_and_marks_the_failed_ones(drawn):
    results = pd.read_parquet(drawn.results)
    expected = results[results["experiment"] == "separability"]
    columns = ["protocol", "metric", "model", "value", "lower", "upper", "status"]
    same(
        table(drawn, "separability").fillna({"model": ""}), expected.fillna({"model": ""}), columns
    )
    assert table(drawn, "separability")["status"].str.startswith("failed").any()


def test_pca_transfer_holds_every_point_and_every_number(drawn):
    for figure, kind in (("pca_transfer", "curves"), ("pca_components", "numbers")):
        parts = [pd.read_parquet(drawn.pca(kind, model)) for model in drawn.analysed()]
        expected = pd.concat(parts, ignore_index=True)
        shown = table(drawn, figure)
        if kind == "numbers":
            expected = expected[expected["basis"] == "components"]
        columns = [
            "model",
            "target",
            "centring",
            "metric",
            "components",
            "lower",
            "upper",
            "status",
        ]
        same(shown, expected, columns)


def test_losses_keeps_the_raw_losses(drawn):
    losses = table(drawn, "losses")
    assert "eva02-micro/pretrained" in set(losses["model"])
    assert set(losses["measure"]) == {"loss", "val_rank-1", "learning_rate"}
    for model, rows in losses.groupby("model"):
        history = pd.read_parquet(drawn.checkpoint(model) / "history.parquet")
        history = history[history["measure"].isin(losses["measure"])]
        same(rows, history, ["dataset", "measure", "step", "value"])


def test_conflicts_keeps_the_raw_cosines_of_each_pair(drawn):
    conflicts = table(drawn, "conflicts")
    assert set(conflicts["model"]) == {f"{b}/imic-a/seed0" for b in ("eva02-micro", "pixels")}
    for model, rows in conflicts.groupby("model"):
        history = pd.read_parquet(drawn.checkpoint(model) / "history.parquet")
        history = history[history["measure"] == "conflict"]
        same(rows, history, ["dataset", "other", "step", "value"])
        assert rows.groupby(["dataset", "other"]).ngroups == 6


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_byte_identical_when_drawn_again(drawn, name, tmp_path):
    draw_figure(drawn, name, tmp_path)
    for kind in ("svg", "png", "csv"):
        again = (tmp_path / f"{name}.{kind}").read_bytes()
        assert again == (drawn.figures / f"{name}.{kind}").read_bytes(), kind


def test_figures_hold_no_date_and_no_version(drawn):
    for path in drawn.figures.glob("*.svg"):
        text = path.read_text("utf-8")
        assert "<dc:date>" not in text
        assert "Matplotlib v" not in text
    for path in drawn.figures.glob("*.png"):
        assert b"Software" not in path.read_bytes()


def test_failed_headline_is_written_and_not_drawn_as_zero(tmp_path):
    config = only(default_config(), "bodies")
    config["evaluation"]["fmr"] = [0.001]
    disk = build(tmp_path, config)
    draw_figure(disk, "tasks", disk.figures)
    failed = table(disk, "tasks").query("metric == 'TMR@FMR=0.001'")
    assert failed["status"].str.startswith("failed: FMR").all()
    assert failed["value"].isna().all()


@pytest.mark.parametrize(
    ("count", "numbered"), [(5, [1, 2, 3, 4]), (8, [4, 5, 6, 7]), (3, [0, 1, 2])]
)
def test_the_lowest_panel_of_every_column_is_numbered(count, numbered):
    figure, axes = panels(count, 4, (2, 2), sharex=True, sharey=True)
    figure.canvas.draw()
    shown = [
        i
        for i, a in enumerate(axes)
        if any(t.get_visible() and t.get_text() for t in a.get_xticklabels())
    ]
    assert shown == numbered
