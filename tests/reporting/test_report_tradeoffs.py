"""Trade-offs on the page: tables, figures and failures, from planted losses and gains."""

import math

import pandas as pd
import pytest
from borne import unborne, unborne_rows
from reading import Reader, named_table
from synthetic import build
from synthetic_config import default_config, only
from synthetic_disk import REPORT
from synthetic_page import render_page, stub_pictures
from synthetic_tradeoffs import (
    DIVERGED,
    GENERAL,
    LOST,
    PUBLISHED,
    Trades,
    build_tradeoffs,
    draw_trade,
    page_of,
    small_config,
    trade_tables,
    tradeoffs_config,
    with_attacks,
)

from unispace.config.controlled import Controlled, controlled
from unispace.config.parse import parse_study
from unispace.config.study import Study
from unispace.config.tradeoffs import gained, traded_backbones, tradeoff_figures
from unispace.evaluation.gelo import GELO
from unispace.records.published import read_published
from unispace.records.results import CURVE_SCHEMA, SCHEMA
from unispace.records.tables import write_table
from unispace.reporting.figures import det, gelo, gelo_compatibility, gelo_drops
from unispace.reporting.figures.drawing import Plan, styled
from unispace.reporting.figures.gelo_pareto import pareto_front
from unispace.reporting.figures.registry import FIGURES as REGISTRY
from unispace.reporting.tradeoff_rows import curriculum_colours, standing, trade_rows, tuned_for
from unispace.reporting.tradeoffs_section import tradeoffs_section

FIGURES = (
    "gelo", "gelo_pareto", "gelo_path", "det", "gelo_drops", "gelo_bond", "gelo_factors",
    "gelo_compatibility",
)  # fmt: skip
PRINTED = read_published(PUBLISHED)


@pytest.fixture(scope="module")
def study() -> Study:
    return with_attacks(parse_study(small_config()))


@pytest.fixture(scope="module")
def disk(study, tmp_path_factory) -> Trades:
    """The tables that figures are drawn from, and nothing else."""
    found = Trades(tmp_path_factory.mktemp("trades"), study)
    results, curves = trade_tables(study, found.folder)
    write_table(results, SCHEMA, found.results)
    write_table(curves, CURVE_SCHEMA, found.curves)
    return found


@pytest.fixture(scope="module")
def results(disk) -> pd.DataFrame:
    return pd.read_parquet(disk.results)


def plan_of(study) -> Plan:
    return Plan(
        models=study.models(),
        datasets=tuple(study.datasets),
        domains={d: s.domain for d, s in study.datasets.items()},
        curricula=dict(study.curricula),
        base="base",
        methods=tuple(study.maps.methods),
        protocols=(*study.maps.identification, *study.maps.verification),
        gains=gained(study),
        sizes=tuple(study.tradeoffs.sizes.items()),
        published=PRINTED,
    )


@pytest.fixture(scope="module")
def drawn(study, disk, results):
    """The numbers of all figures, each of which was laid out and drawn, coarsely."""
    found, curves = {}, pd.read_parquet(disk.curves)
    with styled(REPORT / "style.mplstyle"):
        for name in FIGURES:
            tables = [curves if name == "det" else results]
            drawing = REGISTRY[name].draw(tables, plan_of(study))
            drawing.figure.set_dpi(30)
            drawing.figure.canvas.draw()
            found[name] = drawing.table
    return found


def section(study, results, printed=PRINTED):
    return tradeoffs_section(study, results, study.models(), tuple(study.datasets), printed)


def test_the_study_has_the_data_of_all_figures(study):
    assert tradeoff_figures(study) == FIGURES
    assert traded_backbones(study) == ("clip-s", "clip-m")


def test_a_study_has_no_figure_without_its_data():
    config = small_config()
    config["curricula"] = {n: config["curricula"][n] for n in ("base", "fr")}
    del config["maps"], config["prompts"], config["tradeoffs"]["gain"]
    assert tradeoff_figures(parse_study(config)) == ("gelo", "gelo_drops")


def test_curricula_that_differ_in_one_setting_are_found():
    study = parse_study(tradeoffs_config())
    assert controlled(study.curricula) == (
        Controlled("lora.rank", ((2.0, "fr-rank-2"), (8.0, "fr"), (32.0, "fr-rank-32"))),
        Controlled("learning_rate", ((0.0002, "fr-slow"), (0.001, "fr"), (0.005, "fr-fast"))),
        Controlled("steps", ((200.0, "fr"), (800.0, "fr-long"))),
    )


