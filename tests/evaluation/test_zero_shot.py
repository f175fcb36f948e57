"""Images named by texts: planted directions, of which it is known who wins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unispace.evaluation.zero_shot import name_images, zero_shot


def planted(rng, wrong=0, classes=5, images=8, width=12):
    """Prompts, images around them, and their labels; the first `wrong` images of each class lie at another prompt."""
    prompts = np.linalg.qr(rng.normal(size=(width, classes)))[0].T
    label = np.repeat(np.arange(classes), images)
    shown = np.where(np.arange(len(label)) % images < wrong, (label + 1) % classes, label)
    noise = rng.normal(size=(len(label), width))
    noise *= 0.3 / np.linalg.norm(noise, axis=1, keepdims=True)
    return prompts, prompts[shown] + noise, label, shown


@pytest.mark.parametrize("wrong", [0, 2, 8])
def test_accuracy_is_what_was_planted(wrong):
    rng = np.random.default_rng(wrong)
    prompts, vectors, label, shown = planted(rng, wrong)
    assert name_images(vectors, prompts, np.arange(5)).tolist() == shown.tolist()
    top, balanced = zero_shot(vectors, label, prompts, np.arange(5), 100, rng)
    assert (top.metric, balanced.metric) == ("top-1", "balanced-accuracy")
    assert top.value == balanced.value == 1 - wrong / 8
    assert top.chance == balanced.chance == 0.2
    assert top.n == 40


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_the_nearest_prompt_by_cosine_wins(seed):
    rng = np.random.default_rng(seed)
    vectors, prompts = rng.normal(size=(20, 4)), rng.normal(size=(6, 4))
    labels = rng.permutation(6) - 2
    expected = []
    for vector in vectors:
        cosines = [vector @ p / np.linalg.norm(vector) / np.linalg.norm(p) for p in prompts]
        expected.append(labels[int(np.argmax(cosines))])
    assert name_images(vectors, prompts, labels).tolist() == expected


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_what_clip_and_siglip_learn_for_their_logits_changes_no_name(seed):
    rng = np.random.default_rng(seed)
    prompts, vectors, _, _ = planted(rng)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for scale, bias in ((100, 0), (117.3, -12.9)):
        logits = unit @ prompts.T * scale + bias
        assert name_images(vectors, prompts, np.arange(5)).tolist() == logits.argmax(1).tolist()


def test_images_behind_all_prompts_still_get_the_nearest():
    prompts = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert name_images(
        np.array([[-1.0, -0.2], [-0.2, -1.0]]), prompts, np.array([7, 3])
    ).tolist() == [3, 7]


def test_prompts_of_absent_classes_take_no_part():
    rng = np.random.default_rng(0)
    prompts, vectors, label, _ = planted(rng)
    there = label < 3
    decoy = np.vstack(
        [prompts, vectors[there].mean(0, keepdims=True)]
    )  # nearer to many than their own
    found = zero_shot(vectors[there], label[there], decoy, np.arange(6), 100, rng)
    assert [m.value for m in found] == [1, 1]
    assert [m.chance for m in found] == pytest.approx([1 / 3, 1 / 3])


def test_prompts_that_do_not_cover_the_images_are_refused():
    rng = np.random.default_rng(0)
    prompts, vectors, label, _ = planted(rng)
    with pytest.raises(ValueError, match="label 4 has no prompt"):
        zero_shot(vectors, label, prompts[:4], np.arange(4), 100, rng)
    with pytest.raises(ValueError, match="a class has two prompts"):
        name_images(vectors, prompts, np.array([0, 1, 2, 3, 3]))
