"""What claims take from the results: rows, components, curves of maps, differences of models and of GELO."""

import numpy as np
import pandas as pd
import pytest
from planted_claims import Planted, file, number, roles
from scipy import stats

from unispace.analysis.claim_models import difference, parts_of_gelo, parts_of_models
from unispace.analysis.claim_parts import over
from unispace.analysis.claim_tables import (
    parts_of_components,
    parts_of_efficiency,
    parts_of_rows,
)
from unispace.evaluation.bootstrap import wilson_interval
from unispace.evaluation.gelo import gelo
from unispace.evaluation.measure import Measure
from unispace.evaluation.paired_tests import sign_flip
from unispace.records.results import EFFICIENCY_SCHEMA, PCA_SCHEMA, SCHEMA


def asked(**settings):
    return file([settings]).claims["c0"].compare[0]


def table(schema, rows: list[dict]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=schema.names)
    return frame.astype({"chance": float})


def row(metric: str, value: float = 0.1, **other) -> dict:
    known = {"study": "s", "experiment": "families", "dataset": "faces", "protocol": "enrol-one"}
    numbers = {"value": value, "lower": value - 0.02, "upper": value + 0.02, "chance": np.nan}
    rest = {"n": 30, "unit": "identity", "seed": 1, "status": "ok", "origin": "o"}
    return known | {"metric": metric} | numbers | rest | other


def test_rows_are_chosen_by_patterns_and_by_where_maps_were_fitted():
    results = table(
        SCHEMA,
        [
            row("Rank-1-gain", 0.1, method="ridge", fitted_on="faces", source="a", target="b"),
            row("Rank-1-gain", 0.2, method="linear", fitted_on="faces", source="a", target="b"),
            row("Rank-1-gain", 0.3, method="ridge", fitted_on="other", source="a", target="b"),
            row("Rank-1-gain", 0.4, method="shuffled", fitted_on="faces", source="a", target="b"),
            row("AUC-gain", 0.5, method="ridge", fitted_on="faces", source="a", target="b"),
            row("Rank-1-gain", 0.6),
        ],
    )
    where = {"metric": "Rank-1*", "method": ["ridge", "lin*"], "fitted_on": "same"}
    parts = parts_of_rows(asked(kind="rows", where=where, holds="above"), results)
    assert [part.measure.value for part in parts] == [0.1, 0.2]
    assert parts[0].words() == "a to b by ridge fitted on faces on faces (enrol-one)"
    where["fitted_on"] = "other"
    parts = parts_of_rows(asked(kind="rows", where=where, holds="above"), results)
    assert [part.measure.value for part in parts] == [0.3]


def permuted(p_value: float, **other):
    metric, about = "Rank-1 within - between", {"method": "ridge"}
    return [
        row(metric, 0.05, **about),
        row(f"{metric}-p", p_value, **about | {"unit": "permutation", "n": 9999} | other),
        row(f"{metric}-p", 0.9, **about | {"protocol": "paper"}),
    ]


def test_a_row_with_a_permutation_test_is_tested_by_it():
    want = asked(kind="rows", where={"metric": "Rank-1 within*"}, p_value="-p", holds="above")
    parts = parts_of_rows(want, table(SCHEMA, permuted(0.04)))
    assert len(parts) == 1
    assert parts[0].test(0, "greater") == 0.04
    assert parts[0].test(0, "less") == pytest.approx(1 - 0.04 + 1 / 10_000)
    # Its interval alone would have rejected by far: it is about other identities, not about other models.
    assert parts[0].measure.lower > 0


def test_a_row_whose_permutation_test_failed_has_none():
    want = asked(kind="rows", where={"metric": "Rank-1 within*"}, p_value="-p", holds="above")
    (part,) = parts_of_rows(want, table(SCHEMA, permuted(np.nan, status="failed: two models")))
    assert part.measure.status == "failed: Rank-1 within - between-p: two models"
    (part,) = parts_of_rows(want, table(SCHEMA, permuted(0.1)[:1]))
    assert "there is no p value of it" in part.measure.status


def test_a_failed_row_is_a_failed_part():
    results = table(
        SCHEMA, [row("AUC", np.nan, status="failed: diverged") | {"lower": np.nan, "upper": np.nan}]
    )
    (part,) = parts_of_rows(asked(kind="rows", where={"metric": "AUC"}, holds="above"), results)
    assert part.measure.status == "failed: diverged"


