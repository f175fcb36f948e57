"""Curves of maps in figures and on the page: what is drawn is what the tables hold, and failures show."""

import re

import numpy as np
import pandas as pd
import pytest
from synthetic_config import default_config
from synthetic_curves import FAILED, D, efficiency_table, leaks_table
from synthetic_disk import Disk
from synthetic_page import draw_figure

from unispace.config.map_curves import Efficiency, Security
from unispace.config.methods import CEILING
from unispace.config.parse import parse_study
from unispace.reporting.figures import maps_efficiency, maps_security
from unispace.reporting.figures.drawing import Plan
from unispace.reporting.looks import method_looks

FIGURES = ("maps_efficiency", "maps_security")
METHODS = ("procrustes", "linear", "ridge")
PLAN = Plan(models=("a/x/seed0", "b/x/seed0", "c/x/seed0"), names=("faces",), protocols=("enrol-one",),
            methods=("baseline", "shuffled", *METHODS))  # fmt: skip
PAIRS = (("a/x/seed0", "b/x/seed0"), ("b/x/seed0", "c/x/seed0"))


def efficiency(pairs=PAIRS):
    return efficiency_table(
        Efficiency(pairs=pairs, methods=METHODS), "faces", np.random.default_rng(0)
    )


def leaks(pairs=PAIRS):
    return leaks_table(Security(pairs=pairs, methods=METHODS), "faces", np.random.default_rng(0))


def lines(axes, colour):
    """Lines of a colour that go through more than two points."""
    return [
        np.column_stack([line.get_xdata(), line.get_ydata()])
        for line in axes.lines
        if line.get_color() == colour and len(line.get_xdata()) > 2
    ]


@pytest.mark.parametrize("name", FIGURES)
def test_numbers_drawn_are_those_of_the_tables_and_files_do_not_vary(disk, name, tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        draw_figure(disk, name, folder)
    table = pd.concat([pd.read_parquet(p) for p in disk.drawn_from()[name]], ignore_index=True)
    drawn = pd.read_csv(folders[0] / f"{name}.csv")
    pd.testing.assert_frame_equal(drawn, table[list(drawn.columns)], check_dtype=False)
    assert (drawn["status"] == FAILED).any()
    for kind in ("svg", "png", "csv"):
        one, two = ((folder / f"{name}.{kind}").read_bytes() for folder in folders)
        assert one == two, kind


def test_a_row_for_each_pair_and_a_line_for_each_method():
    table = efficiency()
    figure = maps_efficiency.draw([table], PLAN).figure
    assert len(figure.axes) == len(PAIRS) * 4
    looks = method_looks(table["method"], PLAN.methods)
    grid = [(pair, by, metric) for pair in PAIRS for by in ("identities", "images")
            for metric in ("Rank-1", "AUC")]  # fmt: skip
    for axes, (pair, by, metric) in zip(figure.axes, grid, strict=True):
        here = table[(table["source"] == pair[0]) & (table["metric"] == metric)]
        here = here[here["protocol"] != "self-excluded"].sort_values("size")
        for method in METHODS:
            rows = here[(here["method"] == method) & (here["by"] == by)]
            (line,) = lines(axes, looks[method].colour)
            np.testing.assert_array_equal(line, rows[["size", "value"]].to_numpy(float))
        for method in ("baseline", CEILING):
            value = here.loc[here["method"] == method, "value"].item()
            flat = [line for line in axes.lines if list(line.get_ydata()) == [value, value]]
            assert [line.get_color() for line in flat] == [looks[method].colour]
        marked = [line for line in axes.lines if list(line.get_xdata()) == [D, D]]
        assert len(marked) == (by == "images")


def test_leaks_are_solid_as_they_are_and_dashed_under_a_secret():
    table = leaks()
    figure = maps_security.draw([table], PLAN).figure
    assert len(figure.axes) == len(PAIRS) * 3
    looks = method_looks(table["method"], PLAN.methods)
    axes = figure.axes[1]
    here = table[(table["source"] == PAIRS[0][0]) & (table["metric"] == "Rank-1")]
    for method in METHODS:
        styles = {
            line.get_linestyle(): line.get_ydata()
            for line in axes.lines
            if line.get_color() == looks[method].colour and len(line.get_xdata()) > 2
        }
        for style, secret in (("-", False), ("--", True)):
            rows = here[(here["method"] == method) & (here["secret"] == secret)]
            np.testing.assert_array_equal(styles[style], rows["value"])
    circles = {line.get_markerfacecolor(): line.get_ydata() for line in axes.lines
               if line.get_marker() == "o"}  # fmt: skip
    before = here[here["method"] == "baseline"].set_index("secret")["value"]
    assert [circles["black"][0], circles["white"][0]] == [before[False], before[True]]
    assert axes.get_xlim()[0] < 0


@pytest.mark.parametrize(
    "draw", [lambda: (maps_efficiency, efficiency()), lambda: (maps_security, leaks())]
)
def test_a_failed_point_breaks_the_line_and_is_crossed(draw):
    module, table = draw()
    figure = module.draw([table], PLAN).figure
    crosses = [line for axes in figure.axes for line in axes.lines
               if line.get_marker() == "x" and len(line.get_xdata())]  # fmt: skip
    shown = table[(table["status"] == FAILED) & table["metric"].isin(["Rank-1", "AUC", "D_sys"])]
    if "protocol" in shown:
        shown = shown[shown["protocol"] != "self-excluded"]
    assert sum(len(line.get_xdata()) for line in crosses) == len(shown) > 0
    colour = method_looks(table["method"], PLAN.methods)["ridge"].colour
    assert {line.get_color() for line in crosses} == {colour}


def test_nothing_measured_is_said():
    for module, what in (
        (maps_efficiency, "data efficiency"),
        (maps_security, "template security"),
    ):
        texts = [t.get_text() for axes in module.draw([], PLAN).figure.axes for t in axes.texts]
        assert texts == [f"No {what} was measured."]


def test_long_names_keep_their_panels(recwarn):
    pairs = tuple(
        (f"{a}{'-long' * 8}/x/seed0", f"{b}{'-long' * 8}/x/seed0") for a, b in ("ab", "cd")
    )
    for module, table in ((maps_efficiency, efficiency(pairs)), (maps_security, leaks(pairs))):
        figure = module.draw([table], PLAN).figure
        figure.canvas.draw()
        # Without room the layout is given up, with a warning.
        assert not [w for w in recwarn if "layout" in str(w.message)]
        assert min(axes.get_position().height for axes in figure.axes) > 0.1


def test_the_page_has_a_slot_for_each(html):
    for name in FIGURES:
        assert len(re.findall(f'id="figure-{name}"', html)) == 1
    assert "means over 5 seeds" in html


def test_what_is_switched_off_is_not_drawn(tmp_path):
    config = default_config()
    assert set(FIGURES) <= set(Disk(tmp_path, parse_study(config)).drawn_from())
    config["maps"] |= {"efficiency": None, "security": None}
    assert not set(FIGURES) & set(Disk(tmp_path, parse_study(config)).drawn_from())
