"""Leave-one-attack-out: no subject and not the attack in training."""

import numpy as np
import pytest

from unispace.data.protocols.attacks import leave_one_attack_out, train_subjects


def world(subjects=40):
    """Each subject with two bona fide images and one of each of three attacks."""
    rows = [
        (kind, f"s{i}")
        for i in range(subjects)
        for kind in ("live", "live", "print", "replay", "mask")
    ]
    label = ["live" if kind == "live" else "spoof" for kind, _ in rows]
    return label, [subject for _, subject in rows], [kind for kind, _ in rows]


def test_each_attack_is_left_out_once_and_no_subject_is_in_both_lists():
    label, subject, attack = world()
    lists = leave_one_attack_out(label, subject, attack, bona_fide="live")
    assert [found.attack for found in lists] == ["mask", "print", "replay"]
    for found in lists:
        learnt = {subject[i] for i in found.train}
        tested = {subject[i] for i in found.test}
        assert learnt | tested == set(subject)
        assert not learnt & tested
        assert {attack[i] for i in found.train} == {"live", "mask", "print", "replay"} - {
            found.attack
        }
        assert {attack[i] for i in found.test} == {"live", found.attack}
        # All that the definition allows is there: 4 of 5 images of a train subject, 3 of a test one.
        assert (len(found.train), len(found.test)) == (4 * len(learnt), 3 * len(tested))


def test_a_subject_keeps_its_side_when_others_come():
    label, subject, attack = world()
    whole = leave_one_attack_out(label, subject, attack, bona_fide="live")[0]
    part = leave_one_attack_out(label[:100], subject[:100], attack[:100], bona_fide="live")[0]
    assert part.train.tolist() == [i for i in whole.train if i < 100]
    assert part.test.tolist() == [i for i in whole.test if i < 100]


def test_a_morph_of_subjects_of_both_sides_is_in_no_list():
    subject = [f"s{i}" for i in range(30) for _ in range(30)]
    second = [f"s{j}" for _ in range(30) for j in range(30)]
    alone, _ = train_subjects([f"s{i}" for i in range(30)], 0.5)
    train, test = train_subjects(subject, 0.5, second)
    for row in range(900):
        one, other = alone[row // 30], alone[row % 30]
        assert train[row] == (one and other)
        assert test[row] == (not one and not other)
    lone, _ = train_subjects(["s1", "s2"], 0.5, ["", ""])
    assert lone.tolist() == alone[1:3].tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bona_fide": "real"}, "no image has the label 'real'"),
        ({"share": 1.0}, "share of train subjects lies between 0 and 1, got 1"),
        ({"attack": ["live", "print", ""]}, "image 2 is an attack that names no kind"),
        ({"attack": ["live", "print", "print"]}, "takes two kinds of them, got print"),
        ({"attack": ["live"]}, "3 labels, 3 subjects and 1 attacks"),
        ({"second": ["a"]}, "1 second subjects for 3 images"),
        ({}, "without 'print' there is no (bona fide image|attack) to (learn from|test on)"),
    ],
)
def test_lists_that_cannot_be_are_refused(change, message):
    arguments = {
        "label": ["live", "spoof", "spoof"],
        "subject": ["a", "a", "a"],
        "attack": ["live", "print", "replay"],
        "bona_fide": "live",
        **change,
    }
    with pytest.raises(ValueError, match=message):
        leave_one_attack_out(**arguments)


def test_lists_are_of_rows():
    label, subject, attack = world(6)
    for found in leave_one_attack_out(label, subject, attack, bona_fide="live"):
        for rows in (found.train, found.test):
            assert (np.diff(rows) > 0).all()
