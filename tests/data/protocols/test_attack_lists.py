"""Leave-one-attack-out: the attack is in nothing that is learnt from, and splits stay as they are."""

import numpy as np
import pytest

from unispace.data.protocols.attacks import leave_one_attack_out

KINDS = ("bona_fide", "bona_fide", "print", "replay", "mask")


def world(parts=("train", "train", "val", "test")):
    """One subject in each part, with two bona fide images and one of each of three attacks."""
    return list(KINDS) * len(parts), [part for part in parts for _ in KINDS]


def test_each_attack_is_left_out_of_train_and_val_and_tested_alone():
    label, split = world()
    lists = leave_one_attack_out(label, split)
    assert [found.attack for found in lists] == ["mask", "print", "replay"]
    for found in lists:
        for part, rows in (("train", found.train), ("val", found.val)):
            expected = [
                i for i in range(len(label)) if split[i] == part and label[i] != found.attack
            ]
            assert rows.tolist() == expected
        assert {label[i] for i in found.test} == {"bona_fide", found.attack}
        assert found.test.tolist() == [
            i
            for i in range(len(label))
            if split[i] == "test" and label[i] in ("bona_fide", found.attack)
        ]


def test_another_split_may_be_tested_and_what_is_missing_is_an_empty_list():
    label, split = world(("train", "fold", "held_out"))
    found = leave_one_attack_out(label, split, "fold")[0]
    assert (len(found.train), len(found.val), len(found.test)) == (4, 0, 3)


def test_kinds_that_only_a_test_split_has_are_left_out_of_nothing():
    label, split = [*world()[0], "deepfake"], [*world()[1], "test"]
    assert "deepfake" not in [found.attack for found in leave_one_attack_out(label, split)]


@pytest.mark.parametrize(
    ("label", "split", "message"),
    [
        (["bona_fide"], ["train", "test"], "1 labels and 2 splits"),
        (["bona_fide", "print"], ["train", "train"], "takes two kinds .* got print"),
        (["bona_fide", "print"], ["train", "test"], "takes two kinds .* got none"),
    ],
)
def test_lists_that_cannot_be_are_refused(label, split, message):
    with pytest.raises(ValueError, match=message):
        leave_one_attack_out(label, split)


def test_lists_are_of_rising_rows():
    for found in leave_one_attack_out(*world()):
        for rows in (found.train, found.val, found.test):
            assert (np.diff(rows) > 0).all()
