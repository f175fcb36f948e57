"""Centroids and scatter of planted identities against sums written out."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from unispace.alignment.maps import fit_procrustes
from unispace.analysis.centroids import centroid_geometry


def people(count=30, each=4, d=12, noise=0.4, seed=0):
    """Vectors of planted persons, one centre each."""
    draws = np.random.default_rng(seed)
    who = np.repeat(np.arange(count), each)
    return draws.normal(size=(count, d))[who] + noise * draws.normal(size=(count * each, d)), who


def measured(mapped, target, who, resamples=200):
    found = centroid_geometry(mapped, target, who, resamples, np.random.default_rng(3))
    return {measure.metric: measure for measure in found}


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_values_are_the_sums_of_the_definitions():
    x, who = people(7, 3)
    y = people(7, 3, seed=1)[0]
    keep = np.r_[0:10, 12:21]  # unequal numbers of images
    order = np.random.default_rng(2).permutation(len(keep))
    x, y, who = x[keep][order], y[keep][order], who[keep][order]
    found = measured(x, y, who)
    centres = [np.stack([unit(v)[who == p].mean(axis=0) for p in range(7)]) for v in (x, y)]
    cosine = unit(centres[0]) @ unit(centres[1]).T
    assert found["own"].value == pytest.approx(np.mean(np.diag(cosine)), abs=1e-6)
    assert found["others"].value == pytest.approx((cosine.sum() - np.trace(cosine)) / 42, abs=1e-6)
    for name, v, centre in zip(("source", "target"), (x, y), centres, strict=True):
        z = unit(v)
        within = sum(np.sum((z[i] - centre[who[i]]) ** 2) for i in range(19)) / (19 - 7)
        between = sum(np.sum((centre[who[i]] - z.mean(axis=0)) ** 2) for i in range(19)) / (7 - 1)
        assert found[f"scatter {name}"].value == pytest.approx(within / between, abs=1e-5)
    assert [found[m].n for m in ("own", "others", "scatter source")] == [7, 42, 19]


def test_procrustes_brings_the_identities_of_a_rotated_space_together():
    x, who = people()
    y = x @ ortho_group.rvs(12, random_state=np.random.default_rng(5))
    fit, test = who < 15, who >= 15
    fitted = fit_procrustes(x[fit], y[fit])
    before = measured(fitted.source.place(x[test]), fitted.place(y[test]), who[test])
    after = measured(fitted.transform(x[test]), fitted.place(y[test]), who[test])
    assert before["own - others"].lower < 0 < before["own - others"].upper
    assert after["own"].value > 0.98
    assert after["own - others"].lower > 0.7
    # A rotation keeps scatter.
    assert after["scatter source"].value == pytest.approx(before["scatter source"].value, abs=1e-4)
    assert after["scatter source"].value == pytest.approx(after["scatter target"].value, abs=0.02)
    assert after["scatter source"].upper < 0.3


def test_scatter_is_one_where_identity_says_nothing():
    draws = np.random.default_rng(0)
    values = []
    for _ in range(30):
        x = draws.normal(size=(120, 20))
        values.append(measured(x, x, np.arange(120) % 30, 40)["scatter source"].value)
    assert np.mean(values) == pytest.approx(1, abs=0.03)


def test_intervals_are_as_wide_as_values_of_fresh_people_spread():
    values, widths = [], []
    for seed in range(60):
        x, who = people(40, 3, seed=seed)
        y = x + 0.8 * np.random.default_rng(seed + 1000).normal(size=x.shape)
        found = measured(x, y, who)["own"]
        values.append(found.value)
        widths.append((found.upper - found.lower) / 3.92)
    assert np.mean(widths) / np.std(values) == pytest.approx(1, abs=0.3)


def test_cells_without_a_number_say_why():
    x, who = people(6, 1)
    found = measured(x, x, who)
    assert found["own"].status == "ok"
    assert found["scatter target"].status == "failed: no identity has two images"
    alone = measured(x, x, np.zeros(6, int))
    assert {m.status for m in alone.values()} == {
        "failed: an interval needs at least 2 clusters to resample, got 1"
    }
    opposite = np.repeat(np.eye(4), 2, axis=0) * np.tile([1.0, -1.0], 4)[:, None]
    cancelled = measured(opposite, opposite, np.arange(8) // 2)
    assert "cancel, so its centroid has no direction" in cancelled["own"].status
    assert cancelled["scatter source"].status == (
        "failed: the centroids of all identities are equal"
    )


def test_unlike_shapes_are_refused():
    x, who = people(4, 2)
    with pytest.raises(ValueError, match="all must be of the same images in one frame"):
        measured(x, x[:, :5], who)
    with pytest.raises(ValueError, match="mapped: row 2 is zero"):
        measured(np.where(np.arange(8)[:, None] == 2, 0, x), x, who)