def curve(
    model: str, gains: dict[int, float], source="faces", target="bodies", **other
) -> list[dict]:
    return [
        {
            **{"model": model, "basis": "components", "source": source, "target": target},
            **{"centring": "source", "components": k, "removed": 0, "metric": "AUC", "n": 40},
            **{"gain": gain, "gain_lower": gain - 0.01, "gain_upper": gain + 0.01},
            **{"unit": "identity", "status": "ok", "chance": 0.5},
        }
        | other
        for k, gain in gains.items()
    ]


def test_the_largest_number_of_components_below_both_bounds_is_taken():
    gains = {20: 0.7, 75: 0.97, 99: 0.98, 150: 0.99, 256: 1.0}
    curves = table(
        PCA_SCHEMA,
        [
            *curve("m/imic/seed0", gains),
            *curve("m/imic/seed0", gains, target="faces"),  # of itself
            *curve("m/imic/seed0", gains, basis="random"),
            *curve("m/imic/seed0", gains, centring="target"),
            *curve("m/base/seed0", gains),
        ],
    )
    want = {"kind": "components", "curriculum": ["imic*"], "holds": "above", "than": 0.95}
    (part,) = parts_of_components(asked(**want), curves)
    assert (part.measure.value, part.about["components"]) == (0.98, "99 of 256 components")
    (part,) = parts_of_components(asked(**want, below=90), curves)
    assert part.measure.value == 0.97
    (part,) = parts_of_components(asked(**want, most=0.1), curves)
    assert part.measure.value == 0.7


@pytest.mark.parametrize(
    ("bounds", "why"),
    [
        ({"dimension": 500}, "its space has 256 dimensions, and the claim is about 500 or more"),
        ({"below": 10}, "no number of components below 10 and 50% of 256 was measured"),
    ],
)
def test_spaces_that_cannot_test_a_claim_say_why(bounds, why):
    curves = table(PCA_SCHEMA, curve("m/imic/seed0", {20: 0.7, 256: 1.0}))
    want = {"kind": "components", "curriculum": ["imic*"], "holds": "above", "than": 0.95}
    (part,) = parts_of_components(asked(**want, **bounds), curves)
    assert part.measure.status == f"failed: {why}"


def sizes(values: dict[int, float], **other) -> list[dict]:
    return [
        {
            **{"dataset": "faces", "source": "a", "target": "b", "dimension": 8, "method": "ridge"},
            **{"by": "identities", "size": size, "protocol": "enrol-one", "metric": "Rank-1"},
            **{"value": value, "std": 0.02, "chance": 0.1, "n": 30, "seeds": 5, "varies": "all"},
            "status": "ok",
        }
        | other
        for size, value in values.items()
    ]


KEPT = {"kind": "efficiency", "methods": ["ridge"], "most": 0.15, "holds": "above", "than": 0.8}


def test_few_identities_keep_a_share_of_what_all_give():
    curves = table(
        EFFICIENCY_SCHEMA,
        [*sizes({7: 0.4, 10: 0.5, 20: 0.55, 70: 0.6}), *sizes({3: 0.1, 70: 0.2}, by="images")],
    )
    (part,) = parts_of_efficiency(asked(**KEPT), curves)
    assert part.about["size"] == "10 of 70 identities"
    share = (0.5 - 0.1) / (0.6 - 0.1)
    assert part.measure.value == pytest.approx(share)
    # By hand, with the deviation of a sample of 5 seeds.
    error = np.sqrt(0.02**2 * 5 / 4 * (1 + share**2) / 5) / 0.5
    half = stats.t.ppf(0.975, 4) * error
    assert part.measure.upper - share == pytest.approx(half)
    assert part.test(0.7, "greater") == pytest.approx(stats.t.sf((share - 0.7) / error, 4))
    assert part.test(0.7, "greater") + part.test(0.7, "less") == pytest.approx(1)


def test_the_error_of_a_share_is_that_of_simulated_seeds():
    rng = np.random.default_rng(0)
    seeds, deviation = 5, 0.02
    small, whole = rng.normal((0.4, 0.5), deviation, (40_000, seeds, 2)).mean(axis=1).T
    curves = table(EFFICIENCY_SCHEMA, sizes({10: 0.5, 70: 0.6}, std=deviation * np.sqrt(4 / 5)))
    (part,) = parts_of_efficiency(asked(**KEPT), curves)
    half = part.measure.upper - part.measure.value
    assert half / stats.t.ppf(0.975, 4) == pytest.approx(np.std(small / whole), rel=0.02)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (sizes({20: 0.5, 70: 0.6}), "no map was fitted on 15% or fewer of 70 identities"),
        (sizes({10: 0.5, 70: 0.6}, seeds=1), "one seed has no spread, and so no interval"),
        (sizes({10: 0.5, 70: 0.1}), "with all identities it is not above chance"),
        (
            sizes({10: 0.5, 70: 0.6}, std=0.0),
            "all seeds have the same value, so there is no interval",
        ),
        (sizes({10: 0.5, 70: 0.6}, status="failed: diverged"), "diverged"),
    ],
)
def test_curves_that_cannot_test_a_claim_say_why(rows, why):
    (part,) = parts_of_efficiency(asked(**KEPT), table(EFFICIENCY_SCHEMA, rows))
    assert part.measure.status == f"failed: {why}"


