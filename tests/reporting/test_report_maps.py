"""Maps on the page: numbers drawn are numbers of rows, in the order of the study, failed ones told."""

import dataclasses

import pandas as pd
import pytest
from borne import unborne, unborne_rows
from reading import Reader, named_table, same, table
from synthetic import build
from synthetic_config import default_config, only
from synthetic_maps import compatibility_config, diverged_config, map_settings, methods_of
from synthetic_numbers import DIVERGED
from synthetic_page import draw_figure, render_page, stub_pictures

from unispace.config.methods import CEILING, KINDS
from unispace.config.parse import parse_study
from unispace.reporting import map_rows
from unispace.reporting import page as page_module
from unispace.reporting.figures import maps, maps_curves, maps_families, planted
from unispace.reporting.figures.drawing import Plan
from unispace.reporting.looks import methods_in_order
from unispace.reporting.map_rows import protocols_in_order, standing
from unispace.reporting.map_structure import PAIR_ANALYSES
from unispace.reporting.map_tables import (
    MapOrder,
    family_tables,
    model_table,
    pair_tables,
    saw_in_words,
)
from unispace.reporting.method_words import method_in_words
from unispace.reporting.tables import number

FIGURES = ("maps", "maps_families", "maps_cmc", "maps_roc", "planted", "maps_schematic")
NUMBERS = ["metric", "protocol", "fitted_on", "dataset", "source", "target", "method",
           "value", "lower", "upper", "n"]  # fmt: skip
LINES = ["fitted_on", "dataset", "protocol", "source", "target", "method", "x", "y",
         "lower", "upper"]  # fmt: skip
HEADLINE = {"Rank-1": "enrol-one", "AUC": "all-pairs", "TMR@FMR=0.01": "all-pairs"}


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Five models in two families, two data sets, five methods."""
    disk = build(
        tmp_path_factory.mktemp("wide"),
        compatibility_config(only(default_config(), "faces", "faces_lq")),
    )
    stub_pictures(disk)
    for name in FIGURES:
        draw_figure(disk, name, disk.figures)
    return disk


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Three models, of which one failed."""
    return build(
        tmp_path_factory.mktemp("broken"),
        diverged_config(only(default_config(), "faces", "faces_lq")),
    )


def results_of(disk):
    return pd.read_parquet(disk.results)


@pytest.fixture(scope="module")
def wide_page(wide):
    """Its page."""
    return render_page(wide)


def test_every_number_has_interval_n_and_protocol(wide, wide_page):
    rows = results_of(wide)
    assert list(unborne_rows(rows)) == []
    assert list(unborne(wide_page, rows)) == []


def headline(rows):
    return rows[
        [HEADLINE.get(m) == p for m, p in zip(rows["metric"], rows["protocol"], strict=True)]
    ]


def plan_of(disk, **changed):
    settings = map_settings(disk.study) | changed
    plan = Plan(models=disk.study.models(), datasets=tuple(disk.study.datasets))
    return dataclasses.replace(
        plan,
        methods=tuple(settings["methods"]),
        shown=tuple(settings["shown"]),
        families=dict(settings["families"]),
        protocols=tuple(settings["protocols"]),
    )


def order_of(disk):
    plan = plan_of(disk)
    return MapOrder(plan.datasets, plan.methods, plan.families, plan.protocols)


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def single_maps(results):
    return results[results["experiment"].isin(["verification", "identification"])
                   & results["method"].notna()]  # fmt: skip


def test_few_pairs_are_dots_of_every_method_and_of_the_ceilings(drawn):
    expected = headline(single_maps(results_of(drawn)))
    same(table(drawn, "maps"), expected, NUMBERS)
    assert CEILING in set(expected["method"])


def test_many_pairs_are_matrices_of_the_headline_by_the_methods_shown(wide):
    shown = [*wide.study.maps.methods_shown(), CEILING]
    rows = headline(single_maps(results_of(wide)))
    expected = rows[(rows["metric"] == "Rank-1") & rows["method"].isin(shown)]
    same(table(wide, "maps"), expected, NUMBERS)
    assert len(expected) == 2 * (5 * 4 * 4 + 5)


