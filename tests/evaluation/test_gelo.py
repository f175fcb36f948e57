"""GELO: the published values, the other definitions by hand, and what becomes of cells without a meaning."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.evaluation import gelo as module
from unispace.evaluation.gelo import (
    AVERAGE,
    CHANCE_CORRECTED,
    DEFINITIONS,
    DROP,
    GELO,
    GEOMETRIC,
    MEAN_OF_RATIOS,
    average,
    chance_corrected,
    drop,
    gain,
    gelo,
    geometric,
    mean_of_ratios,
    measure_gelo,
)
from unispace.evaluation.measure import Measure
from unispace.records.published import read_published

TABLE = read_published(Path(module.__file__).with_name("published") / "tradeoffs.csv")
PRINTED = TABLE[TABLE["metric"] == "GELO"]
share = st.floats(0.05, 1.0)


def accuracies(table, system, backbone):
    rows = TABLE[(TABLE["table"] == table) & (TABLE["metric"] == "top-1")]
    rows = rows[(rows["system"] == system) & (rows["backbone"] == backbone)]
    return rows.set_index("name")["share"]


def test_there_are_twelve_published_values():
    assert len(PRINTED) == 12


@pytest.mark.parametrize("row", PRINTED.to_dict("records"), ids=lambda r: f"{r['table']} {r['system']} {r['backbone']}")  # fmt: skip
def test_published_values_come_out_to_three_digits(row):
    after = accuracies(row["table"], row["system"], row["backbone"])
    before = accuracies(row["table"], "CLIP", row["backbone"])
    assert list(after.index) == list(before.index)
    assert len(after) == (14 if row["table"] == "zero-shot" else 13)
    assert f"{float(gelo(after, before)):.3f}" == row["value"]


def test_the_other_definitions_do_not_give_the_published_values():
    after = accuracies("zero-shot", "FRoundation", "ViT-B/16")
    before = accuracies("zero-shot", "CLIP", "ViT-B/16")
    assert float(mean_of_ratios(after, before)) == pytest.approx(0.658, abs=5e-4)
    assert float(gelo(after, before)) == pytest.approx(0.688, abs=5e-4)


def test_definitions_by_hand():
    after, before, guess = [0.4, 0.3], [0.8, 0.4], [0.2, 0.25]
    assert gelo(after, before) == pytest.approx(0.7 / 1.2)
    assert mean_of_ratios(after, before) == pytest.approx((0.5 + 0.75) / 2)
    assert geometric(after, before) == pytest.approx(math.sqrt(0.5 * 0.75))
    # Abilities: 0.25 and 1/15 after, 0.75 and 0.2 before.
    assert chance_corrected(after, before, guess) == pytest.approx((0.25 + 1 / 15) / 0.95)


@given(st.lists(st.tuples(share, share), min_size=1, max_size=9))
def test_definitions_against_sums_of_python(pairs):
    after, before = ([p[i] for p in pairs] for i in (0, 1))
    n = len(pairs)
    assert float(gelo(after, before)) == pytest.approx(math.fsum(after) / math.fsum(before))
    ratios = [a / b for a, b in pairs]
    assert float(mean_of_ratios(after, before)) == pytest.approx(math.fsum(ratios) / n)
    assert float(geometric(after, before)) == pytest.approx(math.prod(ratios) ** (1 / n))
    guess = [b / 2 for b in before]
    up = math.fsum((a - g) / (1 - g) for a, g in zip(after, guess, strict=True))
    down = math.fsum((b - g) / (1 - g) for b, g in zip(before, guess, strict=True))
    assert float(chance_corrected(after, before, guess)) == pytest.approx(up / down)


@given(st.lists(share, min_size=1, max_size=9))
def test_equal_models_keep_exactly_all(values):
    guess = [v / 3 for v in values]
    found = [float(d.of(np.array(values), np.array(values), guess)) for d in DEFINITIONS.values()]
    assert found == [1.0] * 4


@given(st.lists(st.tuples(share, share), min_size=1, max_size=9), st.floats(0.01, 100))
def test_the_scale_of_accuracies_does_not_matter(pairs, factor):
    after, before = (np.array([p[i] for p in pairs]) for i in (0, 1))
    for of in (gelo, mean_of_ratios, geometric):
        assert float(of(after * factor, before * factor)) == pytest.approx(float(of(after, before)))


def test_guessing_keeps_nothing_once_chance_is_taken_off():
    guess = np.array([0.1, 0.5, 0.25])
    assert chance_corrected(guess, [0.9, 0.8, 0.5], guess) == pytest.approx(0, abs=1e-15)
    assert chance_corrected(guess - 0.1, [0.9, 0.8, 0.5], guess) < 0
    # As published the same model keeps a third or more.
    assert gelo(guess, [0.9, 0.8, 0.5]) > 0.38


def test_a_geometric_mean_is_at_most_the_mean_of_ratios():
    rng = np.random.default_rng(3)
    after, before = rng.uniform(0.1, 1, (2, 50, 8))
    assert np.all(geometric(after, before) <= mean_of_ratios(after, before) + 1e-12)
    assert geometric([0.0, 0.5], [0.5, 0.5]) == 0


def test_what_is_divided_by_nothing_is_no_number():
    assert math.isnan(gelo([0.1, 0.2], [0.0, 0.0]))
    assert math.isnan(mean_of_ratios([0.1, 0.2], [0.5, 0.0]))
    assert math.isnan(geometric([0.1, 0.2], [0.5, 0.0]))
    assert math.isnan(chance_corrected([0.6, 0.6], [0.4, 0.6], [0.5, 0.5]))


def test_other_sets_are_refused():
    with pytest.raises(ValueError, match=r"same sets, got \(2,\) and \(3,\)"):
        gelo([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="same sets"):
        gelo([], [])
    with pytest.raises(ValueError, match="chance must be a share below 1"):
        chance_corrected([0.5], [0.5], [1.0])


RESAMPLES = 400


def measure(value, spread=0.02, chance=0.1, seed=0, n=100, status="ok"):
    """An accuracy whose resamples are shared by all that have the same seed."""
    if status != "ok":
        return Measure.failed("top-1", n, "class", status, chance)
    samples = value + spread * np.random.default_rng(seed).normal(size=RESAMPLES)
    low, high = np.quantile(samples, [0.025, 0.975])
    return Measure("top-1", value, low, high, n, "class", chance=chance, samples=samples)


def model(*values, **more):
    return {f"set{i}": measure(v, seed=i, **more) for i, v in enumerate(values)}


def by_name(measures):
    return {m.metric: m for m in measures}


def test_equal_models_have_an_interval_of_no_width():
    base = model(0.5, 0.7, 0.9)
    for rng in (np.random.default_rng(0), None):
        for found in measure_gelo(base, base, rng):
            assert (found.value, found.lower, found.upper) == (1.0, 1.0, 1.0)
            assert found.status == "ok"


def test_what_all_models_share_in_a_resample_cancels_out():
    base, tuned = model(0.6, 0.6, 0.6), model(0.3, 0.3, 0.3)
    unpaired = {f"set{i}": measure(0.3, seed=70 + i) for i in range(3)}
    paired, loose = (
        by_name(measure_gelo(part, base, np.random.default_rng(0)))[GELO]
        for part in (tuned, unpaired)
    )
    assert paired.upper - paired.lower < 0.6 * (loose.upper - loose.lower)


def test_the_interval_over_images_is_that_of_the_paired_resamples():
    base, tuned = model(0.6, 0.8), model(0.3, 0.7)
    found = by_name(measure_gelo(tuned, base, None))[GELO]
    after, before = (sum(m.samples for m in part.values()) for part in (tuned, base))
    low, high = np.quantile(after / before, [0.025, 0.975])
    assert (found.lower, found.upper) == pytest.approx((low, high))
    assert (found.n, found.unit) == (200, "class")


def test_sets_that_differ_make_the_interval_over_sets_wide():
    base = model(0.8, 0.8, 0.8, 0.8, spread=1e-6)
    tuned = model(0.8, 0.1, 0.8, 0.1, spread=1e-6)
    fixed = by_name(measure_gelo(tuned, base, None))[GELO]
    drawn = by_name(measure_gelo(tuned, base, np.random.default_rng(1)))[GELO]
    assert drawn.value == fixed.value == pytest.approx(1.8 / 3.2)
    assert fixed.upper - fixed.lower < 1e-4
    # All four draws can be of one kind: 1/16 each.
    assert (drawn.lower, drawn.upper) == pytest.approx((0.125, 1.0), abs=1e-4)
    assert (drawn.n, drawn.unit) == (4, "set")


def test_intervals_hold_a_planted_truth():
    """Sets drawn from a world whose ratio of averages is 0.75, seen through noise."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(60):
        before = rng.uniform(0.4, 0.8, 20)
        after = before * rng.uniform(0.5, 1.0, 20)
        base, tuned = {}, {}
        for i in range(20):
            noise = 0.02 * rng.normal(size=2)
            for part, truth, error in ((base, before, noise[0]), (tuned, after, noise[1])):
                samples = truth[i] + error + 0.02 * rng.normal(size=RESAMPLES)
                part[str(i)] = Measure("top-1", truth[i] + error, 0, 1, 9, "class", samples=samples)
        found = by_name(measure_gelo(tuned, base, rng))[GELO]
        held += found.lower <= 0.75 <= found.upper
    assert held >= 50


