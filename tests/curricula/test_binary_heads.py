"""Bona fide against attacks: the loss, the labels, balanced batches, and the head that is kept."""

import dataclasses
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from unispace.config.backbones import Preprocessing
from unispace.config.curricula import Curriculum, TrainOn, head_problems
from unispace.config.heads import Head
from unispace.curricula.heads import BinaryHead, build_head
from unispace.curricula.history import History
from unispace.curricula.randomness import balanced_rows
from unispace.curricula.resume import Resume
from unispace.curricula.tasks import load_task, share_labels
from unispace.curricula.training import train
from unispace.errors import UserError

KINDS = ["print", "bona_fide", "replay", "bona_fide", "mask", "bona_fide", "print", "replay"]
SPLITS = ["train", "train", "train", "train", "test", "val", "val", "train"]


def built(outputs="sigmoid", d=6):
    torch.manual_seed(1)
    head = build_head(Head(loss="binary", outputs=outputs), 2, d)
    torch.nn.init.normal_(head.linear.bias)
    draw = torch.Generator().manual_seed(0)
    vectors = torch.randn(9, d, generator=draw) * 3
    return head, vectors, torch.randint(2, (9,), generator=draw)


def logits_by_hand(head, vectors):
    unit = vectors / vectors.square().sum(1, keepdim=True).sqrt()
    weight, bias = head.linear.weight.detach(), head.linear.bias.detach()
    return torch.stack([(unit * weight[k]).sum(1) + bias[k] for k in (0, 1)], 1).double().numpy()


def test_each_output_says_by_itself_whether_it_is_the_true_one():
    head, vectors, labels = built()
    chance = 1 / (1 + np.exp(-logits_by_hand(head, vectors)))
    of_outputs = [log_loss(labels.numpy() == k, chance[:, k], labels=[0, 1]) for k in (0, 1)]
    assert head(vectors, labels).item() == pytest.approx(np.mean(of_outputs), rel=1e-5)


def test_or_both_outputs_say_it_together():
    head, vectors, labels = built("softmax")
    raised = np.exp(logits_by_hand(head, vectors))
    expected = log_loss(labels.numpy(), raised / raised.sum(1, keepdims=True), labels=[0, 1])
    assert head(vectors, labels).item() == pytest.approx(expected, rel=1e-5)


@given(st.floats(0.01, 100))
def test_the_length_of_an_embedding_does_not_count(size):
    head, vectors, labels = built()
    found = head(vectors * size, labels)
    torch.testing.assert_close(found, head(vectors, labels), rtol=1e-4, atol=1e-6)


# --- labels ---


def load(folder, tmp_path, settings=None, **more):
    return load_task(
        "set", folder, settings or TrainOn(), Preprocessing(size=32), tmp_path / "s", **more
    )


@pytest.mark.parametrize("domain", ["pad", "mad"])
def test_all_kinds_of_attack_are_one_label(dataset, tmp_path, domain):
    folder, images = dataset(KINDS, SPLITS, domain=domain)
    task = load(folder, tmp_path, validate=False)
    assert task.head == Head(loss="binary")
    assert task.label_names == ("attack", "bona_fide")
    assert task.labels.tolist() == [0, 1, 0, 1, 0]
    np.testing.assert_array_equal(task.images, images[[0, 1, 2, 3, 7]])


def test_the_val_split_has_the_same_two_labels(dataset, tmp_path):
    splits = ["train", "train", "val", "val", "val", "val", "val", "val"]
    folder, _ = dataset(KINDS, splits, domain="pad")
    task = load(folder, tmp_path, validate=True)
    truth = np.array([kind == "bona_fide" for kind in KINDS[2:]])
    found = task.validation.labels
    assert len(set(found)) == 2
    assert ((found == found[1]) == truth).all()


def test_another_head_keeps_the_kinds_apart(dataset, tmp_path):
    folder, _ = dataset(KINDS, SPLITS, domain="pad")
    task = load(folder, tmp_path, TrainOn(head=Head(loss="softmax")))
    assert task.label_names == ("bona_fide", "print", "replay")


def test_a_shared_head_decides_the_labels_of_those_who_share_it(dataset, tmp_path):
    first, _ = dataset(KINDS, SPLITS, domain="pad", name="first")
    second, _ = dataset(
        [f"other_{k}" if k != "bona_fide" else k for k in KINDS],
        SPLITS,
        domain="mad",
        name="second",
    )
    for loss, count in (("binary", 2), ("softmax", 5)):
        head = Head(loss=loss)
        plan = Curriculum(train_on={"a": {"head": head}, "b": {"share_head_of": "a"}})
        tasks = [
            load_task(
                name,
                folder,
                plan.train_on[name],
                Preprocessing(size=32),
                tmp_path / "s",
                head=plan.head_of(name),
            )
            for name, folder in (("a", first), ("b", second))
        ]
        shared = share_labels(tasks)
        assert [len(task.label_names) for task in shared] == [count, count]
        assert all(task.head == head for task in shared)


def test_a_set_without_bona_fide_images_is_refused(dataset, tmp_path):
    folder, _ = dataset(["live", "print", "live", "print"], ["train"] * 4, domain="pad")
    with pytest.raises(
        UserError, match=r"set: a binary head tells `bona_fide` from .* it holds live, print"
    ):
        load(folder, tmp_path)


