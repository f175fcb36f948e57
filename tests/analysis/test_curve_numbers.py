"""Headline numbers of curves over seeds, and areas without a ROC, against their definitions."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp
from sklearn.metrics import roc_auc_score

from unispace.analysis.curve_numbers import dip, enough_to_fit_on, needed
from unispace.analysis.matching import area
from unispace.analysis.smallest import smallest
from unispace.evaluation import verification

SIZES = (5, 10, 20, 40)


def curve(*lines, column="identities", sizes=SIZES, chance=0.05):
    """A line of values for each seed."""
    rows = [
        {"seed": seed, column: size, "value": value, "status": "ok", "metric": "Rank-1", "n": 90 + seed}
        for seed, line in enumerate(lines)
        for size, value in zip(sizes, line, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(chance=chance)


@given(
    st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=1, max_size=6),
    st.floats(0.01, 1),
    st.booleans(),
)
def test_from_the_smallest_size_on_all_reach_the_level_and_the_one_before_does_not(
    lines, level, of_last
):
    found = smallest(curve(*lines), "identities", "identities", level, of_last=of_last)
    mean = np.mean(lines, axis=0)
    wanted = level * mean[-1] if of_last else level
    if found.status != "ok":
        assert mean[-1] < wanted
        return
    place = SIZES.index(int(found.size))
    assert (mean[place:] >= wanted).all()
    assert place == 0 or mean[place - 1] < wanted
    assert found.reached <= found.seeds == len(lines)
    assert np.isnan(found.upper) == (found.reached < found.seeds)


def test_enough_is_measured_against_each_seeds_own_end():
    number = enough_to_fit_on(curve((0.1, 0.5, 0.48, 0.5), (0.4, 0.41, 0.52, 0.52)), 0.95)
    # Means 0.25, 0.455, 0.5 and 0.51; 95 % of the last is 0.4845.
    assert (number.value, number.lower, number.upper) == (20, 10, 20)
    assert (number.metric, number.n, number.unit) == ("Identities@Rank-1=95%", 90, "seed")


def test_what_is_not_above_chance_has_no_smallest_size():
    number = enough_to_fit_on(curve((0.06, 0.04, 0.05, 0.04), (0.05, 0.05, 0.06, 0.07)), 0.95)
    assert number.status == ("failed: with all 40 identities Rank-1 is not above chance for sure")


def test_a_seed_that_does_not_reach_the_level_is_told():
    found = smallest(curve((0.1, 0.9, 0.9, 0.9), (0.1, 0.2, 0.3, 0.4)), "identities", "pairs", 0.5)
    assert (found.size, found.lower, found.reached) == (10, 10, 1)
    assert needed("Pairs@Rank-1=0.5", found, "pairs", 9).status == (
        "failed: the mean reaches it from 10 pairs on, 1 of 2 seeds do"
    )


def test_a_failed_fit_is_told_and_not_stepped_over():
    one = curve((0.1, 0.9, 0.9, 0.9), (0.1, 0.9, 0.9, 0.9))
    one.loc[1, ["value", "status"]] = [np.nan, "failed: it diverged"]
    told = "failed: 10 identities, seed 0: it diverged"
    assert enough_to_fit_on(one, 0.95).status == told
    images = one.rename(columns={"identities": "images"})
    assert dip(images, 9).status == "failed: no map was fitted on 4 images"
    at = images.replace({"images": {5: 4, 20: 18}})
    assert dip(at, 9).status == "failed: 10 images, seed 0: it diverged"


def test_the_dip_is_below_the_lower_shoulder():
    lines = [(0.5, 0.2, 0.6, 0.7), (0.5, 0.3, 0.4, 0.7), (0.4, 0.3, 0.6, 0.7)]
    sizes = (8, 17, 32, 40)
    number = dip(curve(*lines, column="images", sizes=sizes), 16)
    depths = [0.3, 0.1, 0.1]
    interval = ttest_1samp(depths, 0).confidence_interval(0.95)
    assert number.value == pytest.approx(np.mean(depths))
    assert (number.lower, number.upper) == pytest.approx(tuple(interval))
    rising = dip(
        curve((0.1, 0.2, 0.3, 0.4), (0.2, 0.2, 0.3, 0.4), column="images", sizes=sizes), 16
    )
    assert rising.value == pytest.approx(-0.05)
    assert rising.metric == "Rank-1-dip"


@given(st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=60))
def test_the_area_is_that_of_the_roc_ties_included(pairs):
    scores = np.array([score for score, _ in pairs], np.float32)
    genuine = np.array([mate for _, mate in pairs])
    if genuine.all() or not genuine.any():
        with pytest.raises(ValueError, match="both are needed"):
            area(scores, genuine)
        return
    found = area(scores, genuine)
    assert found == pytest.approx(roc_auc_score(genuine, scores), abs=1e-12)
    assert found == pytest.approx(verification.auc(verification.roc(scores, genuine)), abs=1e-12)
