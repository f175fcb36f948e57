"""Tables and figures of a curriculum study, from planted numbers."""

import math

import pandas as pd
import pytest
from borne import unborne, unborne_rows
from synthetic import build
from synthetic_config import DOMAINS, curriculum_config
from synthetic_numbers import DIVERGED
from synthetic_page import draw_figure, render_page, stub_pictures

from unispace.config.curricula import Curriculum
from unispace.config.parse import parse_study
from unispace.reporting.figures import forgetting, interpolation, schedule
from unispace.reporting.figures.drawing import Plan
from unispace.reporting.forgetting import forgetting_table, unseen_table
from unispace.reporting.main_table import main_table
from unispace.reporting.numbers import Numbers
from unispace.reporting.people import people_lines
from unispace.reporting.pretraining import pretraining_checks
from unispace.reporting.roles import kind_of, schedule_in_words, tuned_models
from unispace.reporting.tables import change_cell, points

STUDY = parse_study(curriculum_config())
ORDER = (STUDY.models(), tuple(STUDY.datasets))
DOMAIN = {d: s.domain for d, s in STUDY.datasets.items()}
PLAN = Plan(
    models=STUDY.models(),
    datasets=tuple(STUDY.datasets),
    domains=DOMAIN,
    curricula=dict(STUDY.curricula),
    tasks=STUDY.tasks(),
    base="base",
)
METHODS = {
    "AUC": ("verification", "all-pairs"),
    "Rank-1": ("identification", "enrol-one"),
    "top-1": ("classification", "knn-5"),
}


def level(curriculum, dataset, metric, value, protocol=None, status="ok", half=0.01):
    experiment, usual = METHODS[metric]
    return {
        "study": "studio", "experiment": experiment, "model": f"eva02-micro/{curriculum}/seed0",
        **dict.fromkeys(("source", "target", "method", "fitted_on")), "dataset": dataset,
        "protocol": protocol or usual, "metric": metric, "value": value, "lower": value - half,
        "upper": value + half, "chance": math.nan, "n": 100, "unit": "identity", "seed": 1,
        "status": status, "origin": "0",
    }  # fmt: skip


def change(curriculum, reference, dataset, metric, lower, upper, protocol="paired"):
    row = level(curriculum, dataset, metric, (lower + upper) / 2, protocol)
    source = f"eva02-micro/{reference}/seed0"
    return row | {"experiment": "change", "source": source, "lower": lower, "upper": upper}


def line(table, curriculum):
    return next(x for x in table.lines if x.title == f"eva02-micro/{curriculum}/seed0")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0512, "+5.1"), (-0.1, "−10.0"), (0.0, "0.0"), (-0.0001, ">−0.1"), (0.0004, "<0.1"), (1.0, "+100.0")],
)  # fmt: skip
def test_points_have_a_sign_and_never_claim_a_zero_that_is_none(value, shown):
    assert points(value) == shown


def test_a_failed_change_says_why():
    failed = change_cell(math.nan, math.nan, math.nan, 7, "failed: loss was nan")
    assert (failed.value, failed.why, failed.lower) == ("failed", "loss was nan", "")


def test_kinds_follow_from_settings():
    kinds = {name: kind_of(STUDY, name) for name in STUDY.curricula}
    assert kinds == {
        "base": "base", "random": "control", "expert-object": "expert", "expert-face_hq": "expert",
        "expert-face_lq": "expert", "expert-person": "expert", "sequential": "comparison",
        "alternate": "comparison", "concat": "comparison", "imic-a": "IMIC", "imic-b": "IMIC",
        "wise-25": "interpolated", "wise-50": "interpolated", "wise-75": "interpolated",
    }  # fmt: skip
    shown = [
        m.curriculum for m in tuned_models(STUDY, STUDY.models()) if m.backbone == "clip-micro"
    ]
    assert shown[:1] == ["base"]
    assert shown[5:7] == ["imic-a", "imic-b"]
    assert not any(m.backbone == "pixels" for m in tuned_models(STUDY, STUDY.models()))


def test_a_schedule_is_told_in_words():
    told = {name: schedule_in_words(c, DOMAINS) for name, c in STUDY.curricula.items()}
    assert told["base"] == "not tuned"
    assert told["random"] == "not tuned, weights drawn at random"
    assert told["wise-25"] == "not trained: 0.75 of base and 0.25 of imic-a"
    assert told["sequential"].startswith("50 steps on each of objects (16), then faces (16)")
    assert told["imic-b"].endswith("bodies (16), accumulate, in 3 repeated blocks")
    assert told["expert-face_hq"] == "200 steps on faces (64)"