def models(**other):
    settings = {"kind": "models", "curriculum": ["imic*"], "against": "base", "datasets": "unseen"}
    return asked(**settings | {"holds": "above"} | other)


def test_unseen_data_are_sets_no_curriculum_trains_on_and_held_out_classes_of_the_others():
    world = Planted()
    for name in ("imic", "base"):
        for dataset in ("digits", "faces", "objects"):
            world.task(f"m/{name}/seed0", dataset, 0.7)
        held = number("top-1", 0.6, 0.01)
        world.add(f"m/{name}/seed0", "objects", "classification", "knn-5-loo/held_out", held)
    parts = parts_of_models(models(), roles(), world)
    found = {(part.about["dataset"], part.about["protocol"]) for part in parts}
    assert found == {("digits", "knn-5"), ("objects", "knn-5-loo/held_out")}


def test_patterns_choose_backbones_and_the_base_is_never_its_own_rival():
    world = Planted()
    for backbone in ("clip-b", "dino"):
        for name in ("imic-a", "base"):
            world.task(f"{backbone}/{name}/seed0", "digits", 0.7, 0.01 if name == "base" else 0.02)
    parts = parts_of_models(models(backbone=["clip*"]), roles(), world)
    assert [part.about["model"] for part in parts] == ["clip-b/imic-a/seed0"]
    assert parts_of_models(models(curriculum=["base"]), roles(), world) == []


def test_the_mean_over_tasks_is_that_of_differences_and_of_their_resamples():
    world = Planted()
    changes = {"objects": 0.1, "faces": -0.02, "faces_lq": 0.03, "bodies": 0.05}
    for seed, (dataset, change) in enumerate(changes.items()):
        world.task("m/imic/seed0", dataset, 0.5 + change, 0.06, seed)
        world.task("m/sequential/seed0", dataset, 0.5, 0.05, seed)
    want = models(against="sequential", datasets="tasks", at_least=4, mean=True)
    (part,) = parts_of_models(want, roles(), world)
    assert part.measure.value == pytest.approx(0.04)
    # Four independent differences of deviation 0.01.
    assert np.std(part.measure.samples) == pytest.approx(0.01 / 2, rel=0.1)
    assert part.about["metric"] == "top-1 and AUC"
    assert part.measure.unit == "identity"
    assert part.rows == 8


def test_a_mean_with_a_perfect_part_does_not_take_its_certainty_for_granted():
    ends = wilson_interval(1.0, 20)
    one = Measure("AUC", 1.0, *ends, 50, "identity", samples=np.ones(999))
    world = Planted()
    for name, measure in (("imic", one), ("base", one)):
        world.add(f"m/{name}/seed0", "faces", "verification", "all-pairs", measure)
        world.task(f"m/{name}/seed0", "bodies", 0.8, 0.02 if name == "imic" else 0.01)
    (part,) = parts_of_models(models(datasets=["faces", "bodies"], mean=True), roles(), world)
    assert part.measure.samples is None
    alone = difference(one, one)
    assert alone.samples is None
    assert part.measure.lower == pytest.approx((alone.lower - 1.96 * 0.01) / 2, rel=0.02)


def general(
    world: Planted, model: str, accuracies: dict[str, float], by="zero-shot:own", deviation=0.01
):
    for seed, (dataset, value) in enumerate(accuracies.items()):
        world.add(model, dataset, "classification", by, number("top-1", value, deviation, seed))


SETS = ("shapes", "colours", "counts", "glyphs", "digits", "objects", "textures")
BASE = dict(zip(SETS, (0.8, 0.7, 0.75, 0.6, 0.9, 0.85, 0.7), strict=True))


def tuned(lost: float) -> dict[str, float]:
    return {name: value - lost * (1 + i / 20) for i, (name, value) in enumerate(BASE.items())}


def gelo_parts(world: Planted, **other):
    want = {"kind": "gelo", "curriculum": ["fr"], "against": "mad", "holds": "below"} | other
    known = roles(general=SETS, sizes={"clip": ("small", "large")})
    return parts_of_gelo(asked(**want), known, world, lambda: np.random.default_rng(3))


