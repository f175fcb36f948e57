"""RSA and CKA against their definitions; intervals against brute force and against fresh data."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group, spearmanr

from unispace.alignment.space import unit_rows
from unispace.analysis.representation import MOST, Representation, compare_representations
from unispace.evaluation.bootstrap import draw

METRICS = ("RSA", "CKA", "CKA-debiased")


def compared(x, y, identity, resamples=100, seed=0):
    people = len(np.unique(identity))
    weight = draw(max(people, 2), resamples, np.random.default_rng(seed))[:, :people]
    found = compare_representations(
        Representation.of(x, identity), Representation.of(y, identity), weight
    )
    assert tuple(measure.metric for measure in found) == METRICS
    return dict(zip(METRICS, found, strict=True))


def related(rng, n, d=6, noise=1.0):
    """Two models that share half of what they know of n images."""
    shared = rng.normal(size=(n, d))
    return [shared + noise * rng.normal(size=(n, d)) for _ in range(2)]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def hsic_by_definition(k, low):
    """The U-statistic over all fours of different images, summed one by one."""
    fours = list(permutations(range(len(k)), 4))
    return np.mean(
        [
            k[i, j] * low[i, j] + k[i, j] * low[q, r] - 2 * k[i, j] * low[i, q]
            for i, j, q, r in fours
        ]
    )


def cka_by_definition(x, y, hsic):
    k, low = (unit(v) @ unit(v).T for v in (x, y))
    return hsic(k, low) / np.sqrt(hsic(k, k) * hsic(low, low))


def hsic_centred(k, low):
    h = np.eye(len(k)) - 1 / len(k)
    return np.trace(h @ k @ h @ low)


@pytest.mark.parametrize("seed", range(3))
def test_values_are_those_of_the_definitions(seed):
    rng = np.random.default_rng(seed)
    x, y = related(rng, 7)
    y = y[:, :4]
    found = compared(x, y, np.repeat(np.arange(4), 2)[:7])
    upper = np.triu_indices(7, 1)
    rho = spearmanr(*(1 - (unit(v) @ unit(v).T)[upper] for v in (x, y))).statistic
    assert found["RSA"].value == pytest.approx(rho, abs=1e-6)
    assert found["CKA"].value == pytest.approx(cka_by_definition(x, y, hsic_centred), abs=1e-6)
    assert found["CKA-debiased"].value == pytest.approx(
        cka_by_definition(x, y, hsic_by_definition), abs=1e-6
    )
    assert [found[m].n for m in METRICS] == [21, 7, 7]


def test_equal_similarities_share_their_rank():
    # Many equal cosines: vectors of few different directions.
    rng = np.random.default_rng(4)
    x, y = (rng.integers(0, 2, size=(20, 3)) + 1.0 for _ in range(2))
    upper = np.triu_indices(20, 1)
    # As the module sees them, to the last bit: rounding would part equal ones.
    cosines = [unit_rows(v).astype(float) for v in (x, y)]
    rho = spearmanr(*(1 - (v @ v.T)[upper] for v in cosines)).statistic
    assert compared(x, y, np.arange(20))["RSA"].value == pytest.approx(rho, abs=1e-9)


@given(st.integers(0, 2**16), st.integers(4, 9), st.floats(0.1, 50))
def test_rotation_scale_of_rows_and_order_change_nothing(seed, n, scale):
    rng = np.random.default_rng(seed)
    x, y = related(rng, n)
    who = rng.permutation(np.arange(n) // 2)
    turned = scale * x @ ortho_group.rvs(6, random_state=rng)
    before, after = compared(x, y, who), compared(y, turned, who)
    order = rng.permutation(n)
    shuffled = compared(x[order], y[order], who[order])
    for metric in METRICS:
        for other in (after, shuffled):
            if before[metric].status != "ok":
                assert other[metric].status == before[metric].status
                continue
            assert other[metric].value == pytest.approx(before[metric].value, abs=2e-4)
            assert other[metric].lower == pytest.approx(before[metric].lower, abs=2e-3)


def test_a_model_is_wholly_like_itself_in_another_basis():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 8))
    turned = x @ ortho_group.rvs(8, random_state=rng)
    for measure in compared(x, turned, np.arange(60) // 3).values():
        assert measure.value == pytest.approx(1, abs=1e-5)
        assert measure.lower == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("n", [5, 6])
def test_chance_is_the_mean_over_all_orders_of_the_images(n):
    x, y = related(np.random.default_rng(n), n)
    who = np.arange(n)
    found = [compared(x, y[list(order)], who, 40) for order in permutations(range(n))]
    for metric in METRICS:
        values = [f[metric].value for f in found]
        assert np.mean(values) == pytest.approx(found[0][metric].chance, abs=1e-6)


def test_unrelated_data_are_at_chance_where_the_biased_number_is_high():
    # n < d: papers of the field warn of it.
    rng = np.random.default_rng(1)
    found = [
        compared(rng.normal(size=(32, 64)), rng.normal(size=(32, 64)), np.arange(32), 40)
        for _ in range(200)
    ]
    for metric in METRICS:
        values = np.array([f[metric].value for f in found])
        error = values.std() / np.sqrt(len(values))
        chance = np.mean([f[metric].chance for f in found])
        assert abs(values.mean() - chance) < 4 * error
    assert np.mean([f["CKA"].value for f in found]) > 0.6
    assert abs(np.mean([f["CKA-debiased"].value for f in found])) < 0.01


def influence(x, y, identity, metric):
    """The derivative by each multiplicity, read off resamples in which one of them is another."""
    people = len(np.unique(identity))
    one = np.ones((people + 40, people), int)
    one[np.arange(people), np.arange(people)] = 2
    found = compare_representations(
        Representation.of(x, identity), Representation.of(y, identity), one
    )
    measure = found[METRICS.index(metric)]
    return measure.samples[:people] - measure.value


def weighted_rho(x, y, identity, weight):
    """Spearman's rho with weighted mid-ranks, by loops over the pairs."""
    first, second = np.triu_indices(len(x), 1)
    a, b = identity[first], identity[second]
    v = np.where(a == b, weight[a], weight[a] * weight[b])
    v = v / v.sum()
    values = [(unit(m) @ unit(m).T)[first, second] for m in (x, y)]
    ranks = [
        ((s[:, None] > s[None]) + 0.5 * (s[:, None] == s[None])).astype(float) @ v for s in values
    ]
    centred = [r - v @ r for r in ranks]
    return (v @ (centred[0] * centred[1])) / np.sqrt((v @ centred[0] ** 2) * (v @ centred[1] ** 2))