@pytest.mark.parametrize(
    ("lower", "upper", "said"),
    [
        (-0.029, 0.029, "equivalent"),
        (-0.029, 0.2, "not inferior"),
        (-0.2, -0.031, "inferior"),
        (-0.031, 0.2, "undecided"),
        (-0.06, -0.01, "undecided"),
    ],
)
def test_the_main_table_judges_by_the_margin_of_the_metric(lower, upper, said):
    rows = [
        level("imic-a", "faces", "AUC", 0.9),
        level("expert-face_hq", "faces", "AUC", 0.9),
        change("imic-a", "expert-face_hq", "faces", "AUC", lower, upper),
    ]
    table = main_table(STUDY, pd.DataFrame(rows), *ORDER)
    assert [task[0] for task in table.tasks] == list(DOMAINS)
    assert table.tasks[1] == ("faces", "face_hq", "AUC", "±3 points")
    cell = line(table, "imic-a").cells[1]
    assert cell.verdict == said
    assert (
        f"{cell.told.value} {cell.told.interval}"
        == f"{points((lower + upper) / 2)} [{points(lower)}, {points(upper)}]"
    )
    assert line(table, "expert-face_hq").cells[1].verdict == ""


def test_best_takes_a_paired_interval_against_every_rival():
    rows = [level(c, "objects", "top-1", 0.5) for c in ("base", "expert-object", "imic-a")]
    beaten = [
        change("base", "expert-object", "objects", "top-1", -0.3, -0.1),
        change("expert-object", "base", "objects", "top-1", 0.1, 0.3),
    ]

    def best(*more):
        table = main_table(STUDY, pd.DataFrame([*rows, *beaten, *more]), *ORDER)
        return [x.curriculum for x in table.lines if x.cells[0].best]

    assert best() == []  # imic-a was not compared
    assert best(change("imic-a", "expert-object", "objects", "top-1", -0.2, 0.001)) == []
    assert best(change("imic-a", "expert-object", "objects", "top-1", -0.2, -0.001)) == [
        "expert-object"
    ]
    ahead = [
        change("imic-a", "expert-object", "objects", "top-1", 0.001, 0.2),
        change("imic-a", "base", "objects", "top-1", 0.3, 0.4),
    ]
    assert best(*ahead) == ["imic-a"]
    assert best(ahead[0]) == []


def test_levels_are_those_of_the_protocol_that_stands_for_the_task():
    rows = [
        level("base", "objects", "top-1", 0.5),
        level("base", "objects", "top-1", 0.7, "linear-probe"),
        level("base", "objects", "top-1", 0.3, "knn-5-loo/held_out"),
        level("base", "bodies", "Rank-1", 0.4, "enrol-one-cross-camera"),
    ]
    numbers = Numbers(pd.DataFrame(rows), STUDY)
    model = "eva02-micro/base/seed0"
    assert numbers.level(model, "objects", "top-1")["value"] == 0.5
    assert numbers.level(model, "objects", "top-1", "held_out")["value"] == 0.3
    assert numbers.level(model, "objects", "top-1", "", "linear-probe")["value"] == 0.7
    assert numbers.level(model, "bodies", "Rank-1")["value"] == 0.4
    assert numbers.level(model, "faces", "AUC") is None
    with pytest.raises(ValueError, match="2 rows for one cell"):
        Numbers(pd.DataFrame(rows + rows), STUDY).level(model, "objects", "top-1")


def test_the_forgetting_table_colours_only_what_excludes_zero():
    rows = [
        change("sequential", "base", "objects", "top-1", -0.2, -0.1),
        change("sequential", "expert-object", "objects", "top-1", -0.2, 0.1),
        change("imic-a", "base", "objects", "top-1", 0.1, 0.2),
        change("expert-object", "base", "objects", "top-1", 0.1, 0.2),
    ]
    table = forgetting_table(STUDY, pd.DataFrame(rows), *ORDER)
    assert [c.sign for c in line(table, "sequential").cells[:2]] == ["down", ""]
    assert line(table, "imic-a").cells[0].sign == "up"
    assert line(table, "expert-object").cells[1].cell is None
    assert line(table, "sequential").cells[0].cell.value == "−15.0"


