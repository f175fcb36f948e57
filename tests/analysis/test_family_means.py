"""Means over families of models: of values and of their paired resamples."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from unispace.analysis.family_means import family_means
from unispace.evaluation.tidy import with_samples

FAMILIES = {"f1": "face", "f2": "face", "g1": "general"}
METHODS = ("baseline", "ridge")
RESAMPLES = 200


@pytest.fixture
def tables():
    rng = np.random.default_rng(0)
    measured, samples = [], []
    common = rng.normal(0, 0.05, RESAMPLES)
    for (source, target), method in itertools.product(itertools.permutations(FAMILIES, 2), METHODS):
        about = {
            "experiment": "identification", "dataset": "faces", "fitted_on": "faces",
            "protocol": "enrol-one", "metric": "Rank-1", "method": method,
            "source": source, "target": target,
        }  # fmt: skip
        draws = 0.5 + 0.1 * (method == "ridge") + common + rng.normal(0, 0.01, RESAMPLES)
        samples.append(about | {"samples": draws.astype(np.float32)})
        measured.append(
            about
            | {"value": float(rng.random()), "lower": 0.1, "upper": 0.9, "chance": 0.02, "n": 40,
               "unit": "identity", "status": "ok"}
        )  # fmt: skip
    # A metric without resamples has no mean.
    measured.append(measured[0] | {"metric": "depth"})
    return pd.DataFrame(measured), pd.DataFrame(samples)


def found(tables, reference="baseline"):
    return {
        (names["metric"], names["method"], source, target): mean
        for names, source, target, mean in family_means(with_samples(*tables), FAMILIES, reference)
    }


def test_means_within_and_between_families(tables):
    measured, samples = tables
    means = found(tables)
    assert {(s, t) for _, _, s, t in means} == {
        ("face", "face"), ("face", "general"), ("general", "face")
    }  # fmt: skip
    assert {metric for metric, *_ in means} == {"Rank-1", "Rank-1-gain"}
    rows = measured[(measured["method"] == "ridge") & (measured["target"] == "g1")]
    mean = means["Rank-1", "ridge", "face", "general"]
    assert mean.value == pytest.approx(rows["value"].mean())
    drawn = samples[(samples["method"] == "ridge") & (samples["target"] == "g1")]["samples"]
    expected = np.quantile(np.mean(np.stack(list(drawn)).astype(float), axis=0), [0.025, 0.975])
    assert (mean.lower, mean.upper) == pytest.approx(tuple(expected))
    assert (mean.n, mean.unit, mean.chance) == (40, "identity", pytest.approx(0.02))


def test_a_gain_is_paired(tables):
    """What both methods find hard cancels out: the gain is surer than either."""
    means = found(tables)
    gain, value = (
        means["Rank-1-gain", "ridge", "face", "face"],
        means["Rank-1", "ridge", "face", "face"],
    )
    assert gain.upper - gain.lower < 0.4 * (value.upper - value.lower)
    assert gain.lower < 0.1 < gain.upper
    assert gain.value == pytest.approx(
        value.value - means["Rank-1", "baseline", "face", "face"].value
    )
    assert gain.chance is None
    assert ("Rank-1-gain", "baseline", "face", "face") not in means


def test_without_the_reference_there_is_no_gain(tables):
    assert {metric for metric, *_ in found(tables, "")} == {"Rank-1"}
    assert {metric for metric, *_ in found(tables, "procrustes")} == {"Rank-1"}


def test_a_failed_map_fails_its_means_and_no_others(tables):
    measured, samples = tables
    here = (
        (measured["source"] == "f1")
        & (measured["target"] == "f2")
        & (measured["method"] == "ridge")
    )
    measured.loc[here, ["value", "lower", "upper"]] = math.nan
    measured.loc[here, "status"] = "failed: training diverged"
    gone = (
        (samples["source"] == "f1") & (samples["target"] == "f2") & (samples["method"] == "ridge")
    )
    means = found((measured, samples[~gone]))
    for metric, count in (("Rank-1", "1 of 2"), ("Rank-1-gain", "1 of 4")):
        mean = means[metric, "ridge", "face", "face"]
        assert mean.status == f"failed: {count} maps: training diverged"
        assert math.isnan(mean.value)
    assert means["Rank-1", "baseline", "face", "face"].status == "ok"
    assert means["Rank-1", "ridge", "face", "general"].status == "ok"


def test_perfect_maps_have_the_intervals_of_the_single_ones(tables):
    measured, samples = tables
    measured["value"], measured["lower"], measured["upper"] = 1.0, 0.9, 1.0
    samples["samples"] = [np.ones(RESAMPLES, np.float32)] * len(samples)
    means = found((measured, samples))
    mean, gain = (means[m, "ridge", "face", "face"] for m in ("Rank-1", "Rank-1-gain"))
    assert (mean.value, mean.lower, mean.upper) == (1, pytest.approx(0.9), 1)
    assert (gain.value, gain.lower, gain.upper) == (0, pytest.approx(-0.1), pytest.approx(0.1))


def test_a_resample_in_which_one_map_has_no_value_has_no_mean(tables):
    measured, samples = tables
    samples["samples"] = [
        np.where(np.arange(RESAMPLES) < (20 if row == 1 else 0), np.nan, draws)
        for row, draws in enumerate(samples["samples"])
    ]
    source, target, method = samples.loc[1, ["source", "target", "method"]]
    mean = found((measured, samples))["Rank-1", method, FAMILIES[source], FAMILIES[target]]
    assert mean.status.startswith("failed: only 180 of 200 resamples")