def test_a_failed_cell_fails_every_definition_with_its_reason():
    base = model(0.5, 0.7)
    tuned = {"set0": measure(0.5), "set1": measure(0, status="the probe did not converge")}
    for found in measure_gelo(tuned, base, np.random.default_rng(0)):
        assert found.status == "failed: the model on set1: the probe did not converge"
        assert math.isnan(found.value)
    assert {m.metric for m in measure_gelo(tuned, base, None)} == set(DEFINITIONS)
    assert average(tuned, None).status == "failed: the model on set1: the probe did not converge"
    turned = measure_gelo(base, tuned, None)[0]
    assert turned.status == "failed: the base on set1: the probe did not converge"


def test_accuracies_without_resamples_have_no_gelo():
    base = model(0.5, 0.7)
    bare = base | {"set1": Measure("top-1", 0.7, 0.6, 0.8, 100, "class", chance=0.1)}
    for tuned, before in ((base, bare), (bare, base)):
        found = measure_gelo(tuned, before, np.random.default_rng(0))[0]
        assert found.status == "failed: no resamples are stored of the accuracy on set1"
    assert average(bare, None).status.endswith("on set1")


def test_a_reason_is_told_once():
    base = model(0.5, 0.7, 0.6)
    gone = {name: measure(0, status="the loss was nan") for name in base}
    found = measure_gelo(gone, base, None)[0]
    assert found.status == "failed: the model: the loss was nan"
    gone["set1"] = measure(0.5)
    found = measure_gelo(gone, base, None)[0]
    assert found.status == "failed: the model on set0, set2: the loss was nan"