def test_the_forgetting_figure_draws_the_task_metric_against_base_and_expert():
    rows = [
        change("sequential", "base", "faces", "AUC", -0.2, -0.1),
        change("sequential", "base", "faces", "Rank-1", -0.9, -0.8),
        change("sequential", "expert-face_hq", "faces", "AUC", -0.2, 0.1),
        change("sequential", "base", "faces_unseen", "AUC", -0.2, -0.1),
        change("sequential", "base", "objects", "top-1", -0.2, 0.1, "paired/held_out"),
    ]
    table = forgetting.draw([pd.DataFrame(rows)], PLAN).table
    assert list(zip(table["reference"], table["drawn"], strict=True)) == [
        ("base", True),
        ("expert", False),
    ]
    assert set(table["metric"]) == {"AUC"}
    assert forgetting.draw([pd.DataFrame(rows[1:2])], PLAN).table.empty


def test_a_backbone_that_was_compared_on_one_task_among_several_has_no_panel():
    rows = [
        change("sequential", "base", "faces", "AUC", -0.2, -0.1),
        change("sequential", "base", "objects", "top-1", -0.2, 0.1),
    ]
    alone = {**rows[0], "model": "conv/sequential/seed0", "source": "conv/base/seed0"}
    drawn = forgetting.draw([pd.DataFrame([*rows, alone])], PLAN).table
    assert set(drawn["backbone"]) == {rows[0]["model"].split("/")[0]}
    # Where one task is all there is, each has its panel.
    assert forgetting.draw([pd.DataFrame([rows[0], alone])], PLAN).table["backbone"].nunique() == 2


def test_unseen_data_and_what_is_held_out_stand_before_and_after():
    rows = [
        level("base", "digits", "top-1", 0.5, "knn-5-loo"),
        level("imic-a", "digits", "top-1", 0.4, "knn-5-loo"),
        level("base", "objects", "top-1", 0.6, "knn-5-loo/held_out"),
        level("base", "objects", "top-1", 0.7),
        change("imic-a", "base", "digits", "top-1", -0.15, -0.05),
    ]
    table = unseen_table(STUDY, pd.DataFrame(rows), *ORDER)
    assert table.columns == (
        ("digits", "object", "", "top-1"),
        ("objects", "object", "held out", "top-1"),
    )
    before, after = line(table, "base").cells[0], line(table, "imic-a").cells[0]
    assert (before.level.value, before.change.cell) == ("0.500", None)
    assert (after.level.value, after.change.cell.value, after.change.sign) == (
        "0.400",
        "−10.0",
        "down",
    )
    assert line(table, "base").cells[1].level.value == "0.600"


def test_pretraining_is_judged_by_paired_intervals_and_else_by_two():
    rows = [
        level("random", "objects", "top-1", 0.1),
        level("base", "objects", "top-1", 0.5),
        level("random", "objects", "top-1", 0.52, "linear-probe"),
        level("base", "objects", "top-1", 0.53, "linear-probe"),
        change("random", "base", "objects", "top-1", -0.5, 0.01),
        level("base", "faces", "AUC", 0.6),
        level("expert-face_hq", "faces", "AUC", 0.9),
        level("base", "bodies", "AUC", 0.9),
        level("expert-person", "bodies", "AUC", 0.6),
        change("expert-person", "base", "bodies", "AUC", -0.4, -0.2),
    ]
    found = pretraining_checks(STUDY, pd.DataFrame(rows), *ORDER)
    assert [(x.dataset, x.protocol, x.claim, x.holds, x.by) for x in found] == [
        ("objects", "knn-5", "better than random", "undecided", "paired interval"),
        ("objects", "linear-probe", "better than random", "undecided", "two intervals"),
        ("faces", "all-pairs", "worse than tuned", "yes", "two intervals"),
        ("bodies", "all-pairs", "worse than tuned", "no", "paired interval"),
    ]


def test_the_schedule_has_the_steps_of_each_coupling():
    table = schedule.draw([], PLAN).table
    assert set(table["curriculum"]) == {"sequential", "alternate", "concat", "imic-a", "imic-b"}
    cycles = table.groupby(["curriculum", "cycle"])["steps"].sum()
    assert set(cycles["imic-a"]) == set(cycles["imic-b"]) == set(cycles["concat"]) == {1}
    assert set(cycles["alternate"]) == {4}
    stages = table[table["curriculum"] == "sequential"]
    assert list(stages["dataset"]) == list(DOMAINS)
    assert list(zip(stages["cycle"], stages["last"], strict=True)) == [
        (1, 50),
        (51, 100),
        (101, 150),
        (151, 200),
    ]
    blocks = table[table["curriculum"] == "imic-b"].groupby("cycle")["dataset"].agg(list)
    # By name, as training visits them.
    assert blocks[1] == ["faces", "objects"]
    assert blocks[5] == ["bodies", "faces_lq"]
    assert blocks[9] == sorted(DOMAINS)
    assert blocks[11] == blocks[1]


