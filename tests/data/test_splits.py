"""Splits and selections: whole, disjoint, and deaf to what comes or goes."""

import hashlib
import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.data import splits
from unispace.data.splits import fractions, hash_fraction, select, split_by_hash

KEYS = st.lists(st.text(min_size=1, max_size=6), max_size=40)
SHARES = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda s: (s[0], min(s[1], 1 - s[0])))


@given(st.text(), st.text())
def test_the_fraction_is_the_head_of_sha256(key, salt):
    digest = hashlib.sha256(salt.encode() + b"\0" + key.encode()).hexdigest()
    place = hash_fraction(key, salt)
    assert 0 <= place < 1
    assert place == pytest.approx(int(digest[:16], 16) / 16**16, abs=1e-15)


@given(KEYS)
def test_fractions_are_those_of_the_keys_in_order(keys):
    assert fractions(keys).tolist() == [hash_fraction(key) for key in keys]


@given(KEYS, st.integers(1, 5), st.integers(1, 3), st.text(max_size=3))
def test_pieces_leave_no_trace(keys, rows, distinct, salt):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splits, "_ROWS", rows)
        patch.setattr(splits, "_KEYS", distinct)
        assert fractions(keys, salt).tolist() == [hash_fraction(key, salt) for key in keys]


@pytest.mark.parametrize(
    "column",
    [
        lambda keys: pd.Series(keys, dtype="str"),
        lambda keys: pd.Series(keys, dtype=object, index=range(9, 9 + len(keys))),
        lambda keys: pd.Series(keys, dtype="category"),
        lambda keys: pd.concat(
            [pd.Series(keys[:2], dtype="str"), pd.Series(keys[2:], dtype="str")]
        ),
        lambda keys: pd.Index(keys),
        lambda keys: np.array(keys),
        lambda keys: tuple(keys),
        lambda keys: iter(keys),
    ],
    ids=["str", "object", "category", "chunks", "index", "numpy", "tuple", "iterator"],
)
def test_any_column_of_texts_will_do(column):
    keys = ["b", "a", "b", "", "é图", "a b"]
    assert fractions(column(keys)).tolist() == [hash_fraction(key) for key in keys]


@pytest.mark.parametrize("keys", [["a", None], pd.Series(["a", None, "b"], dtype="str")])
def test_empty_keys_are_refused(keys):
    with pytest.raises(ValueError, match=rf"1 of {len(keys)} keys are empty"):
        split_by_hash(keys, 0.5, 0.1)


@given(st.lists(st.text(min_size=1, max_size=6), unique=True, max_size=40), SHARES, st.randoms())
def test_splits_are_disjoint_exhaustive_and_deaf_to_order(keys, shares, random):
    parts = {name: set() for name in ("train", "val", "test")}
    for key, part in zip(keys, split_by_hash(keys, *shares), strict=True):
        parts[part].add(key)
    assert sum(map(len, parts.values())) == len(keys)
    assert set().union(*parts.values()) == set(keys)
    mixed = random.sample(keys, len(keys))
    assert all(
        key in parts[part] for key, part in zip(mixed, split_by_hash(mixed, *shares), strict=True)
    )


@given(KEYS, SHARES)
def test_each_key_is_in_one_split(keys, shares):
    split = split_by_hash(keys, *shares)
    assert len(split) == len(keys)
    assert set(split) <= {"train", "val", "test"}
    assert len({(key, part) for key, part in zip(keys, split, strict=True)}) == len(set(keys))


@given(KEYS, KEYS, SHARES)
def test_a_key_keeps_its_split_when_others_come(keys, more, shares):
    together = split_by_hash([*more, *keys], *shares)
    assert together[len(more) :].tolist() == split_by_hash(keys, *shares).tolist()


@pytest.mark.parametrize(("train", "val"), [(0.5, 0.1), (0.7, 0.3), (0.2, 0.0), (0.0, 0.4)])
def test_shares_are_met_and_no_split_comes_of_nothing(train, val):
    split = split_by_hash([f"person-{i}" for i in range(20_000)], train, val)
    for name, share in (("train", train), ("val", val), ("test", 1 - train - val)):
        # Four standard deviations of a binomial share.
        slack = 4 * np.sqrt(share * (1 - share) / 20_000)
        assert np.mean(split == name) == pytest.approx(share, abs=slack + 1e-9)


def test_a_larger_train_share_only_adds_to_train():
    keys = [str(i) for i in range(500)]
    small = set(np.array(keys)[split_by_hash(keys, 0.3, 0.1) == "train"])
    large = set(np.array(keys)[split_by_hash(keys, 0.5, 0.1) == "train"])
    assert small < large