def test_a_train_split_of_attacks_alone_is_refused(dataset, tmp_path):
    folder, _ = dataset(["print", "replay", "bona_fide"], ["train", "train", "test"], domain="pad")
    with pytest.raises(
        UserError, match="its train split has one label, attack; training needs two"
    ):
        load(folder, tmp_path)


def test_heads_that_do_not_suit_their_domain_are_refused():
    binary = {"head": {"loss": "binary"}}
    plan = Curriculum(train_on={"faces": binary, "attacks": binary})
    (problem,) = head_problems({"c": plan}, {"faces": "face_hq", "attacks": "pad"})
    assert problem.startswith("curricula.c.train_on.faces.head: `binary` tells bona fide images")
    shared = Curriculum(train_on={"faces": {}, "attacks": {"share_head_of": "faces"}})
    (problem,) = head_problems({"c": shared}, {"faces": "face_hq", "attacks": "pad"})
    assert "of `faces` and `attacks` only one holds attacks" in problem
    both = Curriculum(train_on={"morphs": {}, "attacks": {"share_head_of": "morphs"}})
    assert head_problems({"c": both}, {"morphs": "mad", "attacks": "pad"}) == []


# --- balanced batches ---

counts = st.lists(st.integers(1, 12), min_size=1, max_size=5)


def of_labels(sizes):
    ends = np.cumsum([0, *sizes])
    return [np.arange(a, b) for a, b in pairwise(ends)]


@given(counts, st.integers(1, 20), st.integers(0, 6))
def test_labels_come_equally_often_and_their_rows_too(sizes, batch, steps):
    rows_of = of_labels(sizes)
    drawn = [balanced_rows(rows_of, batch, step, 3, "set") for step in range(steps + 1)]
    assert {len(rows) for rows in drawn} == {batch}
    everything = torch.cat(drawn).tolist()
    seen = Counter(everything)
    for rows in rows_of:
        times = [seen[row] for row in rows.tolist()]
        assert max(times) - min(times) <= 1
    totals = [sum(seen[row] for row in rows.tolist()) for rows in rows_of]
    assert max(totals) - min(totals) <= 1
    assert sum(totals) == len(everything)


def test_a_batch_depends_on_its_number_and_key_alone():
    rows_of = of_labels([3, 40])
    alone = balanced_rows(rows_of, 8, 5, 0, "set")
    for step in range(5):
        balanced_rows(rows_of, 8, step, 0, "set")
    assert torch.equal(balanced_rows(rows_of, 8, 5, 0, "set"), alone)
    others = [balanced_rows(rows_of, 8, 5, seed, name) for seed, name in ((1, "set"), (0, "b"))]
    assert not any(torch.equal(alone, other) for other in others)


# --- training ---


@pytest.fixture
def attacks(coloured):
    """Six attacks for each bona fide image, told by their colour."""
    return coloured("attacks", labels=2, each=12, head=Head(loss="binary"), sampling="balanced")


def test_what_is_learnt_shows_in_the_scores_of_the_head_that_is_kept(
    build, attacks, optimisation, planned, tmp_path
):
    network, settings = build(), optimisation(steps=80, augment=0.1)
    plan = planned([attacks], settings, head_learning_rate=0.1)
    heads = train(network, [attacks], plan, 0, Resume(tmp_path, "key"), History(["attacks"]))
    assert list(heads) == ["attacks"]
    with torch.inference_mode():
        vectors = network.embed(torch.from_numpy(attacks.images))
        scores = heads["attacks"].linear(vectors).softmax(1)[:, 1].numpy()
    genuine = attacks.labels == 1
    assert scores[genuine].min() > scores[~genuine].max()


def test_only_binary_heads_are_kept(build, coloured, attacks, optimisation, planned, tmp_path):
    tasks = [coloured("classes"), attacks]
    plan = planned(tasks, optimisation(steps=1))
    heads = train(build(), tasks, plan, 0, Resume(tmp_path, "key"), History(["classes", "attacks"]))
    assert {name: type(head) for name, head in heads.items()} == {"attacks": BinaryHead}


def test_balanced_batches_hold_as_many_of_each_label(
    build, coloured, optimisation, run, monkeypatch
):
    seen = []
    real = BinaryHead.forward
    monkeypatch.setattr(
        BinaryHead,
        "forward",
        lambda self, x, labels: seen.append(labels.tolist()) or real(self, x, labels),
    )
    task = coloured("attacks", labels=2, each=12, head=Head(loss="binary"))
    # One bona fide image in thirteen.
    keep = np.r_[np.flatnonzero(task.labels == 0), np.flatnonzero(task.labels == 1)[:1]]
    rare = {"images": task.images[keep], "labels": task.labels[keep]}

    for sampling in ("balanced", "uniform"):
        part = dataclasses.replace(task, sampling=sampling, **rare)
        run(build(), [part], optimisation(steps=3), key=sampling)
    assert [sum(labels) for labels in seen[:3]] == [4, 4, 4]
    assert sum(map(sum, seen[3:])) <= 2
