"""Data efficiency on planted worlds, and bands over seeds."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from unispace.alignment.maps import fit_linear, fit_procrustes, fit_ridge
from unispace.alignment.space import unit_rows
from unispace.analysis.bands import bands
from unispace.analysis.data_efficiency import (
    COLUMNS,
    PAPER_SHARES,
    efficiency_curve,
    most_to_train_on,
    sizes_through,
)
from unispace.data.protocols.galleries import enrol_all, enrol_probe
from unispace.evaluation.identification import search
from unispace.evaluation.verification import auc, compare, roc

D = 24
METHODS = {
    "procrustes": fit_procrustes,
    "linear": fit_linear,
    "ridge": partial(fit_ridge, alpha=0.1),
}
POINT = ["method", "images", "protocol", "metric"]


def world(people=60, each=3, d=D, seed=0):
    """Two models of one latent space with noise of their own, as rows, names and ids."""
    draws = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), each)
    latent = draws.normal(size=(people, 10))[who] + 0.5 * draws.normal(size=(len(who), 10))
    views = [
        unit_rows(latent @ draws.normal(size=(10, d)) + draws.normal(size=(len(who), d)))
        for _ in range(2)
    ]
    return (
        *views,
        [f"p{i:02}" for i in who],
        [f"image{i:03}" for i in draws.permutation(len(who))],
    )


@pytest.fixture(scope="module")
def through():
    """Curves through n = d."""
    sizes = sizes_through(D, 120)
    return efficiency_curve(*world(), METHODS, sizes, [42, 123, 217, 7, 531], by="images")


def rank_one(curve, method):
    band = bands(curve, POINT)
    band = band[(band["metric"] == "Rank-1") & (band["protocol"] == "enrol-one")]
    return band[band["method"] == method].set_index("images")["mean"]


def test_least_squares_dips_where_it_interpolates_and_the_others_do_not(through):
    linear = rank_one(through, "linear")
    assert {D - 1, D, D + 1} <= set(linear.index)
    bottom = linear.loc[12:].idxmin()
    assert bottom in (D, D + 1, D + 2)
    assert linear.loc[bottom] < 0.6 * linear.loc[12]
    assert linear.loc[120] > 2 * linear.loc[bottom]
    for method in ("procrustes", "ridge"):
        curve = rank_one(through, method)
        assert curve.loc[D + 1] > 0.9 * curve.loc[12]
        assert curve.loc[D + 1] > 2 * linear.loc[bottom]


def test_the_curve_has_a_row_for_each_number(through):
    sizes = sizes_through(D, 120)
    assert list(through.columns) == COLUMNS
    assert len(through) == 3 * 5 * len(sizes) * 5
    assert (through["status"] == "ok").all()
    assert through["value"].between(0, 1).all()
    assert set(through["varies"]) == {"training and test identities"}


def test_numbers_are_those_of_the_evaluation_of_the_same_images():
    """The last size of a seed, with the split and the map made by hand."""
    x, y, names, ids = world()
    who = np.unique(names, return_inverse=True)[1]
    order = np.random.default_rng(7).permutation(np.unique(names))
    tested = np.isin(names, order[-18:])
    curve = efficiency_curve(x, y, names, ids, {"m": fit_procrustes}, [42], [7])
    got = curve.set_index(["protocol", "metric"])["value"]
    fitted = fit_procrustes(x[~tested], y[~tested])
    # Procrustes sums over rows in another order
    probe, gallery = fitted.transform(x[tested]), fitted.place(y[tested])
    who, keys = who[tested], [i for i, t in zip(ids, tested, strict=True) if t]
    every = enrol_all(who, self_included=False)
    ranking = search(probe, gallery, who, who, exclude=every.exclude)
    assert got["self-excluded", "Rank-1"] == pytest.approx(np.mean(ranking.rank == 1))
    assert got["self-excluded", "mAP"] == pytest.approx(ranking.average_precision.mean(), abs=1e-4)
    one = enrol_probe(who, keys)
    ranking = search(probe[one.probe], gallery[one.gallery], who[one.probe], who[one.gallery])
    assert got["enrol-one", "Rank-1"] == pytest.approx(np.mean(ranking.rank == 1))
    pairs = compare(probe, gallery, who, same_space=False)
    assert got["all-pairs", "AUC"] == pytest.approx(auc(roc(pairs.scores, pairs.genuine)), abs=1e-4)
    assert curve["n"].tolist() == [54, 54, 36, 36, 54 * 53]
    assert (curve["images"] == 126).all()
    assert (curve["identities"] == 42).all()


def recorded(sizes, seeds, **settings):
    """What a fit was given, by seed and size."""
    x, y, names, ids = world()
    x = x + 0.0
    seen = []

    def spy(source, target):
        rows = [int(np.flatnonzero((x == row).all(axis=1))[0]) for row in source]
        np.testing.assert_array_equal(y[rows], target)
        seen.append(rows)
        return fit_procrustes(source, target)

    curve = efficiency_curve(x, y, names, ids, {"spy": spy}, sizes, seeds, **settings)
    return seen, np.array(names), curve


@pytest.mark.parametrize("by", ["identities", "images"])
def test_larger_sizes_hold_the_smaller_ones_and_no_tested_identity(by):
    sizes = [4, 10, 42] if by == "identities" else [4, 10, 126]
    seen, names, curve = recorded(sizes, [1, 2], by=by)
    for start in (0, 3):
        small, middle, large = seen[start : start + 3]
        assert set(small) < set(middle) < set(large)
        if by == "identities":
            assert [len(set(names[rows])) for rows in (small, middle, large)] == sizes
        else:
            assert [len(rows) for rows in (small, middle, large)] == sizes
        assert len(set(names[large])) == 42
    assert set(names[seen[2]]) != set(names[seen[5]])
    assert curve.groupby("seed")["images"].unique().map(list).tolist() == [
        [len(rows) for rows in seen[:3]],
        [len(rows) for rows in seen[3:]],
    ]


def test_given_test_images_stay_and_only_the_training_order_changes():
    names = np.array(world()[2])
    test = names >= "p50"
    seen, names, curve = recorded([5, 50], [1, 2], test=test)
    assert set(names[seen[1]]) == set(names[seen[3]]) == {f"p{i:02}" for i in range(50)}
    assert set(seen[0]) != set(seen[2])
    assert set(curve["varies"]) == {"training identities"}
    whole = curve[curve["identities"] == 50].pivot(
        index=["protocol", "metric"], columns="seed", values="value"
    )
    np.testing.assert_allclose(whole[1], whole[2], atol=1e-3)


def test_the_same_seeds_give_the_same_bits():
    one, two = (efficiency_curve(*world(), METHODS, [5, 20], [3]) for _ in range(2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_paper_sizes_are_shares_of_all_identities():
    sizes = [round(share * 60) for share in PAPER_SHARES]
    curve = efficiency_curve(*world(), {"m": fit_procrustes}, sizes, [1])
    assert sorted(set(curve["identities"])) == [6, 12, 18, 24, 30, 36, 42]


def test_a_fit_that_is_impossible_is_a_failed_row():
    def refuse(source, target):
        if len(source) < 10:
            raise ValueError("too few rows")
        return fit_procrustes(source, target)

    curve = efficiency_curve(*world(), {"m": refuse}, [5, 20], [1, 2], by="images")
    short = curve[curve["images"] == 5]
    assert (short["status"] == "failed: too few rows").all()
    assert short["value"].isna().all()
    assert len(short) == 10
    assert (curve[curve["images"] == 20]["status"] == "ok").all()
    band = bands(curve, POINT)
    assert set(band["status"]) == {"failed: seed 1: too few rows", "ok"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": [5, 5]}, "sizes must rise from 1 identities or more"),
        ({"sizes": [1], "by": "images"}, "sizes must rise from 2 images or more"),
        ({"sizes": [43]}, "sizes go up to 43 identities, and there are 42 to train on"),
        ({"seeds": [1, 1]}, "seeds must be one or more different numbers"),
        ({"methods": {}}, "no method was given"),
        ({"test_share": 0.0}, "test_share lies between 0 and 1"),
        ({"test_share": 0.01}, "1 of 60 identities would be tested"),
        ({"test": np.arange(180) == 0}, "identity `p00` is tested and trained on"),
        ({"test": np.ones(180, bool)}, "at least 2 identities are tested and one is trained on"),
        ({"image_id": ["a"]}, "180 source rows, 180 target rows, 180 identities and 1 image ids"),
    ],
)
def test_bad_requests_are_refused(change, message):
    x, y, names, ids = world()
    given = {"image_id": ids, "methods": METHODS, "sizes": [5], "seeds": [1]} | change
    with pytest.raises(ValueError, match=message):
        efficiency_curve(x, y, names, **given)


def test_the_most_to_train_on_is_what_is_refused_beyond():
    x, y, names, ids = world()
    most = most_to_train_on(names, [1, 2], 0.3)
    assert most == {"identities": 42, "images": 126}
    fits = {"m": fit_procrustes}
    for by in ("identities", "images"):
        efficiency_curve(x, y, names, ids, fits, [most[by]], [1, 2], by=by)
        with pytest.raises(ValueError, match=f"there are {most[by]} to train on"):
            efficiency_curve(x, y, names, ids, fits, [most[by] + 1], [1, 2], by=by)


def test_sizes_pass_through_the_dimension():
    sizes = sizes_through(128, 420)
    assert {128, 129, 122, 134, 420} <= set(sizes)
    assert sizes == sorted(set(sizes))
    assert sizes_through(128, 50) == [32, 50]
    with pytest.raises(ValueError, match="there are 1"):
        sizes_through(128, 1)


def points(values, **columns):
    return pd.DataFrame(
        {"k": 1, "seed": range(len(values)), "value": values, "status": "ok", "varies": "x"}
        | columns
    )


def test_a_band_is_students_interval_of_the_seeds():
    values = [0.4, 0.5, 0.45, 0.6]
    band = bands(points(values, chance=[0.1, 0.2, 0.1, 0.2]), ["k"]).iloc[0]
    interval = ttest_1samp(values, 0).confidence_interval(0.95)
    assert (band["lower"], band["upper"]) == pytest.approx(tuple(interval))
    assert band["mean"] == pytest.approx(np.mean(values))
    assert band["std"] == pytest.approx(np.std(values))
    assert band["chance"] == pytest.approx(0.15)
    assert (band["seeds"], band["varies"], band["status"]) == (4, "x", "ok")
    assert bands(points([1.0, 0.9]), ["k"]).iloc[0]["upper"] == 1.0


def test_a_failed_seed_is_not_averaged_away():
    curve = points([0.4, np.nan], status=["ok", "failed: it diverged"])
    band = bands(curve, ["k"]).iloc[0]
    assert band["status"] == "failed: seed 1: it diverged"
    assert np.isnan(band["mean"])
    assert bands(points([0.4]), ["k"]).iloc[0]["status"] == (
        "failed: a band needs at least 2 seeds, got 1"
    )


def test_points_that_are_not_told_apart_are_refused():
    with pytest.raises(ValueError, match="seed 0 has two values"):
        bands(pd.concat([points([0.1, 0.2]), points([0.3, 0.4])]), ["k"])
    with pytest.raises(ValueError, match="draw different things"):
        bands(points([0.1, 0.2], varies=["x", "y"]), ["k"])