def test_another_salt_gives_another_split():
    keys = [str(i) for i in range(500)]
    same = np.mean(split_by_hash(keys, 0.5, 0.0) == split_by_hash(keys, 0.5, 0.0, "other"))
    assert 0.4 < same < 0.6


ROWS = st.lists(
    st.tuples(st.sampled_from("abcdefg"), st.sampled_from(["train", "test"])), max_size=40
)


def listing(rows):
    return pd.DataFrame(
        {
            "image_id": [f"{label}/{i}" for i, (label, _) in enumerate(rows)],
            "label": pd.Series([label for label, _ in rows], dtype=str),
            "split": pd.Series([split for _, split in rows], dtype=str),
        }
    )


def smallest(keys, count):
    """The keys whose SHA-256 is smallest, re-derived."""
    return set(sorted(keys, key=lambda k: hashlib.sha256(b"\0" + k.encode()).digest())[:count])


LIMIT = st.none() | st.integers(1, 5)


@given(ROWS, st.integers(1, 4), LIMIT, LIMIT)
def test_a_selection_is_what_its_limits_say(rows, least, max_labels, max_images):
    table = listing(rows)
    # From the definition: labels with enough images; of these, in each split, those of the smallest hashes;
    # of each of these, in each split, the images of the smallest hashes.
    counts = table["label"].value_counts()
    expected = []
    for split in ("train", "test"):
        part = table[(table["split"] == split) & (table["label"].map(counts) >= least)]
        labels = smallest(set(part["label"]), max_labels if max_labels else len(part))
        for label in labels:
            images = set(part.loc[part["label"] == label, "image_id"])
            expected += smallest(images, max_images if max_images else len(images))
    kept = select(table, least, max_labels, max_images)
    assert set(kept["image_id"]) == set(expected)
    order = [image for image in table["image_id"] if image in set(expected)]
    assert kept["image_id"].tolist() == order
    assert kept.index.tolist() == list(range(len(kept)))


def test_without_limits_everything_is_kept():
    table = listing([("a", "train"), ("b", "test"), ("a", "test")])
    pd.testing.assert_frame_equal(select(table, 1, None, None), table)


@given(ROWS, ROWS, st.integers(1, 3))
def test_new_labels_take_places_and_bring_no_old_ones_back(rows, more, limit):
    before = select(listing(rows), 1, limit, None)
    after = select(listing([*rows, *more]), 1, limit, None)
    for split in ("train", "test"):
        was = set(before.loc[before["split"] == split, "label"])
        new = {label for label, part in more if part == split}
        assert set(after.loc[after["split"] == split, "label"]) <= was | new


@given(ROWS, ROWS, st.integers(1, 3))
def test_new_images_take_places_and_bring_no_old_ones_back(rows, more, limit):
    before = select(listing(rows), 1, None, limit)
    after = select(listing([*rows, *more]), 1, None, limit)
    old = set(listing(rows)["image_id"])
    assert set(after["image_id"]) & old <= set(before["image_id"])


@pytest.mark.slow
def test_a_million_images_are_split_and_chosen_in_seconds():
    count, people = 1_000_000, 50_000
    number = np.random.default_rng(0).integers(0, people, count)
    label = pd.Series([f"person-{i:06d}" for i in range(people)], dtype="str").take(number)
    label = label.reset_index(drop=True)
    table = pd.DataFrame(
        {"image_id": label + "/" + pd.Series(range(count)).astype("str"), "label": label}
    )
    started = time.process_time()
    table["split"] = split_by_hash(table["label"], 0.5, 0.1)
    by_image = split_by_hash(table["image_id"], 0.5, 0.1)
    kept = select(table, 18, 10_000, 5)
    # About ten times what it takes.
    assert time.process_time() - started < 30
    for row in range(0, count, 99_991):
        for split, key in (
            (table["split"][row], label[row]),
            (by_image[row], table["image_id"][row]),
        ):
            place = hash_fraction(key)
            assert split == ("train" if place < 0.5 else "val" if place < 0.6 else "test")
    assert kept.groupby(["split", "label"]).size().max() == 5
    assert kept.groupby("split")["label"].nunique().max() == 10_000
    assert label.value_counts().reindex(kept["label"].unique()).min() >= 18


@pytest.mark.slow
def test_many_keys_are_never_objects_of_python_together():
    keys = pd.Series(range(300_000)).astype("str") + "/image.jpg"
    tracemalloc.start()
    try:
        split_by_hash(keys, 0.5, 0.1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Arrays of numbers and one piece of keys; all keys in a list would take 20 million bytes more.
    assert peak < 25e6
