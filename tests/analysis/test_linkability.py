"""D_sys against its definition and theory, and leaks between planted databases."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm, ortho_group

from unispace.alignment.maps import fit_linear, fit_procrustes, fit_ridge
from unispace.alignment.space import unit_rows
from unispace.analysis.leaks import (
    COLUMNS,
    leak_curve,
    leaks_through,
    most_that_leak,
    smallest_leak,
)
from unispace.analysis.linkability import Linkage

ATTACKS = {
    "procrustes": fit_procrustes,
    "linear": fit_linear,
    "ridge": partial(fit_ridge, alpha=0.1),
}


def by_definition(mated, other, bins, prior=1.0):
    """Histograms and the likelihood ratio, bin by bin."""
    low, high = min(mated.min(), other.min()), max(mated.max(), other.max())
    edges = np.linspace(low, high, bins + 1)
    ours, theirs = (np.histogram(s, edges)[0] / len(s) for s in (mated, other))
    total = 0.0
    for p, q in zip(ours, theirs, strict=True):
        if p > 0:
            linked = 1.0 if q == 0 else 2 * (prior * p / q) / (1 + prior * p / q) - 1
            total += p * max(linked, 0.0)
    return total


def scores(shift, people=40, each=2, seed=0):
    """Scores that are normal, those of mates higher by `shift`."""
    draws = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), each)
    table = draws.normal(size=(len(who), len(who)))
    return table + shift * (who[:, None] == who), who


@given(st.integers(0, 2**16), st.floats(0, 4), st.integers(2, 40), st.floats(0.1, 5))
def test_d_sys_is_that_of_the_definition(seed, shift, bins, prior):
    table, who = scores(shift, people=12, seed=seed)
    mate = who[:, None] == who
    found = Linkage.of(table, who, who, bins, prior).d_sys()
    assert found == pytest.approx(by_definition(table[mate], table[~mate], bins, prior), abs=0.02)
    assert 0 <= found <= 1
    moved = Linkage.of(8 * table - 3, who, who, bins, prior).d_sys()
    assert moved == pytest.approx(found, abs=0.02)


@pytest.mark.parametrize("shift", [0.5, 1.5, 3.0])
def test_d_sys_of_normal_scores_is_that_of_theory(shift):
    table, who = scores(shift, people=1500, each=1)

    def linked(s):
        ours, theirs = norm.pdf(s - shift), norm.pdf(s)
        return ours * max((ours - theirs) / (ours + theirs), 0)

    theory = quad(linked, -8, 8 + shift, points=[shift / 2])[0]
    assert Linkage.of(table, who, who, 40).d_sys() == pytest.approx(theory, abs=0.03)


def test_scores_that_never_meet_are_wholly_linkable_and_equal_ones_not_at_all():
    table, who = scores(0)
    far = np.where(who[:, None] == who, 10.0, 0.0) + 0.1 * np.tanh(table)
    assert Linkage.of(far, who, who).d_sys() == 1
    assert Linkage.of(np.ones_like(table), who, who).d_sys() == 0


def test_without_a_link_it_is_what_shuffled_identities_give():
    values, chances = [], []
    for seed in range(30):
        table, who = scores(0, people=25, seed=seed)
        linkage = Linkage.of(table, who, who, 20)
        values.append(linkage.d_sys())
        chances.append(linkage.shuffled(np.random.default_rng(seed), 20))
    assert np.mean(values) > 0.05
    assert np.mean(values) == pytest.approx(np.mean(chances), abs=0.01)


def test_shuffled_identities_keep_no_mate():
    table, who = scores(9.0)
    linkage = Linkage.of(table, who, who, 10)
    rng = np.random.default_rng(0)
    assert linkage.d_sys() > 0.9
    # Were one mate kept, its score alone would be in the top bins.
    assert linkage.shuffled(rng, 50) < 0.1


def test_the_expansion_is_the_derivative_by_multiplicities():
    table, who = scores(1.0, people=10, each=3)
    linkage = Linkage.of(table, who, who, 8)
    mate = who[:, None] == who

    def weighted(weight):
        w = np.where(mate, weight[who][:, None], weight[who][:, None] * weight[who])
        ours = np.bincount(linkage.bin[mate], w[mate], 8) / w[mate].sum()
        theirs = np.bincount(linkage.bin[~mate], w[~mate], 8) / w[~mate].sum()
        part = (ours - theirs) / np.where(ours + theirs > 0, ours + theirs, 1)
        return np.sum(ours * np.maximum(part, 0))

    step = 1e-6
    for person in range(10):
        ends = []
        for move in (step, -step):
            weight = np.ones(10)
            weight[person] += move
            ends.append(weighted(weight))
        slope = (ends[0] - ends[1]) / (2 * step)
        assert linkage._influence()[person] == pytest.approx(slope, abs=1e-6)


def test_intervals_are_as_wide_as_values_of_fresh_people_spread():
    values, widths = [], []
    for seed in range(60):
        draws = np.random.default_rng(seed)
        who = np.arange(60)
        # Some people are linked well and some badly.
        table = scores(0, people=60, each=1, seed=seed)[0] + np.diag(3 * draws.uniform(size=60))
        measure = Linkage.of(table, who, who, 6).measure(200, 5, draws)
        assert measure.chance < measure.value
        values.append(measure.value)
        widths.append((measure.upper - measure.lower) / 3.92)
    assert np.mean(widths) / np.std(values) == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"second": np.arange(80)}, "identity 40 is in one of the two databases alone"),
        ({"bins": 1}, "at least 2 bins, got 1"),
        ({"prior": 0.0}, "must be positive, got 0"),
        ({"scores": np.full((80, 80), np.nan)}, "a score is not finite"),
        ({"scores": np.zeros((80, 2))}, r"scores \(80, 2\) for 80 and 80 identities"),
    ],
)
def test_bad_scores_are_refused(change, message):
    table, who = scores(1.0)
    with pytest.raises(ValueError, match=message):
        Linkage.of(**({"scores": table, "first": who, "second": who} | change))


def test_a_single_identity_has_nobody_to_be_told_from():
    linkage = Linkage.of(np.eye(3), np.zeros(3, int), np.zeros(3, int))
    assert np.isnan(linkage.d_sys())
    measure = linkage.measure(40, 5, np.random.default_rng(0))
    assert measure.status == "failed: an interval needs at least 2 clusters to resample, got 1"


D = 16


def databases(related=True, people=60, each=4, d_b=D, seed=0, noise=0.05):
    """Templates of two models: a rotation apart with noise, or independent."""
    draws = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), each)
    x = draws.normal(size=(people, D))[who] + noise * draws.normal(size=(people * each, D))
    turn = ortho_group.rvs(max(D, d_b), random_state=draws)[:D, :d_b]
    y = x @ turn + noise * draws.normal(size=(people * each, d_b))
    if not related:
        y = draws.normal(size=(people, d_b))[who] + noise * draws.normal(size=(len(who), d_b))
    return unit_rows(x), unit_rows(y), [f"p{i:02}" for i in who]


LEAKS = [0, 4, D, 2 * D, 80]


@pytest.fixture(scope="module")
def linked():
    return leak_curve(*databases(), ATTACKS, LEAKS, [1, 2, 3])


@pytest.fixture(scope="module")
def unlinked():
    return leak_curve(*databases(related=False), ATTACKS, LEAKS, [1, 2, 3])


def mean(curve, metric, column="value", **where):
    rows = curve[curve["metric"] == metric]
    for name, value in where.items():
        rows = rows[rows[name] == value]
    assert len(rows)
    return rows[column].mean()


@pytest.mark.parametrize("secret", [False, True])
def test_a_rotation_is_learnt_from_leaked_pairs_and_unknown_without(linked, secret):
    for method in ATTACKS:
        after = partial(mean, linked, secret=secret, method=method, leaked=80)
        assert after("Rank-1") > 0.95
        assert after("AUC") > 0.95
        assert after("D_sys") > 0.8
    before = partial(mean, linked, secret=secret, leaked=0)
    assert before("AUC") == pytest.approx(0.5, abs=0.1)
    assert before("Rank-1") < 0.25
    # The histogram's bias is all that there is.
    assert before("D_sys") == pytest.approx(before("D_sys", "chance"), abs=0.1)


def test_procrustes_needs_as_many_pairs_as_dimensions(linked):
    smallest = smallest_leak(linked, "Rank-1", 0.9).set_index(["method", "secret"])
    for secret in (False, True):
        assert D <= smallest.loc[("procrustes", secret), "leaked"] <= 2 * D


def test_independent_databases_are_not_linked_by_any_leak(unlinked):
    for method in ATTACKS:
        here = partial(mean, unlinked, method=method, leaked=80)
        assert here("AUC") == pytest.approx(0.5, abs=0.08)
        assert here("Rank-1") == pytest.approx(here("Rank-1", "chance"), abs=0.08)
        assert here("D_sys") == pytest.approx(here("D_sys", "chance"), abs=0.08)
    found = smallest_leak(unlinked, "Rank-1", 0.9)
    assert (
        found["status"]
        .str.startswith("failed: not reached with up to 80 pairs, where the mean is 0.0")
        .all()
    )
    assert (found["reached"] == 0).all()
    assert found[["leaked", "lower", "upper"]].isna().all(axis=None)


@pytest.mark.parametrize("d_b", [D, 24, 11])
def test_a_secret_rotation_changes_no_cosine_of_a_fitted_map(d_b):
    curve = leak_curve(*databases(d_b=d_b, noise=0.4), ATTACKS, [4, 80], [1, 2])
    key = ["method", "seed", "leaked", "metric"]
    plain, secret = (curve[curve["secret"] == s].set_index(key)["value"] for s in (False, True))
    for method in ATTACKS:
        # Fewer pairs than dimensions leave a part of a Procrustes rotation to chance.
        pairs = [80] if method == "procrustes" else [4, 80]
        rows = (method, slice(None), pairs)
        np.testing.assert_allclose(
            secret.sort_index().loc[rows], plain.sort_index().loc[rows], atol=0.02
        )


def test_shared_coordinates_link_without_a_leak_and_a_secret_rotation_stops_that():
    x, _, names = databases()
    curve = leak_curve(x, x, names, {}, [0], [1, 2, 3])
    assert set(curve["method"]) == {"baseline"}
    assert mean(curve, "Rank-1", secret=False) > 0.95
    assert mean(curve, "AUC", secret=True) == pytest.approx(0.5, abs=0.12)


def test_the_two_databases_hold_no_image_in_common_and_leaks_are_nested():
    x, y, names = databases()
    names, seen = np.array(names), []

    def spy(ours, theirs):
        rows = [
            [int(np.flatnonzero((side == v).all(axis=1))[0]) for v in part]
            for side, part in ((x, ours), (y, theirs))
        ]
        seen.append(rows)
        return fit_procrustes(ours, theirs)

    curve = leak_curve(x, y, names.tolist(), {"spy": spy}, [10, 42, 84], [5], secrets=[False])
    small, middle, large = seen
    for part in (0, 1):
        assert large[part][:42] == middle[part]
        assert middle[part][:10] == small[part]
    assert not set(large[0]) & set(large[1])
    assert (names[large[0]] == names[large[1]]).all()
    # 42 identities leak, each once before any leaks twice; 18 are tested
    assert len(set(names[middle[0]])) == len(set(names[large[0]])) == 42
    assert sorted(set(curve["identities"])) == [10, 42]
    assert curve[curve["metric"] == "D_sys"]["n"].tolist() == [36 * 36] * 3
    assert curve[curve["metric"] == "Rank-1"]["n"].tolist() == [36] * 3
    assert list(curve.columns) == COLUMNS


def test_the_same_seeds_give_the_same_bits():
    one, two = (leak_curve(*databases(), ATTACKS, [0, 20], [3]) for _ in range(2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_a_map_that_cannot_be_fitted_is_a_failed_row():
    def refuse(ours, theirs):
        if len(ours) < 10:
            raise ValueError("too few pairs")
        return fit_procrustes(ours, theirs)

    curve = leak_curve(*databases(), {"m": refuse}, [0, 4, 20], [1], secrets=[False])
    assert (curve[curve["leaked"] == 4]["status"] == "failed: too few pairs").all()
    assert curve[curve["leaked"] == 4]["value"].isna().all()
    found = smallest_leak(curve, "D_sys", 0.5)
    assert found["status"].tolist() == ["failed: 4 pairs, seed 1: too few pairs"]


def test_templates_that_point_nowhere_are_failed_rows():
    x, _, names = databases()
    curve = leak_curve(np.ones_like(x), x, names, ATTACKS, [0, 8], [1])
    assert curve["status"].str.startswith("failed: ").all()
    assert curve["value"].isna().all()
    assert set(curve["method"]) == {"baseline", *ATTACKS}


def test_what_can_leak_is_what_is_refused_beyond():
    x, y, names = databases()
    most = most_that_leak(names, [1, 2])
    assert most == 42 * 2
    assert leaks_through(D, most) == [0, 2, 4, 8, 16, 24, 32, 64, 84]
    leak_curve(x, y, names, {}, [most], [1, 2])
    with pytest.raises(ValueError, match="85 pairs cannot leak"):
        leak_curve(x, y, names, {}, [most + 1], [1, 2])
    with pytest.raises(ValueError, match="there are 1"):
        leaks_through(D, 1)


def test_the_smallest_leak_is_that_from_which_on_all_reach_the_level():
    curve = pd.DataFrame(
        [
            {"method": "m" if k else "baseline", "secret": False, "seed": seed, "leaked": k,
             "metric": "AUC", "value": value, "status": "ok"}
            for seed, values in ((1, [0.1, 0.9, 0.2, 0.8, 0.9]), (2, [0.1, 0.1, 0.9, 0.9, 0.9]))
            for k, value in zip([0, 2, 4, 8, 16], values, strict=True)
        ]
    )  # fmt: skip
    row = smallest_leak(curve, "AUC", 0.7).iloc[0]
    assert (row["leaked"], row["lower"], row["upper"], row["reached"], row["seeds"]) == (
        8,
        4,
        8,
        2,
        2,
    )
    row = smallest_leak(curve, "AUC", 0.5).iloc[0]
    assert (row["leaked"], row["lower"], row["upper"]) == (2, 4, 8)
    row = smallest_leak(curve.replace({"value": {0.8: 0.5}}), "AUC", 0.9).iloc[0]
    assert (row["leaked"], row["lower"], row["upper"]) == (16, 4, 16)
    with pytest.raises(ValueError, match="`EER` is not in the curve; it has D_sys, Rank-1, AUC"):
        smallest_leak(curve, "EER", 0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"leaked": [1, 4]}, "must rise from 0, or from 2, without 1"),
        ({"leaked": [4, 4]}, "must rise from 0"),
        ({"leaked": [4, 500]}, "500 pairs cannot leak: with seed 1 there are 84, of 42 identities"),
        ({"seeds": []}, "seeds must be one or more different values"),
        ({"secrets": [True, True]}, "secrets must be one or more different values"),
        ({"attacks": {"baseline": fit_procrustes}}, "cannot name an attack"),
        ({"identity": ["a"]}, "240 rows of A, 240 of B and 1 identities"),
        ({"identity": [str(i) for i in range(240)]}, "of 0 identities with two images"),
        ({"test_share": 1.5}, "test_share lies between 0 and 1"),
    ],
)
def test_bad_requests_are_refused(change, message):
    x, y, names = databases()
    given = {"identity": names, "attacks": ATTACKS, "leaked": [4], "seeds": [1]} | change
    with pytest.raises(ValueError, match=message):
        leak_curve(x, y, **given)