def test_a_matrix_has_models_by_family_and_a_text_for_each_value(wide):
    drawing = maps.draw([results_of(wide)], plan_of(wide))
    panels = [axes for axes in drawing.figure.axes if axes.images]
    assert [axes.get_title(loc="left").strip() for axes in panels] == 2 * ["ridge", "turned", "baseline", "linear"]  # fmt: skip
    names = [label.get_text() for label in panels[0].get_yticklabels()]
    assert names == ["clip-micro/expert-face_hq", "dinov3-micro/expert-face_hq",
                     "eva02-micro/expert-face_hq", "clip-micro/base", "edge/base"]  # fmt: skip
    said = [text.get_text() for text in panels[0].texts]
    assert said.count("face") == said.count("all-purpose") == 2
    assert sum(text.startswith(".") for text in said) == 25


def test_families_draw_their_means_and_ceilings(wide):
    results = results_of(wide)
    expected = headline(results[results["experiment"] == "families"])
    same(table(wide, "maps_families"), expected, NUMBERS)
    figure = maps_families.draw([results], plan_of(wide)).figure
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    families = ["face", "all-purpose"]
    assert labels == [f"{a} → {b}" for a in families for b in families]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [*wide.study.maps.methods, "ceiling", "chance"]


def test_fourteen_methods_and_nine_pairs_of_families_have_a_mark_each():
    methods, families = [f"m{i:02d}" for i in range(14)], ["a", "b", "c"]
    rows = pd.DataFrame(
        {
            "experiment": "families", "source": a, "target": b, "method": m, "fitted_on": "d",
            "dataset": "d", "protocol": "enrol-one", "metric": "Rank-1", "value": 0.01 + i / 20,
            "lower": 0.0, "upper": 0.9, "chance": 0.02, "n": 9, "unit": "identity", "status": "ok",
        }
        for a in families for b in families for i, m in enumerate(methods)
    )  # fmt: skip
    plan = Plan(methods=tuple(methods), families={f: f for f in families}, protocols=("enrol-one",))
    drawing = maps_families.draw([rows], plan)
    marks = {
        (round(float(x), 6), round(float(y), 6))
        for line in drawing.figure.axes[0].lines
        if line.get_marker() not in ("None", None)
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }
    assert len(marks) == len(drawing.table) == 14 * 9
    heights = sorted(y for _, y in marks)
    assert len(set(heights)) == 14 * 9, "no two marks on one row"


def test_few_pairs_have_all_their_curves(drawn):
    curves = pd.read_parquet(drawn.curves)
    for figure, experiment, protocol in (
        ("maps_cmc", "identification", "enrol-one"),
        ("maps_roc", "verification", "all-pairs"),
    ):
        lines = table(drawn, figure).query("kind == 'curve'")
        rows = curves[(curves["experiment"] == experiment) & (curves["protocol"] == protocol)]
        known = rows[rows["method"].notna()]
        if experiment == "identification":
            same(lines, known, LINES)
        keys = ["source", "target", "method"]
        assert set(map(tuple, lines[keys].to_numpy())) == set(map(tuple, known[keys].to_numpy()))
        drawn_points, points = (
            set(frame[["x", "y"]].itertuples(index=False, name=None)) for frame in (lines, known)
        )
        assert drawn_points <= points


def test_roc_marks_the_operating_points_of_maps(drawn):
    points = table(drawn, "maps_roc").query("kind == 'operating point'")
    rows = single_maps(results_of(drawn))
    rows = rows[rows["metric"].str.startswith("TMR@") & (rows["protocol"] == "all-pairs")]
    expected = rows[rows["method"] != CEILING].assign(y=lambda r: r["value"])
    same(points, expected, ["source", "target", "method", "y", "lower", "upper"])
    assert sorted(points["x"].unique()) == [0.001, 0.01, 0.1]


@pytest.mark.parametrize("figure", ["maps_cmc", "maps_roc"])
def test_of_many_pairs_the_first_two_of_each_two_families_are_drawn(wide, figure):
    lines = table(wide, figure)
    mapped = lines[lines["method"] != CEILING]
    pairs = set(mapped[["source", "target"]].itertuples(index=False, name=None))
    face = [f"{b}/expert-face_hq/seed0" for b in ("clip-micro", "dinov3-micro", "eva02-micro")]
    other = ["clip-micro/base/seed0", "edge/base/seed0"]
    assert pairs == {
        (face[0], face[1]), (face[0], face[2]),
        (face[0], other[0]), (face[0], other[1]),
        (other[0], face[0]), (other[0], face[1]),
        (other[0], other[1]), (other[1], other[0]),
    }  # fmt: skip
    assert set(mapped["method"]) == set(wide.study.maps.methods_shown())
    assert set(lines["kind"]) == {"curve"}
    points = lines[["fitted_on", "dataset"]].drop_duplicates()
    assert sorted(points.itertuples(index=False, name=None)) == [("faces", "faces"), ("faces", "faces_lq")]  # fmt: skip