def test_a_difference_of_gelo_is_that_of_the_published_definition():
    world = Planted()
    general(world, "small/base/seed0", BASE)
    general(world, "small/fr/seed0", tuned(0.3))
    general(world, "small/mad/seed0", tuned(0.05))
    (part,) = gelo_parts(world)
    values = [list(tuned(lost).values()) for lost in (0.3, 0.05)]
    first, second = (float(gelo(v, list(BASE.values()))) for v in values)
    assert part.measure.value == pytest.approx(first - second)
    assert part.measure.lower < part.measure.value < part.measure.upper < 0
    # All seven sets lost more: one of 2^7 assignments of signs.
    assert part.test(0.0, "less") == 1 / 128
    shares = (np.array(values[0]) - values[1]) / sum(BASE.values())
    assert part.test(-0.2, "less") == sign_flip(shares + 0.2 / 7, "less")


def test_a_probe_and_texts_are_compared_on_the_sets_that_both_have():
    world = Planted()
    for by, lost in (("zero-shot:own", 0.3), ("linear-probe", 0.02)):
        general(world, "small/base/seed0", BASE, by)
        general(world, "small/fr/seed0", tuned(lost), by)
    del world.cells["small/fr/seed0", "digits", "classification", "zero-shot:own", "top-1"]
    (part,) = gelo_parts(world, protocols=["zero-shot:*"], against="linear-probe")
    assert part.measure.n == 6
    assert part.test(0.0, "less") == 1 / 64
    assert part.words() == "small/fr/seed0 against linear-probe (zero-shot:own)"


def test_a_larger_backbone_is_compared_with_the_next_smaller_one():
    world = Planted()
    for backbone, lost in (("small", 0.3), ("large", 0.1)):
        general(world, f"{backbone}/base/seed0", BASE)
        general(world, f"{backbone}/fr/seed0", tuned(lost))
    (part,) = gelo_parts(world, against="smaller", holds="above")
    assert part.about["model"] == "large/fr/seed0"
    assert part.about["against"] == "small/fr/seed0"
    assert part.measure.lower > 0


def test_a_base_that_guesses_has_nothing_to_lose_and_a_lone_set_no_average():
    world = Planted()
    general(world, "small/base/seed0", dict.fromkeys(SETS, 0.05))
    for name in ("fr", "mad"):
        general(world, f"small/{name}/seed0", dict.fromkeys(SETS, 0.05))
    (part,) = gelo_parts(world)
    assert "the base is not above chance on average" in part.measure.status
    world = Planted()
    for name in ("base", "fr", "mad"):
        general(world, f"small/{name}/seed0", {"shapes": 0.5})
    (part,) = gelo_parts(world)
    assert "both have 1 general sets in common, two are needed" in part.measure.status


def test_gelo_of_several_seeds_must_be_lower_for_each():
    world = Planted()
    for seed, lost in ((0, 0.3), (1, 0.06)):
        general(world, f"small/base/seed{seed}", BASE)
        general(world, f"small/fr/seed{seed}", tuned(lost))
        general(world, f"small/mad/seed{seed}", tuned(0.05) | {"digits": 0.6, "shapes": 0.5})
    (part,) = gelo_parts(world)
    assert part.about["model"] == "small/fr"
    assert len(part.seeds) == 2
    alone = gelo_parts(world_of(world, 0))[0], gelo_parts(world_of(world, 1))[0]
    assert part.measure.value == pytest.approx(np.mean([one.measure.value for one in alone]))
    assert part.test(0.0, "less") == max(one.test(0.0, "less") for one in alone)


def world_of(world: Planted, seed: int) -> Planted:
    """The models of one seed."""
    return Planted({k: m for k, m in world.cells.items() if k[0].endswith(f"seed{seed}")})


def test_a_mean_over_seeds_keeps_backbones_and_references_apart():
    world = Planted()
    for backbone in ("one", "two"):
        for seed in (0, 1):
            for name in ("imic", "base"):
                value = 0.7 + 0.02 * seed * (name == "imic") + 0.1 * (backbone == "two")
                world.task(
                    f"{backbone}/{name}/seed{seed}", "digits", value, 0.01 + 0.01 * (name == "imic")
                )
    parts = parts_of_models(models(), roles(), world)
    assert [(p.about["model"], p.about["against"]) for p in parts] == [
        ("one/imic", "one/base"),
        ("two/imic", "two/base"),
    ]
    assert [part.seeds for part in parts] == [pytest.approx((0, 0.02))] * 2
    assert over([], "seed") == []