def test_a_base_that_guesses_on_a_set_has_nothing_to_lose_there():
    found = by_name(measure_gelo(model(0.1, 0.3), model(0.1, 0.7), np.random.default_rng(0)))
    for name in (MEAN_OF_RATIOS, GEOMETRIC, CHANCE_CORRECTED):
        assert found[name].status == "failed: the base is not above chance on set0"
    assert found[GELO].value == pytest.approx(0.5)


def test_a_base_that_guesses_on_average_has_no_gelo():
    found = by_name(measure_gelo(model(0.1, 0.1), model(0.05, 0.15), None))
    assert found[GELO].status == "failed: the base is not above chance on average"


def test_a_base_that_is_hardly_above_chance_has_no_interval():
    base, tuned = model(0.101, 0.101, spread=0.05), model(0.1, 0.1, spread=0.05)
    found = by_name(measure_gelo(tuned, base, None))
    assert "resamples; in the others the base is not above" in found[CHANCE_CORRECTED].status
    assert found[GELO].status == "ok"


def test_without_chance_there_is_no_correction():
    part = model(0.5, 0.6, chance=None)
    found = by_name(measure_gelo(part, part, None))
    assert found[CHANCE_CORRECTED].status == "failed: chance is not known on set0, set1"
    assert found[GEOMETRIC].value == 1


def test_one_set_has_no_interval_over_sets():
    part = model(0.5)
    found = measure_gelo(part, part, np.random.default_rng(0))[0]
    assert found.status == "failed: an interval over sets takes at least two sets"
    assert measure_gelo(part, part, None)[0].value == 1


def test_the_same_random_numbers_give_the_same_interval():
    base, tuned = model(0.6, 0.8, 0.4), model(0.3, 0.7, 0.4)
    first, again = (measure_gelo(tuned, base, np.random.default_rng(9)) for _ in range(2))
    assert first == again


def test_the_average_has_its_chance():
    found = average(model(0.5, 0.7), np.random.default_rng(0))
    assert (found.metric, found.value, found.chance) == (AVERAGE, 0.6, 0.1)
    assert found.lower < 0.6 < found.upper


def test_a_drop_is_what_was_lost():
    found = drop(measure(0.4), measure(0.9))
    assert found.metric == DROP
    # The resamples differ by a constant, so that the paired interval has no width.
    assert (found.value, found.lower, found.upper) == pytest.approx((0.5, 0.5, 0.5))
    failed = drop(measure(0.4), measure(0.9, status="no prompts"))
    assert failed.status == "failed: the base: no prompts"


def test_a_gain_is_positive_where_tuning_helped():
    better, worse = measure(0.9), measure(0.6)
    assert gain(better, worse, rising=True).value == pytest.approx(0.3)
    assert gain(worse, better, rising=False).value == pytest.approx(0.3)
    assert gain(better, worse, rising=True).metric == "gain in top-1"
    failed = gain(measure(0.9, status="diverged"), worse, rising=False)
    assert failed.status == "failed: the model: diverged"


def test_a_gain_without_resamples_adds_up_both_intervals():
    after = Measure("accuracy", 0.9, 0.87, 0.92, 10, "fold")
    before = Measure("accuracy", 0.6, 0.56, 0.63, 10, "fold")
    found = gain(after, before, rising=True)
    assert found.value == pytest.approx(0.3)
    assert found.lower == pytest.approx(0.3 - math.hypot(0.03, 0.03))
    assert found.upper == pytest.approx(0.3 + math.hypot(0.02, 0.04))
    other = Measure("accuracy", 0.6, 0.56, 0.63, 5, "fold")
    with pytest.raises(ValueError, match="do not belong together"):
        gain(after, other, rising=True)