def test_planted_draws_every_protocol_and_what_theory_says(drawn):
    results = results_of(drawn)
    rows = results[(results["experiment"] == "planted") & (results["metric"] == "Rank-1")]
    columns = ["dataset", "protocol", "method", "value", "lower", "upper", "chance"]
    same(table(drawn, "planted"), rows, columns)
    assert "theory" in set(rows["protocol"])


def test_theory_is_drawn_beside_the_protocol_that_it_is_about_alone(drawn):
    results = results_of(drawn)
    rows = results[(results["experiment"] == "planted") & (results["protocol"] != "enrol-one")]
    drawing = planted.draw([rows], plan_of(drawn))
    assert set(drawing.table["protocol"]) == {"self-excluded", "paper"}


def test_schematic_names_its_symbols(wide):
    assert list(table(wide, "maps_schematic")["symbol"]) == ["X", "Y", "e1", "e2", "W", "e1 W"]


def test_failed_maps_are_told_in_every_figure(broken):
    results, curves = results_of(broken), pd.read_parquet(broken.curves)
    plan = plan_of(broken)
    for draw in (maps.draw, maps_families.draw):
        drawing = draw([results], plan)
        said = texts(drawing.figure)
        assert "baseline failed" in said
        assert "procrustes failed" in said
        failed = drawing.table[drawing.table["status"] != "ok"]
        assert failed["value"].isna().all()
        assert (
            len(failed)
            == said.count("baseline failed")
            + said.count("procrustes failed")
            + (failed["method"] == CEILING).sum()
        )
    for draw in (maps_curves.draw_cmc, maps_curves.draw_roc):
        drawing = draw([curves, results], plan)
        with_broken = [a for a in drawing.figure.axes if "concat" in a.get_title(loc="left")]
        assert len(with_broken) == 4
        assert all("failed" in [t.get_text() for t in a.texts] for a in with_broken)
        assert DIVERGED not in {*drawing.table["source"], *drawing.table["target"]}


def test_a_matrix_says_failed_in_the_cells_of_a_failed_model(wide):
    results = results_of(wide)
    bad = "edge/base/seed0"
    here = single_maps(results)
    gone = here.index[(here["source"] == bad) | (here["target"] == bad)]
    results.loc[gone, ["value", "lower", "upper"]] = float("nan")
    results.loc[gone, "status"] = "failed: no"
    said = texts(maps.draw([results], plan_of(wide)).figure)
    # Four methods on two data sets; to it, from it, and its own ceiling.
    assert said.count("failed") == 8 * 9
    curves = pd.read_parquet(wide.curves)
    curves = curves[(curves["source"] != bad) & (curves["target"] != bad)]
    said = texts(maps_curves.draw_cmc([curves, results], plan_of(wide)).figure)
    assert "dashed: failed" in said
    assert "solid: failed" in said


def test_family_tables_hold_the_rows_with_gain_and_spread(wide):
    results = results_of(wide)
    tables = family_tables(results, order_of(wide))
    assert [t.tested for t in tables] == [("faces", "faces"), ("faces", "faces_lq")]
    keys = ["source", "target", "method", "protocol", "metric", "dataset"]
    known = results[results["experiment"].str.startswith("families")].set_index(keys)["value"]
    for shown in tables:
        heads = [(c.metric, c.protocol) for c in shown.columns]
        assert heads == [
            ("Rank-1", "enrol-one"), ("Rank-1", "self-excluded"), ("Rank-1", "paper"),
            ("mAP", "enrol-one"), ("AUC", "all-pairs"), ("EER", "all-pairs"),
            ("TMR@FMR=0.01", "all-pairs"),
            ("Rank-1", "paper-splits"), ("AUC", "paper-splits"), ("TMR@FMR=0.01", "paper-splits"),
        ]  # fmt: skip
        for line in shown.lines:
            for column, item in zip(shown.columns, line.cells, strict=True):
                key = (line.source, line.target, line.method, column.protocol, column.metric,
                       shown.tested.test)  # fmt: skip
                if item.level is None:
                    assert key not in known.index
                    continue
                assert float(item.level.exact) == known[key]
                if column.protocol == "paper-splits":
                    spread = known[(*key[:4], f"{column.metric}-SD", key[5])]
                    assert item.level.value == f"{number(known[key])} ± {number(spread)}"
                if item.gain:
                    assert item.gain.cell is not None
                    gain = known[(*key[:4], f"{column.metric}-gain", key[5])]
                    assert float(item.gain.cell.exact) == gain
        gains = {
            c.metric
            for line in shown.lines
            for c, i in zip(shown.columns, line.cells, strict=True)
            if i.gain
        }
        assert gains == set(HEADLINE)