def test_two_settings_at_once_are_no_controlled_study():
    config = tradeoffs_config()
    kept = ("base", "fr", "fr-rank-2")
    config["curricula"] = {n: config["curricula"][n] for n in kept}
    config["curricula"]["fr-rank-2"] = config["curricula"]["fr-rank-2"] | {"steps": 300}
    config["maps"] = {}
    assert controlled(parse_study(config).curricula) == ()


def test_gelo_bars_are_the_published_rows_and_failures_are_there(drawn, results):
    table = drawn["gelo"]
    ours = table[~table["model"].str.startswith("published")]
    rows = results[(results["metric"] == GELO) & ~results["protocol"].str.contains("/|=")]
    keys = ["model", "protocol", "value", "lower", "upper", "status"]
    left = ours[keys].sort_values(keys[:2], ignore_index=True)
    right = rows[keys].sort_values(keys[:2], ignore_index=True)
    pd.testing.assert_frame_equal(left, right, check_dtype=False)
    broken = ours[ours["model"] == DIVERGED]
    assert len(broken) == 2
    assert broken["status"].str.startswith("failed: the model: the loss").all()
    printed = table[table["model"].str.startswith("published")]
    assert len(printed) == 12
    assert printed["lower"].isna().all()
    assert printed["value"].min() == 0.688


def test_without_references_nothing_published_is_drawn(disk, results):
    plan = Plan(models=disk.study.models(), datasets=GENERAL)
    table = gelo.draw([results], plan).table
    assert not table["model"].str.startswith("published").any()


def test_the_larger_the_planted_loss_the_lower_is_gelo(drawn):
    table = drawn["gelo"]
    mine = table[(table["kind"] == "linear-probe") & table["model"].str.startswith("clip-s/")]
    mine = mine[mine["status"] == "ok"]
    lost = [LOST[m.split("/")[1]] for m in mine["model"]]
    assert list(mine["value"].rank()) == list(pd.Series(lost).rank(ascending=False))


def test_pareto_marks_hold_gain_and_gelo(drawn, results):
    table = drawn["gelo_pareto"]
    assert set(table["task"]) == {"fr", "pad", "mad"}
    row = table[(table["task"] == "fr") & (table["kind"] == "zero-shot")]
    row = row[row["model"] == "clip-s/fr/seed0"].iloc[0]
    gain = results[(results["metric"] == "gain in AUC") & (results["model"] == row["model"])]
    assert row["gain"] == gain["value"].item() == pytest.approx(0.3)
    assert row["trained_for_it"]
    fell = table[(table["task"] == "mad") & (table["model"] == "clip-s/mad/seed0")]
    assert (fell["gain"] > 0.2).all()
    assert not table[table["model"] == DIVERGED]["front"].any()
    assert table[table["model"] == DIVERGED]["gain"].isna().all()


def test_a_front_is_what_nothing_beats():
    points = {"base": (0, 1), "a": (1, 0.9), "b": (1, 0.8), "c": (2, 0.5), "d": (-1, 1), "e": (2, 0.5)}  # fmt: skip
    assert pareto_front(points) == ["base", "a", "c", "e"]
    assert pareto_front({}) == []


def test_a_path_leads_over_all_shares_to_the_tuned_model(drawn):
    table = drawn["gelo_path"]
    # Of the three tasks it is tuned for one.
    assert set(table["task"]) == {"fr"}
    line = table[(table["backbone"] == "clip-s") & (table["kind"] == "linear-probe")]
    assert list(line["share"]) == [0.25, 0.5, 0.75, 1.0]
    assert line["gelo"].is_monotonic_decreasing


def test_det_curves_are_those_of_the_models_that_did_not_fail(drawn, disk):
    table = drawn["det"]
    assert DIVERGED not in set(table["model"])
    curves = pd.read_parquet(disk.curves)
    assert len(table) == len(curves)
    assert set(table["protocol"]) == {"probe", "head"}
    assert table["bpcer"].between(0, 1).all()


def test_variants_of_detectors_have_no_det_curve(disk):
    curves = pd.read_parquet(disk.curves)
    more = pd.concat([curves, curves.assign(protocol="probe/held_out")])
    plan = Plan(models=disk.study.models(), datasets=("pad", "mad"))
    assert set(det.draw([more], plan).table["protocol"]) == {"probe", "head"}
    assert det.draw([curves.iloc[:0]], plan).table.empty


def test_every_drop_is_drawn(drawn, results):
    table = drawn["gelo_drops"]
    rows = results[(results["metric"] == "drop") & ~results["protocol"].str.contains("=")]
    assert len(table) == len(rows)
    assert set(table["dataset"]) == set(GENERAL)
    assert table[table["model"] == DIVERGED]["status"].str.startswith("failed").all()