def test_a_data_set_of_weight_zero_takes_no_step_of_its_own():
    settings = Curriculum.model_validate(
        {"coupling": "alternate", "train_on": {"objects": {}, "faces": {"weight": 0}}}
    )
    plan = Plan(datasets=("objects", "faces"), domains=DOMAIN, curricula={"alternate": settings})
    steps = schedule.draw([], plan).table.groupby("dataset")["steps"].max()
    assert (steps["objects"], steps["faces"]) == (1, 0)


def test_people_are_shown_where_comparable_and_one_reason_is_told_once():
    empty = dict.fromkeys(("value", "lower", "upper", "chance", "n", "human"), math.nan)
    empty |= dict.fromkeys(("source", "certainty", "above")) | {"protocol": "", "metric": ""}
    known = {"protocol": "official", "metric": "accuracy", "value": 0.99, "lower": 0.98, "upper": 1.0, "n": 6000,
             "human": 0.975, "source": "Kumar 2009", "above": True, "status": "comparable"}  # fmt: skip
    rows = [
        {**empty, "model": f"b/{c}/seed0", "dataset": d, "status": "not comparable: rendered"}
        for c in ("base", "imic-a")
        for d in ("objects", "faces", "shapes")
    ]
    rows[1] |= known
    models = ("b/base/seed0", "b/imic-a/seed0")
    lines = people_lines(pd.DataFrame(rows), models, ("objects", "faces", "shapes"))
    assert [(x.dataset, x.about, x.said) for x in lines] == [
        ("objects, shapes", "all models", "not comparable: rendered"),
        ("faces", "base", "above"),
        ("faces", "imic-a", "not comparable: rendered"),
    ]
    assert (lines[1].ours.value, lines[1].human, lines[1].source) == (
        "0.990",
        "0.975",
        "Kumar 2009",
    )


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A study of 43 models."""
    return build(tmp_path_factory.mktemp("wide"), curriculum_config())


def test_the_page_of_a_wide_study_holds_every_part(wide):
    stub_pictures(wide)
    html = render_page(wide)
    for name in ("Main table", "Forgetting", "Unseen data", "Pretraining", "Models beside people"):
        assert f'data-name="{name}"' in html
    rows = pd.read_parquet(wide.results)
    assert list(unborne_rows(rows)) == []
    assert list(unborne(html, rows)) == []
    sections = [
        html.index(f'<section id="{x}"')
        for x in ("curriculum", "forgetting", "unseen", "pretraining")
    ]
    assert sections == sorted(sections)
    assert "Our reading: a cycle visits the data sets in turn" in html
    assert "failed: the loss of `bodies` was nan at step 57" in html
    # Canonical JSON sorts the keys of the study; the page keeps its order.
    assert html.index("</span>objects <small>top-1, margin") < html.index(
        "</span>faces <small>AUC, margin"
    )
    assert len(html) < 15_000_000


def test_a_wide_study_is_drawn_by_backbone(wide):
    for name in ("tasks", "interpolation"):
        draw_figure(wide, name, wide.figures)
    tasks = pd.read_csv(wide.figures / "tasks.csv")
    assert tasks.groupby(["dataset", "model"]).size().max() == 1
    assert DIVERGED in set(tasks["model"])
    curve = pd.read_csv(wide.figures / "interpolation.csv")
    assert sorted(set(curve["share"])) == [0, 0.25, 0.5, 0.75, 1]
    ends = curve[curve["share"].isin([0, 1])]["model"].str.split("/").str[1]
    assert set(ends) == {"base", "imic-a"}


def test_a_backbone_without_weights_in_between_has_no_curve(wide):
    between = {name for name, c in wide.study.curricula.items() if c.interpolate}
    models = [
        model
        for model in wide.study.models()
        if not (model.startswith("dinov3-micro/") and model.split("/")[1] in between)
    ]
    plan = Plan(
        models=tuple(models),
        datasets=tuple(wide.study.datasets),
        domains={d: s.domain for d, s in wide.study.datasets.items()},
        curricula=dict(wide.study.curricula),
        tasks=wide.study.tasks(),
        base="base",
    )
    drawn = interpolation.draw([pd.read_parquet(wide.results)], plan).table
    assert set(drawn["backbone"]) == {"clip-micro", "eva02-micro"}