def test_lines_are_in_the_order_of_the_study_with_the_ceiling_last(wide):
    shown = family_tables(results_of(wide), order_of(wide))[0]
    methods = list(wide.study.maps.methods)
    within = [line.method for line in shown.lines if line.source == line.target == "face"]
    between = [line.method for line in shown.lines if (line.source, line.target) == ("face", "all-purpose")]  # fmt: skip
    assert within == [*methods, CEILING]
    assert between == methods
    assert [line.first for line in shown.lines].count(True) == 4
    pairs = pair_tables(results_of(wide), order_of(wide))[0]
    assert len(pairs.lines) == 5 * 4 * 5 + 5


def test_two_rows_for_one_cell_are_refused(wide):
    results = results_of(wide)
    twice = pd.concat([results, results[results["experiment"] == "families"].head(1)])
    with pytest.raises(ValueError, match="two rows for one cell"):
        family_tables(twice, order_of(wide))


def test_models_stand_with_their_ceilings_and_what_they_saw(wide):
    results = results_of(wide)
    cards = [{"model": m, "dimension": 100 + i} for i, m in enumerate(wide.study.models())]
    shown = model_table(wide.study, results, order_of(wide), cards)
    assert [line.family for line in shown.lines] == 3 * ["face"] + 2 * ["all-purpose"]
    assert [count for _, count in shown.groups] == [2, 2]
    known = results[results["method"] == CEILING].set_index(
        ["source", "fitted_on", "dataset", "protocol", "metric"]
    )["value"]
    for line in shown.lines:
        assert line.dimension == 100 + wide.study.models().index(line.name)
        for (tested, metric, protocol), cell in zip(shown.columns, line.cells, strict=True):
            assert cell is not None
            assert float(cell.exact) == known[line.name, tested.fit, tested.test, protocol, metric]


def test_what_weights_saw(wide):
    def said(model, datasets=("things", "faces")):
        return saw_in_words(wide.study, model, datasets)

    assert said("clip-micro/base/seed0") == "things"
    assert said("clip-micro/expert-face_hq/seed0") == "things; tuned on faces"
    assert said("edge/base/seed0") == "casia-webface"


def test_what_made_embeddings_elsewhere_is_not_claimed_to_be_known(wide):
    study = wide.study.model_copy(update={"embeddings": {"theirs": None}})
    assert saw_in_words(study, "theirs/own/seed0", ()) == "not known here; its card may say"


def test_the_page_has_every_table_and_figure(wide_page):
    reader = Reader(wide_page)
    ids = {attrs["id"] for _, attrs in reader.tags if "id" in attrs}
    assert {f"figure-{name}" for name in FIGURES} <= ids
    for name, lines in (
        ("Mapped models", 5 + 2),
        ("Maps by family, faces", 4 * 5 + 2 + 1),
        ("Maps by family, faces to faces_lq", 4 * 5 + 2 + 1),
        ("Maps, faces", 5 * 4 * 5 + 5 + 1),
        ("Maps, faces to faces_lq", 5 * 4 * 5 + 5 + 1),
    ):
        assert len(named_table(reader, name)) == lines, name


def test_the_page_says_what_is_fitted_and_what_is_wrong_with_the_paper(wide_page):
    html = " ".join(wide_page.split())
    assert "200 maps between 5 models of 2 families were fitted and tested" in html
    assert "The headline is <code>enrol-one</code>" in html
    assert "holds the probe's own photograph" in html
    assert "Of the identities whose name is in both, 70&nbsp;% are fitted on" in html
    assert "<i>turned</i>: the closest rotation or reflection; without reflections" in html
    assert html.index("<i>ridge</i>:") < html.index("<i>turned</i>:") < html.index("<i>cca</i>:")