def test_the_expansion_of_rsa_is_the_derivative_by_multiplicities():
    rng = np.random.default_rng(2)
    x, y = related(rng, 20)
    who = np.arange(20) % 8
    found = influence(x, y, who, "RSA")
    step = 1e-5
    for person in range(8):
        up, down = np.ones(8), np.ones(8)
        up[person] += step
        down[person] -= step
        slope = (weighted_rho(x, y, who, up) - weighted_rho(x, y, who, down)) / (2 * step)
        assert found[person] == pytest.approx(slope, abs=1e-5)


@pytest.mark.parametrize("metric", ["CKA", "CKA-debiased"])
def test_the_expansion_of_cka_is_that_of_leaving_one_identity_out(metric):
    rng = np.random.default_rng(3)
    x, y = related(rng, 24)
    who = rng.permutation(np.repeat(np.arange(8), 3))
    left_out = np.array(
        [compared(x[who != p], y[who != p], who[who != p])[metric].value for p in range(8)]
    )
    expected = (left_out.mean() - left_out) * np.sqrt(7 / 8)
    np.testing.assert_allclose(influence(x, y, who, metric), expected, atol=2e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_intervals_are_as_wide_as_values_of_fresh_people_spread(metric):
    rng = np.random.default_rng(5)
    values, widths = [], []
    mix = rng.normal(size=(6, 6))
    for seed in range(60):
        people, each = 40, 2
        who = np.repeat(np.arange(people), each)
        base = rng.normal(size=(people, 6))[who]
        x, y = (base + 0.6 * rng.normal(size=(people * each, 6)) for _ in range(2))
        measure = compared(x, y @ mix, who, 200, seed)[metric]
        values.append(measure.value)
        widths.append((measure.upper - measure.lower) / (2 * 1.96))
    assert np.mean(widths) / np.std(values) == pytest.approx(1, abs=0.3)


def test_a_person_drawn_twice_makes_no_similar_pair():
    """The samples follow those of brute force with weights; copies as rows of their own lie above them."""
    rng = np.random.default_rng(6)
    x, y = related(rng, 60, d=3, noise=0.5)
    who = np.arange(60)
    weight = draw(60, 60, rng)
    first, second = Representation.of(x, who), Representation.of(y, who)
    measure = compare_representations(first, second, weight)[0]
    brute = np.array([weighted_rho(x, y, who, w) for w in weight])
    assert np.corrcoef(brute, measure.samples)[0, 1] > 0.95
    assert measure.samples.std() / brute.std() == pytest.approx(1, abs=0.1)
    assert abs(np.mean(brute - measure.samples)) < 0.1 * brute.std()
    copied = []
    for w in weight:
        rows = np.repeat(np.arange(60), w[who])
        upper = np.triu_indices(len(rows), 1)
        copied.append(spearmanr(*((unit(v[rows]) @ unit(v[rows]).T)[upper] for v in (x, y)))[0])
    above = np.array(copied) - brute
    assert above.mean() > 4 * above.std() / np.sqrt(len(above))


def test_one_identity_has_no_interval_and_says_so():
    x, y = related(np.random.default_rng(0), 8)
    for measure in compared(x, y, np.zeros(8, int)).values():
        assert measure.status == (
            "failed: an interval needs at least 2 identities to resample, got 1"
        )


def test_two_identities_of_two_images_leave_too_few_for_debiased_cka():
    x, y = related(np.random.default_rng(0), 4)
    found = compared(x, y, [0, 0, 1, 1])
    assert found["RSA"].status == "ok"
    assert "too few images are left" in found["CKA-debiased"].status


def test_images_that_are_all_equally_similar_have_no_order():
    x = np.eye(8)
    y = np.random.default_rng(0).normal(size=(8, 8))
    found = compared(x, y, np.arange(8))
    assert "equally similar" in found["RSA"].status
    assert "equally similar" in found["CKA-debiased"].status
    assert found["CKA"].status == "ok"


@pytest.mark.parametrize(
    ("vectors", "identity", "message"),
    [
        (np.ones((3, 2)), [0, 1, 2], "3 images; representations are compared on 4 to 5000"),
        (np.ones((MOST + 1, 1)), range(MOST + 1), "5001 images"),
        (np.eye(5), range(4), "5 vectors for 4 identities"),
        (np.ones((5, 2)), range(5), "all 5 vectors have one direction"),
        (np.eye(5)[:, :4], range(5), "row 4 is zero"),
    ],
)
def test_bad_images_are_refused(vectors, identity, message):
    with pytest.raises(ValueError, match=message):
        Representation.of(vectors, list(identity))


def test_other_images_and_other_resamples_are_refused():
    x, y = related(np.random.default_rng(0), 8)
    first, second = Representation.of(x, np.arange(8)), Representation.of(y, np.arange(8) // 2)
    weight = draw(8, 40, np.random.default_rng(0))
    with pytest.raises(ValueError, match="on the same images"):
        compare_representations(first, second, weight)
    with pytest.raises(ValueError, match=r"for 8 identities; draw them with bootstrap\.draw"):
        compare_representations(first, first, weight[:, :4])
