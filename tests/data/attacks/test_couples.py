"""Persons of a split are coupled by their likeness, and mean landmarks lie on aligned crops."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.data.attacks.aligned import FIVE_POINTS, template_points
from unispace.data.attacks.couples import chosen_pictures, couples, likeness, morph_seed, only
from unispace.data.studio.faces_landmarks import FACE_RING, LANDMARKS
from unispace.errors import UserError


def listing(persons=6, pictures=3, splits=("train", "test")):
    rows = [
        (f"{split}/{p}/{k}.png", f"{split}-{p}", split, "ab"[k % 2])
        for split in splits
        for p in range(persons)
        for k in range(pictures)
    ]
    return pd.DataFrame(rows, columns=["image_id", "label", "split", "pose"])


def side(first, second):
    """On which side of the first the second points."""
    return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]


def test_the_five_published_points_are_kept_and_grow_with_the_crop():
    small, large = template_points(112), template_points(224)
    for name, place in FIVE_POINTS.items():
        assert small[LANDMARKS.index(name)] == pytest.approx(place)
    np.testing.assert_allclose(large, 2 * small)
    assert (small > 0).all()
    assert (small < 112).all()


def test_the_outline_goes_once_around_all_features_below_the_hair():
    points = template_points(112)
    ring = points[[LANDMARKS.index(name) for name in FACE_RING]]
    along = np.roll(ring, -1, 0) - ring
    assert (
        side(along, np.roll(along, -1, 0)) < 0
    ).all()  # convex, so a point is inside where it is on one side of every edge
    for name in LANDMARKS[LANDMARKS.index("brow_inner_left") :]:
        point = points[LANDMARKS.index(name)]
        assert (side(along, point - ring) < 0).all(), name


@given(st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_couples_are_disjoint_and_no_two_would_rather_be_one(n, seed):
    alike = np.random.default_rng(seed).random((n, n))
    alike = (alike + alike.T) / 2
    found = couples(alike)
    assert len(found) == n // 2
    assert len(set(found.ravel())) == found.size
    own = {int(p): alike[i, j] for i, j in found for p in (i, j)}
    for i in range(n):
        for j in range(i + 1, n):
            assert alike[i, j] <= max(own.get(i, -1), own.get(j, -1)) or [i, j] in found.tolist()


def test_likeness_is_a_correlation_of_coarse_brightness():
    rng = np.random.default_rng(3)
    pictures = rng.integers(0, 120, (3, 28, 28, 3), dtype=np.uint8)
    pictures[1] = pictures[0] + 100  # brighter: as alike as can be
    pictures[2] = 200 - pictures[0]
    alike = likeness(pictures)
    coarse = pictures.astype(float).sum(-1).reshape(3, 14, 2, 14, 2).mean((2, 4)).reshape(3, -1)
    np.testing.assert_allclose(alike, np.corrcoef(coarse), atol=1e-6)
    assert alike[0, 1] == pytest.approx(1)
    assert alike[0, 2] == pytest.approx(-1)
    assert likeness(np.full((2, 33, 33, 3), 7, np.uint8)).tolist() == [[0, 0], [0, 0]]


def test_a_crop_whose_side_does_not_divide_is_averaged_over_all_its_pixels():
    picture = np.zeros((2, 31, 31, 3), np.uint8)
    picture[:, 30, 30] = 255  # the last pixel alone
    assert likeness(picture)[0, 1] == pytest.approx(1)


def test_pictures_are_chosen_by_split_and_person_and_depend_on_the_seed():
    rows = listing()
    chosen = chosen_pictures(rows, seed=1, persons=4, pictures=2)
    assert (chosen.groupby("split")["label"].nunique() == 4).all()
    assert (chosen.groupby("label").size() == 2).all()
    shuffled = rows.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(chosen, chosen_pictures(shuffled, 1, 4, 2))
    assert set(chosen_pictures(rows, 2, 4, 2)["image_id"]) != set(chosen["image_id"])
    # More persons and pictures leave those that were there.
    assert set(chosen["image_id"]) <= set(chosen_pictures(rows, 1, 5, 3)["image_id"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": ""}, "the manifest names no split for train/0/0.png"),
        ({"split": "val"}, "has `train-0` in 2 splits"),
    ],
)
def test_splits_that_divide_persons_are_refused(change, message):
    rows = listing()
    rows.loc[0, list(change)] = list(change.values())
    with pytest.raises(UserError, match=message):
        chosen_pictures(rows, 0, 4, 2)


def test_a_split_of_one_person_is_refused():
    rows = pd.concat([listing(), listing(1, 2, ("val",))], ignore_index=True)
    with pytest.raises(UserError, match="split `val` has one person alone"):
        chosen_pictures(rows, 0, 4, 2)


def test_a_seed_belongs_to_one_morph():
    seeds = {
        morph_seed(*which)
        for which in [
            (0, "a", "b", "splice"),
            (1, "a", "b", "splice"),
            (0, "b", "a", "splice"),
            (0, "a", "b", "complete"),
            (0, "ab", "", "splice"),
        ]
    }
    assert len(seeds) == 5
    assert all(0 <= seed < 2**62 for seed in seeds)


def test_only_what_is_asked_for_is_taken():
    rows = listing()
    assert set(only(rows, ["pose=a"])["pose"]) == {"a"}
    assert len(only(rows, ["identity_or_class=train-0", "identity_or_class=train-1"])) == 6
    assert len(only(rows, ["pose=b", "split=train"])) == 6
    assert only(rows, []) is rows


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (["frontal"], "write COLUMN=VALUE"),
        (["posse=a"], "no column `posse`; did you mean `pose`"),
        (["split=tets"], "no image has it; did you mean `test`"),
        (["split=train", "identity_or_class=test-0"], "no image meets split=train and"),
    ],
)
def test_conditions_that_mean_nothing_are_refused(conditions, message):
    with pytest.raises(UserError, match=message):
        only(listing(), conditions)