def test_texts_lose_more_than_probes_where_that_was_planted(drawn):
    table = drawn["gelo_bond"]
    good = table[table["status"] == "ok"]
    assert (good["zero_shot"] < good["probe"]).all()
    assert set(table["model"]) - set(good["model"]) == {DIVERGED, "clip-s/imic-a/seed0"}


def test_gelo_falls_with_the_rank(drawn):
    table = drawn["gelo_factors"]
    assert set(table["factor"]) == {"lora.rank"}
    for _, line in table.groupby(["kind", "backbone"]):
        assert list(line["level"]) == [2, 8]
        assert line["value"].is_monotonic_decreasing


def test_compatibility_is_that_from_the_base_to_the_tuned_model(drawn):
    table = drawn["gelo_compatibility"]
    assert set(table["base"]) == {"clip-s/base/seed0"}
    row = table[(table["method"] == "procrustes") & (table["model"] == "clip-s/mad/seed0")]
    assert (row["compatibility"] == 0.85).all()


def test_figures_without_their_rows_say_so(results):
    plan, none = Plan(), results.iloc[:0]
    for figure in (gelo, gelo_drops, gelo_compatibility):
        assert figure.draw([none], plan).table.empty
    # Other results, and no trade-offs among them.
    rest = results[results["experiment"] != "gelo"]
    assert gelo.draw([rest], plan).table.empty
    assert gelo_compatibility.draw([rest], plan).table.empty


def test_the_command_draws_the_same_bytes_again(disk, drawn, tmp_path):
    for folder in ("once", "again"):
        draw_trade(disk, "gelo", tmp_path / folder)
    for kind in ("svg", "png", "csv"):
        first, again = (tmp_path / f / f"gelo.{kind}" for f in ("once", "again"))
        assert first.read_bytes() == again.read_bytes()
    written = pd.read_csv(tmp_path / "once" / "gelo.csv")
    pd.testing.assert_frame_equal(written[["value"]], drawn["gelo"][["value"]])


def test_of_probes_the_one_with_a_chosen_penalty_stands(results):
    rows = trade_rows(results)
    found = standing(rows.iloc[::-1])
    assert found == {"zero-shot": "zero-shot:studio", "linear-probe": "linear-probe"}
    # Where it failed for all, the other one does.
    failed = rows["protocol"] == "linear-probe"
    changed = rows.assign(status=rows["status"].where(~failed, "failed: no val split"))
    assert standing(changed)["linear-probe"] == "linear-probe-C=0.316"


def test_a_curriculum_has_one_colour_and_the_base_is_black():
    models = [f"b/{c}/seed0" for c in ("x", "base", "y", "z")]
    colours = curriculum_colours(models, "base")
    assert colours["base"] == "#000000"
    assert len(set(colours.values())) == 4
    assert curriculum_colours(reversed(models[:2]), "base")["x"] == colours["x"]


def test_what_a_model_is_tuned_for_counts_through_an_interpolation(study):
    domains = {d: s.domain for d, s in study.datasets.items()}
    tuned = {c: tuned_for(study.curricula, c, "faces", domains) for c in study.curricula}
    assert [c for c, own in tuned.items() if own] == [
        "fr", "fr-rank-2", "sequential", "imic-a", "wise-25", "wise-50", "wise-75",
    ]  # fmt: skip


def test_the_tables_hold_levels_changes_and_gelo(study, results):
    zero_shot, probe = section(study, results).general
    assert zero_shot.sets == GENERAL
    line = next(x for x in zero_shot.lines if x.title == "clip-s/fr/seed0")
    row = results[(results["model"] == line.title) & (results["metric"] == GELO)]
    row = row[row["protocol"] == "zero-shot:studio"].iloc[0]
    assert line.cells[0].level.exact == repr(float(row["value"]))
    # GELO by four definitions, the average, then the sets.
    assert len(line.cells) == 4 + 1 + len(GENERAL)
    lost = line.cells[5].change
    assert lost.sign == "down"
    assert lost.cell.value.startswith("−")
    base = next(x for x in zero_shot.lines if x.title == "clip-s/base/seed0")
    assert base.cells[0].level is None
    assert base.cells[4].level.value
    broken = next(x for x in probe.lines if x.title == "clip-s/imic-a/seed0")
    assert broken.cells[0].level.why == "the model on digits: lbfgs did not converge in 1000 iterations"  # fmt: skip


