"""Examples of maps in figures and on the page."""

import re

import numpy as np
import pandas as pd
import pytest
from synthetic import build
from synthetic_config import default_config
from synthetic_page import draw_figure, render_page, stub_pictures
from synthetic_shown import FAILED

from unispace.records.results import MAP_VIEW_SCHEMA, RETRIEVAL_SCHEMA
from unispace.records.tables import read_table
from unispace.records.thumbnails import pixels_of
from unispace.reporting.figures import maps_views, retrieval
from unispace.reporting.figures.drawing import Plan


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three pairs, of which the last map failed."""
    config = default_config()
    config["backbones"] = dict.fromkeys(("first", "other"), config["backbones"]["eva02-micro"])
    models = [f"{b}/imic-a/seed0" for b in config["backbones"]] + ["first/base/seed0"]
    config["maps"]["models"] = models
    config["maps"]["shown"] = [models[:2], models[1:], [models[2], models[0]]]
    config["maps"]["methods"] = {"baseline": {}, "procrustes": {}}
    return build(tmp_path_factory.mktemp("three"), config)


@pytest.mark.parametrize("name", ["retrieval", "maps_views"])
def test_numbers_drawn_are_those_of_the_table(three, name):
    draw_figure(three, name, three.figures)
    table = pd.read_parquet(three.drawn_from()[name][0])
    drawn = pd.read_csv(three.figures / f"{name}.csv")
    assert "picture" not in drawn
    pd.testing.assert_frame_equal(
        drawn, table[list(drawn.columns)], check_dtype=False, check_exact=True
    )
    failed = drawn["status"] == FAILED
    assert set(drawn[failed][["source", "method"]].itertuples(index=False, name=None)) == {
        ("first/base/seed0", "procrustes")
    }


def plan(table):
    return Plan(models=tuple(dict.fromkeys([*table["source"], *table["target"]])))


def words(figure):
    """All texts in the panels of a figure."""
    return " | ".join(t.get_text() for a in figure.axes for t in a.texts)


def test_frames_and_crosses_say_what_is_right_without_colour(three):
    table = read_table(three.examples, RETRIEVAL_SCHEMA)
    figure = retrieval.draw([table], plan(table)).figure
    for axes, (_, here) in zip(
        figure.axes, table.groupby(["source", "target"], sort=False), strict=True
    ):
        listed = here[here["rank"] > 0]
        asked, misses, hits = (len(c.get_paths()) for c in axes.collections)
        assert asked == 3
        assert hits == listed["correct"].sum() > 0
        assert misses == len(listed) - hits > 0
        crosses = next(line for line in axes.lines if line.get_marker() == "x")
        assert len(crosses.get_xdata()) == misses
    assert words(figure).count("failed: the loss") == 3


def test_counts_beside_the_lists_are_those_of_the_table(three):
    table = read_table(three.examples, RETRIEVAL_SCHEMA)
    figure = retrieval.draw([table], plan(table)).figure
    shown = re.findall(r"(\d+) of (\d+)", words(figure))
    asked = table[(table["rank"] == 0) & (table["status"] == "ok")]
    expected = [
        (str(f), str(n)) for f, n in zip(asked["found"].astype(int), asked["findable"], strict=True)
    ]
    assert sorted(shown) == sorted(expected)


def test_every_picture_is_drawn_where_its_frame_is(three):
    table = read_table(three.examples, RETRIEVAL_SCHEMA)
    figure = retrieval.draw([table], plan(table)).figure
    axes, (_, first) = figure.axes[0], next(iter(table.groupby(["source", "target"], sort=False)))
    (ground,) = axes.images
    pixels = np.asarray(ground.get_array())
    _, right, bottom, _ = ground.get_extent()
    across, down = pixels.shape[1] / right, pixels.shape[0] / bottom
    in_order = pd.concat(lists for _, lists in first.groupby("query", sort=False))
    _, misses, hits = axes.collections
    for correct, frames in ((False, misses), (True, hits)):
        rows = in_order[(in_order["rank"] > 0) & (in_order["correct"] == correct)]
        for path, picture in zip(frames.get_paths(), rows["picture"], strict=True):
            x, y = path.vertices.min(axis=0) + 0.5
            middle = pixels[int(y * down), int(x * across)].astype(int)
            # Fewer colours are drawn than there are.
            np.testing.assert_allclose(middle, pixels_of(picture)[30, 30], atol=30)


def test_without_images_their_names_are_drawn(three):
    table = read_table(three.examples, RETRIEVAL_SCHEMA).assign(picture=None)
    figure = retrieval.draw([table], plan(table)).figure
    assert not any(a.images for a in figure.axes)
    shown = {t.get_text().replace("\n", "") for a in figure.axes for t in a.texts}
    assert set(table["image_id"]) <= shown


def test_a_panel_for_each_pair_projection_and_method(three):
    table = read_table(three.map_views, MAP_VIEW_SCHEMA)
    figure = maps_views.draw([table], plan(table)).figure
    assert len(figure.axes) == 3 * 2 * 2
    points = [
        sum(len(c.get_offsets()) for c in a.collections if c.get_offsets().size > 2)
        for a in figure.axes
    ]
    of_each = table[table["status"] == "ok"].groupby(["source", "projection", "method"]).size()
    assert sorted(p for p in points if p) == sorted(of_each)
    assert words(figure).replace("\n", " ").count("failed: the loss") == 2


def test_nothing_shown_is_said(three):
    for module, schema in ((retrieval, RETRIEVAL_SCHEMA), (maps_views, MAP_VIEW_SCHEMA)):
        drawing = module.draw([schema.empty_table().to_pandas()], Plan())
        assert "No map is shown." in words(drawing.figure)
        assert drawing.table.empty


def test_the_page_shows_both_and_says_what_they_leave_out(three):
    stub_pictures(three)
    html = render_page(three)
    for name in ("retrieval", "maps_views"):
        assert f'<figure id="figure-{name}">' in html
        assert f'href="figures/{name}.csv"' in html
    text = " ".join(html.split())
    assert "the query's own image is left out" in text
    assert "chosen by hash and never by result" in text


def test_a_page_without_examples_leaves_no_trace_of_them(tmp_path):
    config = default_config()
    config["maps"]["shown"] = []
    disk = build(tmp_path, config)
    stub_pictures(disk)
    html = render_page(disk)
    assert 'id="maps"' in html
    assert "figure-retrieval" not in html
    assert "figure-maps_views" not in html
