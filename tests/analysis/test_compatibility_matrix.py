"""The matrix of compatibility, its dendrogram and centrality, and what is tested on it, on planted families."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from unispace.analysis.associations import (
    asymmetry,
    cluster_agreement,
    family_structure,
    separability_relation,
)
from unispace.analysis.compatibility import Compatibility, centrality, dendrogram

FAMILY = {"a": "face", "b": "face", "c": "base", "d": "base", "e": "tuned", "f": "tuned"}


def table(value, models, samples=None):
    """Ordered pairs as rows, with intervals of 0.1 around them."""
    rows = [
        {
            "source": source,
            "target": target,
            "value": value[i, j],
            "lower": value[i, j] - 0.1,
            "upper": value[i, j] + 0.1,
            **({} if samples is None else {"samples": samples[:, i, j]}),
        }
        for i, source in enumerate(models)
        for j, target in enumerate(models)
        if not np.isnan(value[i, j])
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def planted(within=0.8, between=0.3, spread=0.02, seed=0, family=FAMILY):
    """A matrix whose families are planted."""
    rng = np.random.default_rng(seed)
    names = list(family)
    same = np.array([[family[a] == family[b] for b in names] for a in names])
    value = np.where(same, within, between) + spread * rng.normal(size=same.shape)
    np.fill_diagonal(value, 0.95)
    return Compatibility.of(table(value, names), names)


def rng():
    return np.random.default_rng(1)


def test_cells_stand_where_source_and_target_say():
    value = np.array([[0.9, 0.2, 0.3], [0.4, 0.8, 0.6], [0.7, 0.1, np.nan]])
    matrix = Compatibility.of(table(value, ["x", "y", "z"]), ["z", "x", "y"])
    assert matrix.models == ("z", "x", "y")
    assert matrix.value[1, 2] == 0.2
    assert matrix.value[0, 1] == 0.7
    assert np.isnan(matrix.value[0, 0])
    assert matrix.lower[1, 0] == pytest.approx(0.2)
    assert matrix.symmetric[1, 2] == pytest.approx(0.3)
    assert matrix.samples is None


def test_a_failed_cell_keeps_its_reason_and_leaves_its_model_out():
    value = np.full((4, 4), 0.5)
    pairs = table(value, list("wxyz"))
    pairs["status"] = "ok"
    lost = (pairs["source"] == "x") & (pairs["target"] != "x")
    pairs.loc[lost, ["value", "lower", "upper"]] = np.nan
    pairs.loc[lost, "status"] = "failed: training diverged"
    matrix = Compatibility.of(pairs, list("wxyz"))
    assert matrix.why["x", "w"] == "training diverged"
    left, out = matrix.complete()
    assert left.models == ("w", "y", "z")
    assert out == {"x": "no number for x to w: training diverged"}
    left.need_complete()
    for make in (dendrogram, centrality):
        with pytest.raises(ValueError, match=r"x to w has no number \(training diverged\)"):
            make(matrix)


def test_a_pair_that_was_not_measured_is_named():
    value = np.full((3, 3), 0.5)
    pairs = table(value, list("xyz"))
    pairs = pairs[~((pairs["source"] == "y") & (pairs["target"] == "z"))]
    matrix = Compatibility.of(pairs, list("xyz"))
    assert matrix.why == {("y", "z"): "it was not measured"}


@pytest.mark.parametrize(
    ("change", "models", "message"),
    [
        (lambda t: t.drop(columns="upper"), "xyz", "no column `upper`"),
        (lambda t: pd.concat([t, t[:1]]), "xyz", "stands twice in the table"),
        (lambda t: t, "xy", "`z` is in the table of pairs and not among the models"),
        (lambda t: t.assign(value=40.0), "xyz", r"is 40\.0; a compatibility lies in \[0, 1\]"),
        (lambda t: t, "xxyz", "two or more different models"),
        (lambda t: t.assign(samples=[np.zeros(40 + i) for i in range(9)]), "xyz", "same resamples"),
    ],
)
def test_bad_tables_are_refused(change, models, message):
    pairs = change(table(np.full((3, 3), 0.5), list("xyz")))
    with pytest.raises(ValueError, match=message):
        Compatibility.of(pairs, list(models))


def test_the_tree_is_average_linkage_of_one_minus_the_mean_of_both_directions():
    matrix = planted(spread=0.05)
    tree = dendrogram(matrix)
    # by hand: join the two nearest clusters by their mean distance, again and again
    clusters = {i: [i] for i in range(6)}
    heights = []
    while len(clusters) > 1:
        height, i, j = min(
            (np.mean([tree.distance[a, b] for a in clusters[i] for b in clusters[j]]), i, j)
            for i in clusters
            for j in clusters
            if i < j
        )
        heights.append(height)
        joined = clusters.pop(i) + clusters.pop(j)
        clusters[6 + len(heights)] = joined
    np.testing.assert_allclose(np.sort(tree.linkage[:, 2]), np.sort(heights))
    direct = 1 - (matrix.value + matrix.value.T) / 2
    assert tree.distance[0, 3] == pytest.approx(direct[0, 3])
    assert (np.diagonal(tree.distance) == 0).all()
    assert 0.8 < tree.cophenetic <= 1
    assert sorted(tree.order) == sorted(matrix.models)
    # members of a family are neighbours
    assert all(FAMILY[tree.order[i]] == FAMILY[tree.order[i + 1]] for i in (0, 2, 4))
    with pytest.raises(ValueError, match="6 models cannot make 7 clusters"):
        tree.clusters(7)


def test_the_tree_of_an_ultrametric_is_that_metric():
    value = np.array(
        [[1, 0.9, 0.4, 0.4], [0.9, 1, 0.4, 0.4], [0.4, 0.4, 1, 0.7], [0.4, 0.4, 0.7, 1]]
    )
    tree = dendrogram(Compatibility.of(table(value, list("wxyz")), list("wxyz")))
    np.testing.assert_allclose(np.sort(tree.linkage[:, 2]), [0.1, 0.3, 0.6])
    assert tree.cophenetic == pytest.approx(1)


def test_planted_families_are_found():
    matrix = planted()
    within, between, found = family_structure(matrix, FAMILY, 9999, rng())
    assert within.value == pytest.approx(0.8, abs=0.05)
    assert between.value == pytest.approx(0.3, abs=0.05)
    assert found.measure.value == pytest.approx(within.value - between.value)
    assert within.n + between.n == 15
    # 15 ways to make three pairs of six; only the true one is as good
    assert found.p_value == pytest.approx(1 / 15)
    assert found.permutations == 720
    assert found.measure.lower < 0.5 < found.measure.upper
    assert found.left_out[0] <= found.measure.value <= found.left_out[1]
    agreement = cluster_agreement(matrix, FAMILY, 9999, rng())
    assert agreement.measure.value == 1
    assert agreement.p_value == pytest.approx(1 / 15)


def test_p_values_are_those_of_all_permutations():
    matrix = planted(within=0.5, between=0.45, spread=0.1)
    names = list(FAMILY)
    upper = np.triu_indices(6, 1)

    def gain(order):
        label = [FAMILY[names[i]] for i in order]
        same = np.array([[a == b for b in label] for a in label])[upper]
        both = matrix.symmetric[upper]
        return both[same].mean() - both[~same].mean()

    gains = np.array([gain(order) for order in permutations(range(6))])
    found = family_structure(matrix, FAMILY, 9999, rng())[2]
    assert found.measure.value == pytest.approx(gains[0])
    assert found.p_value == pytest.approx(np.mean(gains >= gains[0] - 1e-12))


def test_families_that_mean_nothing_have_p_values_spread_evenly():
    family = {f"m{i}": "xyz"[i % 3] for i in range(9)}
    values = []
    for seed in range(60):
        matrix = planted(0.5, 0.5, 0.1, seed, family)
        values.append(family_structure(matrix, family, 199, rng())[2].p_value)
    assert 0.35 < np.mean(values) < 0.65
    assert np.mean(np.array(values) <= 0.1) < 0.25
    assert min(values) >= 1 / 200


def test_intervals_of_samples_are_those_of_the_same_number_in_each_resample():
    draws = np.random.default_rng(0)
    names = list(FAMILY)
    value = planted().value
    samples = np.clip(value + 0.02 * draws.normal(size=(100, 1, 1)), 0, 1)
    matrix = Compatibility.of(table(value, names, samples), names)
    assert matrix.samples is not None
    within, _, found = family_structure(matrix, FAMILY, 99, rng())
    assert within.unit == found.measure.unit == "identity"
    # all cells move together, so their difference has no width
    assert found.measure.upper - found.measure.lower < 1e-9 < within.upper - within.lower
    first = centrality(matrix)[0]
    expected = samples[:, 0, 1:].mean(axis=1)
    np.testing.assert_allclose(first.outgoing.samples, expected)
    np.testing.assert_allclose(
        (first.outgoing.lower, first.outgoing.upper), np.quantile(expected, [0.025, 0.975])
    )
    pairs, _ = asymmetry(matrix, dict.fromkeys(names, 8) | {"a": 4}, 99, rng())
    np.testing.assert_allclose(pairs["upper"] - pairs["lower"], 0, atol=1e-9)


def test_too_few_models_and_single_families_fail_with_a_reason():
    two = planted(family={"a": "x", "b": "y"})
    within, between, found = family_structure(two, {"a": "x", "b": "y"}, 99, rng())
    assert found.measure.status == "failed: 2 models, 3 are needed"
    assert np.isnan(found.p_value)
    one = planted(family=dict.fromkeys("abcd", "x"))
    within, between, found = family_structure(one, dict.fromkeys("abcd", "x"), 99, rng())
    assert within.status == "ok"
    assert between.status == "failed: there is no pair of models of two families"
    assert found.measure.status.startswith("failed: there is no pair of models")
    agreement = cluster_agreement(one, dict.fromkeys("abcd", "x"), 99, rng())
    assert agreement.measure.status == ("failed: all models are of one family, or each has its own")
    pair = {"a": "x", "b": "x", "c": "y"}
    found = family_structure(planted(family=pair), pair, 99, rng())[2]
    assert "without a it does not exist" in found.measure.status
    with pytest.raises(ValueError, match="`c` has no family"):
        family_structure(planted(family=pair), {"a": "x", "b": "x"}, 99, rng())


def test_a_good_source_and_a_good_target_are_told_apart():
    value = np.full((5, 5), 0.5)
    value[1, :] += 0.3
    value[:, 2] += 0.2
    names = list("abcde")
    found = {c.model: c for c in centrality(Compatibility.of(table(value, names), names))}
    assert max(found, key=lambda m: found[m].outgoing.value) == "b"
    assert max(found, key=lambda m: found[m].incoming.value) == "c"
    assert found["b"].outgoing.value == pytest.approx((3 * 0.8 + 1.0) / 4)
    assert found["b"].outgoing.n == 4
    assert found["b"].outgoing.unit == "model"
    single = centrality(Compatibility.of(table(np.full((2, 2), 0.5), "ab"), "ab"))
    assert single[0].incoming.status == "failed: there is one other model, so no interval"


@settings(max_examples=20)
@given(st.integers(0, 2**16), st.integers(4, 5))
def test_asymmetry_against_the_dimension_gap_is_spearmans_rho(seed, models):
    draws = np.random.default_rng(seed)
    names = [f"m{i}" for i in range(models)]
    value = draws.uniform(size=(models, models))
    dimension = dict(zip(names, draws.integers(2, 9, models).tolist(), strict=True))
    pairs, found = asymmetry(Compatibility.of(table(value, names), names), dimension, 9999, rng())
    upper = np.triu_indices(models, 1)
    lone = np.abs(value - value.T)[upper]
    width = np.array(list(dimension.values()))
    gap = np.abs(width[:, None] - width)
    np.testing.assert_allclose(pairs["asymmetry"], lone)
    np.testing.assert_allclose(pairs["gap"], gap[upper])
    if len(set(gap[upper])) == 1:
        assert "the same in all pairs" in found.measure.status
        return
    rho = spearmanr(lone, gap[upper]).statistic
    if found.measure.status == "ok":
        assert found.measure.value == pytest.approx(rho)
        values = np.array(
            [
                spearmanr(lone, gap[np.ix_(order, order)][upper]).statistic
                for order in map(list, permutations(range(models)))
            ]
        )
        tail = min(np.mean(values >= rho - 1e-9), np.mean(values <= rho + 1e-9))
        assert found.p_value == pytest.approx(min(1, 2 * tail))
    else:
        assert "no interval, since without" in found.measure.status


def test_a_planted_relation_of_asymmetry_and_gap_is_found():
    draws = np.random.default_rng(3)
    dimension = {f"m{i}": 2 ** (4 + i) for i in range(8)}
    width = np.array(list(dimension.values()))
    value = 0.5 + 0.001 * (width - width[:, None]) / 8 + 0.002 * draws.normal(size=(8, 8))
    names = list(dimension)
    matrix = Compatibility.of(table(np.clip(value, 0, 1), names), names)
    _, found = asymmetry(matrix, dimension, 999, rng())
    assert found.measure.value > 0.8
    assert found.p_value < 0.05
    again = asymmetry(matrix, dimension, 999, rng())[1]
    assert again == found


def test_good_targets_are_those_that_separate_well():
    draws = np.random.default_rng(4)
    names = [f"m{i}" for i in range(9)]
    quality = np.linspace(0.3, 0.9, 9)
    value = np.clip(quality + 0.03 * draws.normal(size=(9, 9)), 0, 1)
    np.fill_diagonal(value, np.nan)
    matrix = Compatibility.of(table(value, names), names)
    own = dict(zip(names, quality, strict=True))
    found = separability_relation(matrix, own, 999, rng())
    assert found.measure.value > 0.9
    assert found.p_value < 0.01
    shuffled = dict(zip(names, quality[[4, 0, 8, 2, 6, 1, 7, 3, 5]], strict=True))
    assert separability_relation(matrix, shuffled, 999, rng()).p_value > 0.05
    with pytest.raises(ValueError, match="`m8` has no number of its own"):
        separability_relation(matrix, own | {"m8": float("nan")}, 99, rng())


def test_sixty_models_take_no_long():
    family = {f"m{i}": f"f{i % 5}" for i in range(60)}
    found = family_structure(planted(family=family), family, 999, rng())[2]
    assert found.p_value == pytest.approx(1 / 1000)
