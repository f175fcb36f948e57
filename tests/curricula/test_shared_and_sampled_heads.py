"""Heads that see some of the classes, that serve several data sets, or that are too large."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from unispace.config.curricula import Curriculum, TrainOn
from unispace.config.heads import Head
from unispace.curricula import learner
from unispace.curricula.heads import SampledClasses, build_head, check_memory
from unispace.curricula.tasks import share_labels
from unispace.errors import UserError

LOSSES = ["softmax", "cosface", "arcface", "adaface"]


def sampled(loss, labels=40, seen=10, dimension=6):
    torch.manual_seed(0)
    return build_head(Head(loss=loss, classes_per_step=seen), labels, dimension)


# --- some of the classes ---


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_that_of_a_head_over_the_classes_that_were_chosen(loss):
    head, labels = sampled(loss), torch.tensor([3, 17, 3, 39])
    vectors = torch.randn(4, 6, requires_grad=True)
    torch.manual_seed(5)
    value = head(vectors, labels)
    value.backward()
    chosen = head.W.grad.abs().sum(dim=0).nonzero().flatten()
    assert len(chosen) == 10
    assert {3, 17, 39} <= set(chosen.tolist())
    whole = build_head(Head(loss=loss), 10, 6)
    whole.W.data = head.W.data[:, chosen].clone()
    again = vectors.detach().requires_grad_()
    expected = whole(again, torch.tensor([chosen.tolist().index(n) for n in labels]))
    expected.backward()
    assert value.item() == pytest.approx(expected.item(), rel=1e-6)
    torch.testing.assert_close(vectors.grad, again.grad)
    torch.testing.assert_close(head.W.grad[:, chosen], whole.W.grad)


def test_the_random_state_decides_which_others_are_seen():
    head, labels, vectors = sampled("cosface"), torch.tensor([1, 2]), torch.randn(2, 6)

    def seen(seed):
        torch.manual_seed(seed)
        head.W.grad = None
        head(vectors, labels).backward()
        return tuple(head.W.grad.abs().sum(dim=0).nonzero().flatten().tolist())

    drawn = [seen(seed) for seed in range(60)]
    assert seen(7) == drawn[7]
    counts = np.bincount([n for classes in drawn for n in classes], minlength=40)
    assert counts[[1, 2]].tolist() == [60, 60]
    # Of 38 others 8 are seen in a step.
    assert counts[3:].min() > 0
    assert counts[3:].mean() == pytest.approx(60 * 8 / 38, rel=0.1)


def test_the_state_holds_the_whole_table_and_nothing_of_a_step():
    head = sampled("cosface")
    before = set(head.state_dict())
    head(torch.randn(3, 6), torch.tensor([0, 1, 2]))
    assert set(head.state_dict()) == before == {"W"}
    assert [tuple(p.shape) for p in head.parameters()] == [(6, 40)]


def test_a_batch_of_more_classes_than_a_step_sees_is_an_error():
    with pytest.raises(UserError, match="classes_per_step 2 has no room for the 3 classes of a"):
        sampled("softmax", seen=2)(torch.randn(3, 6), torch.tensor([0, 1, 2]))


@pytest.mark.parametrize(
    ("given", "labels", "seen"),
    [(None, 100_000, 100_000), (None, 100_010, 10_001), (50, 40, 40), (50, 200, 50)],
)
def test_how_many_classes_a_step_sees(given, labels, seen):
    assert Head(loss="cosface", classes_per_step=given).classes_seen(labels) == seen


def test_a_head_that_sees_all_classes_samples_none():
    assert not isinstance(
        build_head(Head(loss="cosface", classes_per_step=9), 9, 4), SampledClasses
    )


def test_it_learns(build, coloured, optimisation, run, measured):
    head = Head(loss="softmax", scale=24, classes_per_step=8)
    task = coloured(labels=20, each=4, head=head)
    losses = measured(run(build(), [task], optimisation(steps=30), seed=1), "loss")
    assert losses.tail(5).mean() < 0.8 * losses.head(5).mean()


# --- one head for several data sets ---


def test_equal_names_become_one_label(coloured):
    good = replace(coloured("good", labels=3), label_names=("anna", "carl", "dora"))
    bad = coloured("bad", labels=2, share_head_of="good")
    bad = replace(bad, label_names=("bert", "carl"))
    other = replace(coloured("other", labels=2), label_names=("anna", "zoe"))
    shared = share_labels([bad, good, other])
    assert [t.name for t in shared] == ["bad", "good", "other"]
    union = ("anna", "bert", "carl", "dora")
    assert [t.label_names for t in shared] == [union, union, ("anna", "zoe")]
    for before, after in zip([bad, good, other], shared, strict=True):
        told = [before.label_names[n] for n in before.labels]
        assert [after.label_names[n] for n in after.labels] == told
    assert shared[0].head == good.head


def test_tasks_that_share_train_one_table(build, coloured, optimisation, run, measured):
    tasks = share_labels([coloured("good"), coloured("bad", share_head_of="good")])
    heads = learner.fresh_heads(tasks, 16, seed=1)
    assert list(heads) == ["good"]
    assert heads["good"].W.shape == (16, 4)
    settings = optimisation(steps=20, augment=0.0)
    history = run(build(), tasks, settings, "alternate", weights={"bad": 0.5}, seed=1)
    assert set(history["dataset"]) == {"good", "bad"}
    for name in ("good", "bad"):
        losses = measured(history, "loss", name)
        assert losses.tail(3).mean() < losses.head(3).mean()


def curriculum(**shared):
    parts = {"good": TrainOn(), "bad": TrainOn(), **shared}
    return Curriculum(train_on=parts)


def test_a_shared_head_is_one_of_the_same_curriculum():
    assert curriculum(bad=TrainOn(share_head_of="good"))
    with pytest.raises(ValueError, match=r"`goo` is no other data set .* did you mean `good`"):
        curriculum(bad=TrainOn(share_head_of="goo"))
    with pytest.raises(ValueError, match="`bad` is no other data set of this curriculum"):
        curriculum(bad=TrainOn(share_head_of="bad"))


def test_a_shared_head_is_not_shared_on():
    parts = {"bad": TrainOn(share_head_of="good"), "worse": TrainOn(share_head_of="bad")}
    with pytest.raises(ValueError, match="`bad` uses the head of `good` itself; name that one"):
        curriculum(**parts)


@pytest.mark.parametrize("watched", ["good", "bad"])
def test_a_watched_data_set_shares_no_head(watched):
    weights = {"good": 1.0, "bad": 1.0, watched: 0.0}
    with pytest.raises(ValueError, match="weight 0 is only watched"):
        curriculum(
            good=TrainOn(weight=weights["good"]),
            bad=TrainOn(weight=weights["bad"], share_head_of="good"),
        )


def test_a_head_of_its_own_and_a_shared_one_exclude_each_other():
    with pytest.raises(ValueError, match="`head` and `share_head_of` exclude each other"):
        TrainOn(head=Head(loss="cosface"), share_head_of="good")


def test_a_batch_has_room_among_the_classes_of_a_step():
    small = Head(loss="cosface", classes_per_step=16)
    with pytest.raises(ValueError, match=r"classes_per_step 16 has no room .* batch of 32"):
        TrainOn(head=small)
    with pytest.raises(ValueError, match=r"bad\.share_head_of: classes_per_step 16 .* of\s+32"):
        curriculum(good=TrainOn(head=small, batch_size=8), bad=TrainOn(share_head_of="good"))


# --- larger than memory ---


def test_a_head_larger_than_memory_is_refused_with_its_size():
    head = Head(loss="cosface")
    sizes = {"labels": 10_000, "dimension": 512, "batch_size": 64}
    # 4 numbers of 4 bytes for each weight; 3 for each logit.
    needed = 16 * 10_000 * 512 + 12 * 64 * 10_000
    check_memory("faces", head, **sizes, available=needed)
    message = r"faces: the head over 10,000 labels of 512 .* 0\.1 GB .* free; .*`classes_per_step`"
    with pytest.raises(UserError, match=message):
        check_memory("faces", head, **sizes, available=needed - 1)
    fewer = Head(loss="cosface", classes_per_step=1000)
    check_memory("faces", fewer, **sizes, available=needed - 1)


def test_memory_is_looked_at_before_training(build, coloured, monkeypatch):
    class Full:
        available = 1000

    monkeypatch.setattr(learner.psutil, "virtual_memory", Full)
    with pytest.raises(UserError, match="colours: the head over 4 labels"):
        learner.fresh_heads([coloured()], 16, seed=1)