def test_failed_cells_stand_on_the_page(broken):
    stub_pictures(broken)
    reader = Reader(render_page(broken))
    lines = named_table(reader, "Maps by family, faces")
    between = [line for line in lines if "whole → broken" in line[0]]
    assert len(between) == 2
    assert all(cell.strip() == "failed" for line in between for cell in line[1:])
    models = next(line for line in named_table(reader, "Mapped models") if "concat" in line[0])
    assert any("failed" in cell and "the loss was nan" in cell for cell in models)


def test_single_maps_leave_the_full_table_where_they_are_too_many(wide, wide_page, monkeypatch):
    results = results_of(wide)
    whole = Reader(wide_page)
    assert len(named_table(whole, "Every number")) == len(results) + 1
    monkeypatch.setattr(page_module, "_ROW_BUDGET", 1000)
    html = render_page(wide)
    # Of maps, families and what is analysed of them only the figures and the tables of their own section remain.
    left_out = results["method"].notna() & results["experiment"].isin(
        ["verification", "identification", "paper"]
    )
    left_out |= results["experiment"].isin([*PAIR_ANALYSES, "families", "families-paper"])
    assert len(named_table(Reader(html), "Every number")) == (~left_out).sum() + 1
    assert f"{(~left_out).sum():,} of the {len(results):,} rows" in " ".join(html.split())


def test_rows_of_two_data_sets_are_told_apart_in_the_full_table(wide_page):
    head, *lines = named_table(Reader(wide_page), "Every number")
    place = [text.strip() for text in head].index("Fitted on")
    shown = {line[place] for line in lines}
    assert shown == {"", "faces", "rotation", "image-only"}


def test_a_study_without_families_has_all_pairs_in_one(drawn):
    rows = table(drawn, "maps_families")
    assert set(rows["source"]) == set(rows["target"]) == {"all"}


def test_every_kind_of_map_has_words():
    for kind in KINDS:
        assert not method_in_words(kind, {"kind": kind}).startswith("a map of kind")


def test_words_say_what_is_not_common():
    study = parse_study(compatibility_config(default_config()))
    words = {name: method_in_words(name, settings) for name, settings in methods_of(study)}
    assert words["ridge"].endswith("; alpha 0.1")
    assert words["cca"].endswith("components 50; shrinkage 0")
    assert "centred" not in " ".join(words.values())
    chosen = method_in_words("r", {"kind": "ridge", "alpha": [0.1, 1.0], "fit_on": "centroids"})
    assert "alpha chosen among 0.1, 1 on identities held out of the fit" in chosen
    assert chosen.endswith("fitted on the means of identities")
    assert "here ridge" in method_in_words("s", {"kind": "shuffled", "of": {"kind": "ridge"}})


def test_protocols_follow_the_study_whatever_the_data_add_to_their_names():
    order = ("self-excluded", "enrol-one", "official", "all-pairs")
    present = ["all-pairs", "enrol-one-cross-camera", "official-part", "balanced", "self-excluded"]
    assert protocols_in_order(present, order) == [
        "self-excluded", "enrol-one-cross-camera", "official-part", "all-pairs", "balanced",
    ]  # fmt: skip


def test_of_the_protocols_that_have_a_metric_the_first_stands():
    rows = pd.DataFrame({"metric": ["AUC", "AUC", "accuracy"], "protocol": ["b", "a", "official"]})
    assert list(standing(rows, "AUC", ("official", "b", "a"))["protocol"]) == ["b"]
    assert standing(rows, "Rank-1", ("b",)).empty


def test_within_comes_before_across_in_the_order_of_the_data_sets():
    rows = pd.DataFrame({"fitted_on": ["b", "a", "b", "a"], "dataset": ["a", "a", "b", "b"]})
    found = map_rows.tested_in_order(rows, ("b", "a"))
    assert found == [("b", "b"), ("a", "a"), ("b", "a"), ("a", "b")]


def test_methods_keep_the_order_of_the_study_and_the_ceiling_is_last():
    found = methods_in_order({CEILING, "x", "a", "b"}, ("b", "a"))
    assert found == ["b", "a", "x", CEILING]
    assert methods_in_order({"a"}, ("b", "a")) == ["a"]


def test_figures_of_maps_are_byte_identical_when_drawn_again(wide, tmp_path):
    for name in ("maps", "maps_cmc", "maps_roc"):
        draw_figure(wide, name, tmp_path)
        for kind in ("svg", "png", "csv"):
            again = (tmp_path / f"{name}.{kind}").read_bytes()
            assert again == (wide.figures / f"{name}.{kind}").read_bytes(), name
