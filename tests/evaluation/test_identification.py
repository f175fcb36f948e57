"""Exact search and CMC against brute force."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from unispace.evaluation.bootstrap import TooFewClusters, wilson_interval
from unispace.evaluation.identification import Ranking, identify, search
from unispace.evaluation.similarity import cosine_blocks

quick = settings(
    deadline=None, max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck)
)

# Search


def brute_search(scores, probe_identity, gallery_identity):
    """Walk down every list, wrong entries first among equals."""
    ranks, precisions = [], []
    for row, name in zip(scores.tolist(), probe_identity.tolist(), strict=True):
        walk = sorted(
            zip(row, (gallery_identity == name).tolist(), strict=True),
            key=lambda e: (-e[0], e[1]),
        )
        found, precision = 0, []
        for place, (_, correct) in enumerate(walk, start=1):
            if correct:
                found += 1
                precision.append(found / place)
                if found == 1:
                    ranks.append(place)
        precisions.append(sum(precision) / found)
    return ranks, precisions


@quick
@given(st.integers(0, 10**6), st.integers(1, 4), st.booleans())
def test_search_is_a_walk_down_the_list(seed, identities, ties):
    rng = np.random.default_rng(seed)
    gallery_identity = rng.permutation(np.append(np.arange(identities), rng.integers(0, 6, 12)))
    probe_identity = rng.integers(0, identities, 9)
    # Unit vectors along axes give scores that are exactly 1, 0 or -1.
    make = (
        (lambda n: np.eye(3)[rng.integers(0, 3, n)] * rng.choice([-1, 1], (n, 1)))
        if ties
        else (lambda n: rng.normal(size=(n, 3)))
    )
    probe, gallery = make(9), make(len(gallery_identity))
    found = search(probe, gallery, probe_identity, gallery_identity)
    scores = (probe / np.linalg.norm(probe, axis=1)[:, None]) @ (
        gallery / np.linalg.norm(gallery, axis=1)[:, None]
    ).T
    ranks, precisions = brute_search(scores, probe_identity, gallery_identity)
    assert found.rank.tolist() == ranks
    np.testing.assert_allclose(found.average_precision, precisions, atol=1e-12)
    assert found.entries.tolist() == [len(gallery_identity)] * 9
    assert found.mates.tolist() == [np.sum(gallery_identity == name) for name in probe_identity]


def test_average_precision_is_sklearns_without_ties():
    rng = np.random.default_rng(0)
    probe, gallery = rng.normal(size=(20, 5)), rng.normal(size=(60, 5))
    probe_identity, gallery_identity = rng.integers(0, 4, 20), rng.integers(0, 4, 60)
    found = search(probe, gallery, probe_identity, gallery_identity)
    unit = gallery / np.linalg.norm(gallery, axis=1)[:, None]
    for vector, name, precision in zip(probe, probe_identity, found.average_precision, strict=True):
        expected = average_precision_score(gallery_identity == name, unit @ vector)
        assert precision == pytest.approx(expected, abs=1e-9)


def test_a_collapsed_model_ranks_last():
    identity = np.repeat(np.arange(5), 2)
    found = search(np.ones((10, 4)), np.ones((10, 4)), identity, identity)
    assert found.rank.tolist() == [9] * 10
    np.testing.assert_allclose(found.average_precision, (1 / 9 + 2 / 10) / 2)


@pytest.mark.parametrize("block", [1, 64, 100, 10**6])
def test_the_block_size_changes_no_rank(block):
    rng = np.random.default_rng(0)
    probe, gallery = rng.normal(size=(150, 6)), rng.normal(size=(90, 6))
    names = rng.integers(0, 9, 150), rng.integers(0, 9, 90)
    exclude = rng.integers(-1, 90, 150)
    one, other = (search(probe, gallery, *names, *size, exclude=exclude) for size in ((), (block,)))
    np.testing.assert_array_equal(one.rank, other.rank)
    np.testing.assert_array_equal(one.average_precision, other.average_precision)


def test_an_excluded_entry_is_not_there():
    rng = np.random.default_rng(0)
    vectors, identity = rng.normal(size=(40, 6)), np.repeat(np.arange(10), 4)
    found = search(vectors, vectors, identity, identity, exclude=np.arange(40))
    for i in range(40):
        rest = np.delete(np.arange(40), i)
        alone = search(vectors[[i]], vectors[rest], identity[[i]], identity[rest])
        assert found.rank[i] == alone.rank[0]
        assert found.average_precision[i] == pytest.approx(alone.average_precision[0])
    everyone = search(vectors, vectors, identity, identity, exclude=np.full(40, -1))
    assert (everyone.rank == 1).all()  # its own image


@quick
@given(st.integers(0, 10**6), st.booleans(), st.booleans(), st.sampled_from([None, 1, 3, 40]))
def test_blocks_of_probes_give_each_bit_that_a_loop_over_probes_gives(seed, ties, cameras, depth):
    rng = np.random.default_rng(seed)
    people, size = rng.integers(1, 5), rng.integers(20, 200)
    names = rng.integers(0, people, 70), np.append(np.arange(people), rng.integers(0, 6, size))
    probe, gallery = (rng.normal(size=(len(side), 3)) for side in names)
    if ties:
        probe, gallery = np.sign(probe), np.sign(gallery)
    exclude = rng.integers(-1, len(gallery), 70)
    camera = (rng.integers(0, 9, 70), rng.integers(0, 9, len(gallery))) if cameras else None
    left_out = np.arange(len(gallery)) == exclude[:, None]
    correct = names[0][:, None] == names[1]
    if camera is not None:
        left_out |= correct & (camera[0][:, None] == camera[1])
    kept = (correct & ~left_out).any(axis=1)
    assume(kept.any())
    probe, who, exclude = probe[kept], names[0][kept], exclude[kept]
    camera = None if camera is None else (camera[0][kept], camera[1])
    found = search(probe, gallery, who, names[1], 64, exclude=exclude, camera=camera, depth=depth)
    (_, scores), *_ = cosine_blocks(probe, gallery, 70)
    for i, (row, mine, out) in enumerate(zip(scores, correct[kept], left_out[kept], strict=True)):
        mates = np.sort(row[mine & ~out])[::-1]
        ranks = np.array([k + np.sum(row[~mine & ~out] >= s) for k, s in enumerate(mates, 1)])
        share = np.arange(1, len(mates) + 1) / ranks
        seen = share if depth is None else share[ranks <= depth]
        assert found.rank[i] == ranks[0]
        assert found.average_precision[i] == (np.mean(seen) if len(seen) else 0.0)
        assert (found.entries[i], found.mates[i]) == (np.sum(~out), len(mates))


def test_unusable_searches_are_refused():
    vectors = np.random.default_rng(0).normal(size=(6, 3))
    identity = np.arange(6)
    with pytest.raises(ValueError, match="probe 4 of identity 4 has no correct entry"):
        search(vectors, vectors[:4], identity, identity[:4])
    with pytest.raises(ValueError, match="probe 0 of identity 0 has no correct entry"):
        search(vectors, vectors, identity, identity, exclude=identity)
    with pytest.raises(ValueError, match="6 gallery vectors for 5 identities"):
        search(vectors, vectors, identity, identity[:5])
    with pytest.raises(ValueError, match="exclude names 2 rows for 6 probes"):
        search(vectors, vectors, identity, identity, exclude=np.arange(2))


# Measures


def ranking(ranks, gallery_size=100):
    ranks = np.array(ranks)
    n = len(ranks)
    return Ranking(ranks, 1 / ranks, np.full(n, gallery_size), np.ones(n, int))


def test_rank_k_and_cmc_count_probes():
    rng = np.random.default_rng(0)
    ranks, people = rng.integers(1, 30, 200), rng.integers(0, 40, 200)
    measures, cmc = identify(ranking(ranks), people, (1, 5), 20, resamples=100, rng=rng)
    named = {measure.metric: measure for measure in measures}
    assert list(named) == ["Rank-1", "Rank-5", "mAP"]
    assert named["Rank-5"].value == pytest.approx(np.mean(ranks <= 5))
    assert named["mAP"].value == pytest.approx(np.mean(1 / ranks))
    for measure in measures:
        assert (measure.n, measure.unit, measure.status) == (200, "identity", "ok")
        assert measure.lower < measure.value < measure.upper
    assert cmc.rank.tolist() == list(range(1, 21))
    np.testing.assert_allclose(cmc.value, [np.mean(ranks <= k) for k in range(1, 21)])
    assert (cmc.lower < cmc.value).all()
    assert (cmc.value < cmc.upper).all()
    assert (cmc.value[4], cmc.lower[4], cmc.upper[4]) == (
        named["Rank-5"].value,
        named["Rank-5"].lower,
        named["Rank-5"].upper,
    )


def test_the_cmc_ends_with_the_gallery_and_a_trivial_rank_is_refused():
    rng = np.random.default_rng(0)
    ranks = rng.integers(1, 6, 60)
    measures, cmc = identify(
        ranking(ranks, 5), np.repeat(np.arange(20), 3), (1, 5, 10), resamples=50, rng=rng
    )
    assert cmc.rank.tolist() == [1, 2, 3, 4, 5]
    assert cmc.value[-1] == 1
    assert [measure.status for measure in measures] == [
        "ok",
        "failed: Rank-5 is 1 by construction in a gallery of 5",
        "failed: Rank-10 is 1 by construction in a gallery of 5",
        "ok",
    ]


def test_perfect_ranks_keep_an_interval_on_identities():
    people = np.repeat(np.arange(12), 5)
    measures, cmc = identify(
        ranking([1] * 60), people, (1,), 3, resamples=50, rng=np.random.default_rng(0)
    )
    for measure in measures:
        assert (measure.lower, measure.upper) == wilson_interval(1.0, 12)
    assert cmc.lower.tolist() == [wilson_interval(1.0, 12)[0]] * 3


def test_unusable_rankings_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="2 identities for 3 probes"):
        identify(ranking([1, 2, 3]), np.arange(2), resamples=50, rng=rng)
    with pytest.raises(ValueError, match="ranks start at 1"):
        identify(ranking([1, 2, 3]), np.arange(3), (0, 1), resamples=50, rng=rng)
    with pytest.raises(TooFewClusters, match="at least 2 clusters"):
        identify(ranking([1, 2, 3]), np.zeros(3, int), resamples=50, rng=rng)


# Exclusions, cuts and chance


def test_entries_of_the_probes_identity_and_camera_are_not_there():
    rng = np.random.default_rng(0)
    probe, gallery = rng.normal(size=(30, 6)), rng.normal(size=(50, 6))
    names = np.repeat(np.arange(5), 6), np.tile(np.arange(5), 10)
    camera = rng.choice(["a", "b"], 30), np.append(["a", "b"] * 5, rng.choice(["a", "b"], 40))
    found = search(probe, gallery, *names, camera=camera, block=7)
    for i in range(30):
        rest = ~((names[1] == names[0][i]) & (camera[1] == camera[0][i]))
        alone = search(probe[[i]], gallery[rest], names[0][[i]], names[1][rest])
        assert found.rank[i] == alone.rank[0]
        assert found.average_precision[i] == pytest.approx(alone.average_precision[0])
        assert (found.entries[i], found.mates[i]) == (alone.entries[0], alone.mates[0])
    with pytest.raises(ValueError, match="30 and 3 cameras for 30 probes and 50 entries"):
        search(probe, gallery, *names, camera=(camera[0], camera[1][:3]))


@quick
@given(st.integers(0, 10**6), st.integers(1, 14))
def test_a_cut_average_precision_is_the_mean_over_the_hits_before_the_cut(seed, depth):
    rng = np.random.default_rng(seed)
    probe, gallery = rng.normal(size=(9, 3)), rng.normal(size=(12, 3))
    names = rng.integers(0, 3, 9), np.append(np.arange(3), rng.integers(0, 3, 9))
    found = search(probe, gallery, *names, depth=depth)
    for i in range(9):
        order = np.argsort(-(gallery / np.linalg.norm(gallery, axis=1)[:, None]) @ probe[i])
        hits = [r for r, entry in enumerate(order, start=1) if names[1][entry] == names[0][i]]
        seen = [k / r for k, r in enumerate(hits, start=1) if r <= depth]
        expected = sum(seen) / len(seen) if seen else 0.0
        assert found.average_precision[i] == pytest.approx(expected)
        assert found.rank[i] == hits[0]
    with pytest.raises(ValueError, match="cut at rank 1 or later, got 0"):
        search(probe, gallery, *names, depth=0)


@pytest.mark.parametrize("depth", [None, 5])
def test_random_vectors_reach_what_chance_foretells(depth):
    rng = np.random.default_rng(0)
    totals = {"Rank-1": [], "Rank-5": [], "mAP": []}
    expected = {}
    for _ in range(30):
        vectors, people = rng.normal(size=(60, 8)), np.repeat(np.arange(15), 4)
        # Probes and entries of unrelated vectors: nothing to be found.
        found = search(rng.normal(size=(60, 8)), vectors, people, people, depth=depth)
        measures, _ = identify(found, people, (1, 5), resamples=50, rng=rng)
        for measure in measures:
            totals[measure.metric].append(measure.value)
            expected[measure.metric] = measure.chance
    assert expected["Rank-1"] == pytest.approx(4 / 60)
    for metric, values in totals.items():
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        assert np.mean(values) == pytest.approx(expected[metric], abs=4 * error)


def test_a_rank_that_wrong_entries_cannot_fill_is_refused():
    ranks = np.ones(40, int)
    found = Ranking(ranks, 1 / ranks, np.full(40, 12), np.full(40, 8))
    measures, _ = identify(
        found, np.repeat(np.arange(10), 4), (4, 5), resamples=50, rng=np.random.default_rng(0)
    )
    assert measures[0].status == "ok"
    assert measures[1].status == "failed: Rank-5 is 1 by construction in a gallery of 12"
    assert measures[1].chance == 1
