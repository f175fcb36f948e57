"""P values of numbers against thresholds and margins."""

import numpy as np
import pytest
from scipy import stats

from unispace.evaluation.bootstrap import percentile_interval, wilson_interval
from unispace.evaluation.hypotheses import (
    NoTest,
    beyond_margin,
    equivalence,
    from_interval,
    one_sided,
)
from unispace.evaluation.measure import Measure


def measured(samples, value=None) -> Measure:
    samples = np.asarray(samples, float)
    value = float(np.mean(samples)) if value is None else value
    return Measure(
        "AUC", value, *np.quantile(samples, [0.025, 0.975]), 9, "identity", samples=samples
    )


def normal(mean: float, deviation: float, samples: int = 999) -> Measure:
    """Samples at the quantiles of a normal distribution, without chance."""
    shares = (np.arange(samples) + 0.5) / samples
    return measured(stats.norm.ppf(shares, mean, deviation), mean)


def test_a_one_sided_p_value_counts_resamples_and_the_data():
    number = measured([-0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    assert one_sided(number, 0.0, "greater") == (1 + 2) / 10
    assert one_sided(number, 0.0, "less") == (1 + 8) / 10
    assert one_sided(number, -1.0, "greater") == 1 / 10


def test_missing_resamples_are_left_out():
    number = measured([0.1, 0.2, 0.3])
    holed = Measure("AUC", 0.2, 0.1, 0.3, 9, "identity", samples=np.array([0.1, np.nan, 0.2, 0.3]))
    assert one_sided(holed, 0.15, "greater") == one_sided(number, 0.15, "greater") == 2 / 4


def test_a_normal_number_has_the_p_value_of_a_normal_distribution():
    number = normal(0.02, 0.01)
    exact = stats.norm.sf(2.0)
    assert one_sided(number, 0.0, "greater") == pytest.approx(exact, abs=2e-3)
    alone = Measure("AUC", number.value, number.lower, number.upper, 9, "identity")
    assert one_sided(alone, 0.0, "greater") == pytest.approx(exact, rel=0.02)
    assert from_interval(alone, 0.0, "less") == pytest.approx(1 - exact, rel=0.02)


@pytest.mark.parametrize("shift", [0.0, 0.004, 0.0087, 0.0089, 0.012, -0.0087, -0.0089])
def test_two_one_sided_tests_reject_where_the_90_percent_interval_is_inside(shift):
    number = normal(shift, 0.005, 1999)
    lower, upper = percentile_interval(number.samples, 0.90)
    inside = lower > -0.017 and upper < 0.017
    assert (equivalence(number, 0.017) <= 0.05) == inside


def test_two_one_sided_tests_are_the_larger_of_both():
    number = normal(0.01, 0.01)
    above = stats.norm.cdf((0.03 - 0.01) / 0.01)
    below = stats.norm.sf((-0.03 - 0.01) / 0.01)
    expected = max(1 - above, 1 - below)
    assert equivalence(number, 0.03) == pytest.approx(expected, abs=2e-3)


def test_equivalence_and_its_contrary_are_not_both_shown():
    rng = np.random.default_rng(4)
    for _ in range(50):
        number = normal(rng.uniform(-0.1, 0.1), rng.uniform(0.001, 0.05), 199)
        assert equivalence(number, 0.03) > 0.05 or beyond_margin(number, 0.03) > 0.05


def test_a_difference_beyond_the_margin_is_told_on_either_side():
    assert beyond_margin(normal(0.08, 0.01), 0.03) < 1e-5
    assert beyond_margin(normal(-0.08, 0.01), 0.03) < 1e-5
    assert beyond_margin(normal(0.03, 0.01), 0.03) == pytest.approx(1.0, abs=0.02)


def test_a_perfect_number_is_tested_by_its_wilson_interval():
    # All resamples are 1, so counting them would show anything.
    ends = wilson_interval(1.0, 20)
    perfect = Measure("Rank-1", 1.0, *ends, 20, "identity", samples=np.ones(500))
    assert one_sided(perfect, 0.95, "greater") > 0.05
    assert one_sided(perfect, 0.5, "greater") < 0.001
    assert one_sided(perfect, 0.95, "greater") == from_interval(perfect, 0.95, "greater")


def test_a_number_without_a_width_has_no_test():
    with pytest.raises(NoTest, match=r"the interval of AUC has no width: 0\.5"):
        one_sided(Measure("AUC", 0.5, 0.5, 0.5, 9, "identity"), 0.4, "greater")


def test_failed_numbers_and_empty_margins_are_refused():
    with pytest.raises(ValueError, match="nothing to test"):
        one_sided(Measure.failed("AUC", 3, "identity", "no pairs"), 0.0, "greater")
    with pytest.raises(ValueError, match="a margin of equivalence is above 0, got 0"):
        equivalence(normal(0, 1), 0)


def test_a_claim_that_is_false_is_rejected_as_often_as_it_says():
    rng = np.random.default_rng(5)
    wrong = []
    for _ in range(1500):
        values = rng.normal(0, 1, 80)
        draws = rng.integers(80, size=(199, 80))
        wrong.append(one_sided(measured(values[draws].mean(axis=1)), 0.0, "greater") <= 0.05)
    assert 0.035 < np.mean(wrong) < 0.075