def test_a_task_table_has_the_gain_and_the_heads(study, results):
    tables = {t.task: t for t in section(study, results).tasks}
    assert tables["fr"].printed == "fr"
    assert [c.metric for c in tables["fr"].columns] == ["AUC", "EER", "TMR@FMR=0.01"]
    pad = tables["pad"]
    assert pad.gain.metric == "fall of HTER"
    assert [c.protocol for c in pad.columns].count("head") == 8
    assert "BPCER@APCER=0.01" in {c.metric for c in pad.columns}
    line = next(x for x in pad.lines if x.title == "clip-s/pad/seed0")
    assert line.cells[0].change.sign == "up"
    failed = next(c for c in line.cells if c.level and c.level.why)
    assert "takes 500 bona fide images" in failed.level.why
    # A model without a head has no numbers of one.
    other = next(x for x in pad.lines if x.title == "clip-s/fr/seed0")
    assert other.cells[-1].level is None


def test_published_tables_are_as_printed_and_compared_with_nothing_else(study, results):
    found = section(study, results).published
    assert set(found) == {"zero-shot", "linear-probe", "fr", "pad", "mad"}
    table = found["zero-shot"]
    assert table.columns[-2:] == (("all", "average"), ("all", "GELO"))
    assert not any(table.same)
    system, backbone, values = table.lines[2]
    assert (system, backbone, values[0], values[-1]) == ("FRoundation", "ViT-B/16", "57.50", "0.688")  # fmt: skip
    assert "HTER" in found["pad"].columns[0][1]
    assert section(study, results, None).published == {}


def test_a_published_column_is_comparable_where_the_data_are_the_same(results):
    config = small_config()
    whole = {"kind": "torchvision", "name": "DTD", "splits": {"train": {"split": "train"}, "test": {"split": "test"}}}  # fmt: skip
    config["datasets"]["textures"] = {"domain": "object", "source": whole, "splits": {"by": "manifest"}}  # fmt: skip
    config["datasets"]["digits"] = {"domain": "object", "source": {"kind": "registered", "name": "mnist"}}  # fmt: skip
    table = section(with_attacks(parse_study(config)), results).published["zero-shot"]
    same = {name: own for (name, _), own in zip(table.columns, table.same, strict=True) if own}
    # Digits are divided by hash, so that other images are tested.
    assert same == {"DTD": "textures"}


def test_sets_that_a_model_trains_on_are_named(study, results):
    assert section(study, results).seen == (("imic-a", ("objects",)),)


@pytest.fixture(scope="module")
def paged(tmp_path_factory):
    disk = build_tradeoffs(tmp_path_factory.mktemp("page"), small_config())
    stub_pictures(disk)
    return disk, page_of(disk, PRINTED)


@pytest.fixture(scope="module")
def page(paged):
    return paged[1]


def test_every_number_has_interval_n_and_protocol(paged):
    disk, html = paged
    rows = pd.read_parquet(disk.results)
    assert list(unborne_rows(rows)) == []
    assert list(unborne(html, rows)) == []


def test_the_page_has_the_section_with_its_tables_and_figures(page):
    reader = Reader(page)
    ids = [a.get("id") for _, a in reader.tags]
    assert ids.count("tradeoffs") == 1
    assert ids.index("maps") < ids.index("tradeoffs") < ids.index("numbers")
    assert {f"figure-{name}" for name in FIGURES} <= set(ids)
    cells = named_table(reader, "Linear probe")
    assert any("failed" in cell and "did not converge" in cell for line in cells for cell in line)
    for name in ("Zero-shot, by texts", "Biometric task pad", "Biometric task mad"):
        assert len(named_table(reader, name)) > 10
    printed = named_table(reader, "Published: zero-shot, by texts")
    assert "57.50" in printed[3]
    assert all("published" in line[0] for line in printed[1:])


def test_links_of_the_page_lead_somewhere(page):
    reader = Reader(page)
    ids = {a["id"] for _, a in reader.tags if "id" in a}
    inner = [a["href"][1:] for a in reader.all("a") if a["href"].startswith("#")]
    assert "tradeoffs" in inner
    assert set(inner) <= ids


def test_without_trade_offs_there_is_no_section(tmp_path):
    disk = build(tmp_path, only(default_config(), "objects"))
    stub_pictures(disk)
    html = render_page(disk)
    assert 'id="tradeoffs"' not in html
    assert "GELO" not in html


def test_the_planted_study_is_sound(study):
    assert [g.task for g in gained(study)] == ["fr", "pad", "mad"]
    assert not math.isnan(sum(LOST.values()))
