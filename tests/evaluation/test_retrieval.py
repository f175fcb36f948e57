"""Examples of retrieval: which queries, which lists."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unispace.evaluation.identification import search
from unispace.evaluation.retrieval import choose_queries, retrieve

IDENTITY = [f"p{i // 4}" for i in range(24)] + ["alone"]
IMAGE = [f"{p}/{i}" for i, p in enumerate(IDENTITY)]


def clouds(seed, spread=1.0):
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(25, 5))
    return target + spread * rng.normal(size=target.shape), target


@given(st.permutations(range(25)))
@settings(max_examples=20)
def test_queries_do_not_depend_on_the_order_of_rows(order):
    chosen = [IMAGE[q] for q in choose_queries(IDENTITY, IMAGE)]
    again = choose_queries([IDENTITY[i] for i in order], [IMAGE[i] for i in order])
    assert [IMAGE[order[q]] for q in again] == chosen


def test_queries_are_of_different_persons_with_two_images():
    rows = choose_queries(IDENTITY, IMAGE, 99)
    assert sorted(IDENTITY[r] for r in rows) == [f"p{i}" for i in range(6)]


def test_a_query_stays_when_others_come():
    few = choose_queries(IDENTITY[:12], IMAGE[:12], 99)
    assert set(few) <= set(choose_queries(IDENTITY, IMAGE, 99))


def test_nobody_with_two_images_is_told():
    with pytest.raises(ValueError, match="none of 2 identities has two images"):
        choose_queries(["a", "b"], ["1", "2"])
    with pytest.raises(ValueError, match="2 identities for 1 images"):
        choose_queries(["a", "b"], ["1"])


@given(st.integers(0, 50), st.permutations(range(25)))
@settings(max_examples=20)
def test_lists_do_not_depend_on_the_order_of_rows(seed, order):
    probe, target = clouds(seed)
    queries = choose_queries(IDENTITY, IMAGE)
    there = [order.index(q) for q in queries]
    again = retrieve(
        probe[order], target[order], [IDENTITY[i] for i in order], [IMAGE[i] for i in order],
        np.array(there),
    )  # fmt: skip
    pd.testing.assert_frame_equal(again, retrieve(probe, target, IDENTITY, IMAGE, queries))


@given(st.integers(0, 50))
@settings(max_examples=20)
def test_the_first_match_has_the_rank_that_identification_gives_it(seed):
    probe, target = clouds(seed, 2.0)
    queries = choose_queries(IDENTITY, IMAGE)
    codes = pd.factorize(np.array(IDENTITY))[0]
    expected = search(probe[queries], target, codes[queries], codes, exclude=queries)
    table = retrieve(probe, target, IDENTITY, IMAGE, queries, depth=99)
    assert set(table["rank"]) == set(range(25))
    hits = table[(table["rank"] > 0) & table["correct"]].groupby("query", sort=False)["rank"]
    assert hits.min().tolist() == expected.rank.tolist()
    assert (table["found"] == 3).all()


def test_scores_are_cosines_and_fall_and_the_own_image_is_not_listed():
    probe, target = clouds(0)
    (query,) = queries = choose_queries(IDENTITY, IMAGE, 1)
    table = retrieve(probe, target, IDENTITY, IMAGE, queries, depth=7)
    listed = table[1:]
    assert table["image_id"][0] == IMAGE[query]
    assert np.isnan(table["score"][0])
    assert len(listed) == 7
    assert IMAGE[query] not in set(listed["image_id"])
    assert (np.diff(listed["score"]) <= 0).all()
    for row in listed.to_dict("records"):
        other = target[IMAGE.index(row["image_id"])]
        cosine = probe[query] @ other / np.linalg.norm(probe[query]) / np.linalg.norm(other)
        assert row["score"] == pytest.approx(cosine, abs=1e-6)
        assert row["correct"] == (row["identity"] == IDENTITY[query])
    assert (table["found"] == listed["correct"].sum()).all()
    assert (table["gallery"] == 24).all()


def test_equal_scores_count_against_us():
    queries = choose_queries(IDENTITY, IMAGE, 1)
    same = np.ones((25, 3))
    table = retrieve(same, same, IDENTITY, IMAGE, queries, depth=24)
    assert table["correct"][1:].tolist() == [False] * 21 + [True] * 3


def test_what_can_be_found_is_what_there_is_or_what_the_list_holds():
    probe, target = clouds(1)
    queries = choose_queries(IDENTITY, IMAGE, 1)
    for depth, findable in ((2, 2), (10, 3)):
        table = retrieve(probe, target, IDENTITY, IMAGE, queries, depth)
        assert (table["findable"] == findable).all()


def test_bad_input_is_told():
    probe, target = clouds(0)
    queries = choose_queries(IDENTITY, IMAGE)
    with pytest.raises(ValueError, match="at least one entry, got 0"):
        retrieve(probe, target, IDENTITY, IMAGE, queries, 0)
    with pytest.raises(ValueError, match="24 probes and 25 gallery vectors"):
        retrieve(probe[1:], target, IDENTITY, IMAGE, queries)
