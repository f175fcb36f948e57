"""How the gradients of several data sets become steps."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unispace.config.heads import Head
from unispace.curricula import learner
from unispace.curricula.diverged import Diverged
from unispace.curricula.gradients import gramian, without_conflict
from unispace.curricula.randomness import generator
from unispace.errors import UserError

COUPLINGS = ["accumulate", "alternate", "concat", "surgery"]


@pytest.fixture
def gradients(monkeypatch):
    """Gradients of all weights at each optimiser step, before clipping."""
    taken = []
    real = learner.Learner._update

    def update(self, *args):
        taken.append([None if p.grad is None else p.grad.clone() for p in self.parameters])
        return real(self, *args)

    monkeypatch.setattr(learner.Learner, "_update", update)
    return taken


def weights_of(network):
    return {k: v.clone() for k, v in network.body.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def domains(coloured):
    return [
        coloured("objects", labels=4),
        coloured("faces", labels=3, loss="cosface"),
        coloured("bodies", labels=5, loss="arcface", batch_size=6),
    ]


def with_validation(task):
    from unispace.curricula.validation import Validation

    return dataclasses.replace(task, validation=Validation(task.images, task.labels))


# --- equalities ---


@pytest.mark.parametrize("micro_batches", [1, 2])
def test_a_mixed_batch_gives_the_gradient_of_accumulated_batches(
    build, coloured, optimisation, run, gradients, micro_batches
):
    for coupling in ("accumulate", "concat"):
        run(
            build(),
            domains(coloured),
            optimisation(steps=1),
            coupling,
            weights={"faces": 0.3},
            micro_batches=micro_batches,
        )
    assert len(gradients) == 2
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_parts_of_a_batch_give_the_gradient_of_the_whole(
    build, coloured, optimisation, run, gradients, coupling
):
    for parts in (1, 3):
        torch.manual_seed(parts)
        run(build(), domains(coloured), optimisation(steps=1), coupling, micro_batches=parts)
    half = len(gradients) // 2
    # The first update only: after it, Adam makes much of tiny differences.
    for one, other in zip(gradients[0], gradients[half], strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other, atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("micro_batches", [1, 2])
def test_watching_changes_not_one_bit(build, coloured, optimisation, run, coupling, micro_batches):
    results = []
    for watching in ({}, {"validate_every": 2, "conflict_every": 1}):
        network = build(drop_path_rate=0.3)
        tasks = [with_validation(task) for task in domains(coloured)]
        how = {"micro_batches": micro_batches, **watching}
        run(network, tasks, optimisation(steps=4), coupling, **how)
        results.append(weights_of(network))
    assert same(*results)


@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_a_sequence_is_one_training_after_the_other(build, coloured, optimisation, run, ema):
    tasks = domains(coloured)
    whole, apart = build(drop_path_rate=0.3), build(drop_path_rate=0.3)
    order = ["faces", "bodies", "objects"]
    history = run(whole, tasks, optimisation(steps=3), sequence=order, ema=ema)
    by_name = {task.name: task for task in tasks}
    for number, name in enumerate(order):
        part = run(apart, [by_name[name]], optimisation(steps=3), key=name, ema=ema)
        mine = history[history["dataset"] == name].reset_index(drop=True)
        assert mine.assign(step=mine["step"] - 3 * number).equals(part)
    assert same(weights_of(whole), weights_of(apart))


def test_one_block_of_all_data_sets_is_what_no_block_is(build, coloured, optimisation, run):
    results = []
    for how in ({}, {"blocks": [{"cycles": 2, "weights": dict.fromkeys(("a", "b"), 1.0)}]}):
        network = build()
        run(network, [coloured("a"), coloured("b", labels=3)], optimisation(), **how)
        results.append(weights_of(network))
    assert same(*results)


# --- who takes part in a step ---


def test_every_step_holds_every_coupled_data_set(build, coloured, optimisation, run, gradients):
    tasks = domains(coloured)
    network = build()
    run(network, tasks, optimisation(steps=5))
    assert len(gradients) == 5
    for step in gradients:
        heads = step[-len(tasks) :]
        assert all(head is not None and head.norm() > 0 for head in heads)


def test_a_block_leaves_the_others_alone(build, coloured, optimisation, run, gradients, measured):
    tasks = [coloured("a"), coloured("b", labels=3)]
    blocks = [{"cycles": 2, "weights": {"a": 1.0}}, {"cycles": 1, "weights": {"b": 0.5}}]
    history = run(build(), tasks, optimisation(steps=6), blocks=blocks)
    assert [(a is not None, b is not None) for *_, a, b in gradients] == [
        (True, False),
        (True, False),
        (False, True),
    ] * 2
    weights = history[history["measure"] == "weight"].set_index(["dataset", "step"])["value"]
    assert weights.to_dict() == {
        **{("a", step): 1.0 for step in (1, 2, 4, 5)},
        **{("b", step): 0.5 for step in (3, 6)},
    }


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_a_block_of_weight_0_never_leaks(build, coloured, optimisation, run, coupling):
    task, other = coloured("a"), coloured("b", labels=3)
    alone, beside = build(drop_path_rate=0.3), build(drop_path_rate=0.3)
    run(alone, [task], optimisation(), coupling, key="alone")
    blocks = [{"cycles": 1, "weights": {"a": 1.0, "b": 0.0}}, {"cycles": 1, "weights": {"a": 1.0}}]
    run(beside, [task, other], optimisation(), coupling, key="beside", blocks=blocks)
    assert same(weights_of(alone), weights_of(beside))


# --- conflict ---


class Along(torch.nn.Module):
    """A loss that pulls embeddings along one direction."""

    def __init__(self, direction):
        super().__init__()
        self.direction = torch.tensor(direction)

    def forward(self, embeddings, labels):
        return (embeddings[:, : len(self.direction)] @ self.direction).mean()


@pytest.fixture
def pulled(build, coloured, optimisation, run, monkeypatch):
    """One step on two data sets of the same images, each pulled along its direction."""

    def went(one, other, **changes):
        heads = iter([Along(one), Along(other)])
        monkeypatch.setattr(learner, "build_head", lambda *args: next(heads))
        tasks = [coloured(name, batch_size=24) for name in ("a", "b")]
        # So slow that the second step of `alternate` finds about the same weights.
        settings = optimisation(steps=1, augment=0, learning_rate=1e-6)
        return run(build(), tasks, settings, conflict_every=1, **changes)

    return went


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_opposite_tasks_conflict_entirely(pulled, gradients, measured, coupling):
    history = pulled([1.0], [-0.5], coupling=coupling)
    conflict = history[history["measure"] == "conflict"]
    assert conflict[["dataset", "other"]].to_numpy().tolist() == [["a", "b"]]
    assert conflict["value"].item() == pytest.approx(-1, abs=1e-4)
    first, second = measured(history, "gradient_norm")
    assert second == pytest.approx(first / 2, rel=1e-3)
    whole = torch.cat([g.flatten() for g in gradients[0] if g is not None]).norm()
    expected = {"accumulate": first / 2, "concat": first / 2, "alternate": first, "surgery": 0}
    assert whole == pytest.approx(expected[coupling], rel=1e-3, abs=1e-4 * first)


@pytest.mark.parametrize("weight", [0.5, 3.0])
def test_conflict_is_that_of_weighted_gradients(pulled, measured, weight):
    plain = measured(pulled([1.0, 0.0], [0.2, 1.0]), "gradient_norm").tolist()
    history = pulled([1.0, 0.0], [0.2, 1.0], weights={"b": weight}, key="other")
    assert measured(history, "gradient_norm").tolist() == pytest.approx(
        [plain[0], weight * plain[1]], rel=1e-5
    )


def test_surgery_leaves_agreeing_gradients_as_they_are(pulled, gradients):
    for number, coupling in enumerate(("accumulate", "surgery")):
        pulled([1.0], [0.3], coupling=coupling, key=str(number))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-7, rtol=1e-6)


@given(st.integers(0, 2**32), st.integers(2, 5))
@settings(max_examples=40, deadline=None)
def test_surgery_is_the_algorithm_of_its_paper(seed, count):
    """Algorithm 1 written out on the gradients themselves, with the library's order."""
    draw = np.random.default_rng(seed)
    rows = draw.normal(size=(count, 3))
    found = {str(i): [torch.tensor(row)] for i, row in enumerate(rows)}
    factors = np.array(without_conflict(gramian(found), generator(seed)))
    torch.manual_seed(generator(seed).initial_seed())
    total = np.zeros(3)
    for i in range(count):
        mine = rows[i].copy()
        for j in torch.randperm(count).tolist():
            if j != i and mine @ rows[j] < 0:
                mine -= (mine @ rows[j]) / (rows[j] @ rows[j]) * rows[j]
        total += mine
    np.testing.assert_allclose(factors @ rows, total, atol=1e-9)


def test_a_gradient_of_nothing_has_no_cosine():
    found = {"a": [torch.ones(2), None], "b": [torch.zeros(2), torch.zeros(1)], "c": [None, None]}
    products = gramian(found)
    assert products.cosines() == {}
    assert products.norms() == {"a": pytest.approx(2**0.5), "b": 0.0, "c": 0.0}


def test_conflict_is_measured_every_so_many_steps(build, coloured, optimisation, run):
    history = run(build(), domains(coloured), optimisation(steps=5), conflict_every=2)
    conflict = history[history["measure"] == "conflict"]
    assert sorted(set(conflict["step"])) == [1, 3, 5]
    pairs = {("bodies", "faces"), ("bodies", "objects"), ("faces", "objects")}
    assert set(zip(conflict["dataset"], conflict["other"], strict=True)) == pairs
    assert conflict["value"].abs().max() <= 1 + 1e-6


# --- what stops a training ---


class Turning(torch.nn.Module):
    """A loss that is not finite from some call on."""

    def __init__(self, call):
        super().__init__()
        self.calls, self.call = 0, call

    def forward(self, embeddings, labels):
        self.calls += 1
        return embeddings[:, 0].mean() * (float("nan") if self.calls > self.call else 1.0)


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_a_diverged_training_keeps_the_last_good_weights(
    build, coloured, optimisation, planned, tmp_path, monkeypatch, coupling
):
    from unispace.curricula.history import History
    from unispace.curricula.resume import Resume
    from unispace.curricula.training import train

    heads = iter([Turning(99), Turning(2)])
    monkeypatch.setattr(learner, "build_head", lambda *args: next(heads))
    kept = []
    real = torch.optim.AdamW.step
    network = build()

    def step(self, *args, **kwargs):
        real(self, *args, **kwargs)
        kept.append(weights_of(network))

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    tasks = [coloured("a"), coloured("b")]
    curriculum = planned(tasks, optimisation(), coupling=coupling)
    history = History("ab")
    with pytest.raises(Diverged, match="the loss of `b` became nan at step 3 with"):
        train(network, tasks, curriculum, 0, Resume(tmp_path, "key"), history)
    assert same(weights_of(network), kept[-1])
    assert all(torch.isfinite(v).all() for v in network.body.state_dict().values())
    assert history.table()["step"].max() == 2


@pytest.mark.parametrize(
    ("architecture", "head", "culprit"),
    [
        ("test_resnet", {"loss": "softmax"}, "batch norm"),
        ("eva02_tiny_patch14_224", {"loss": "adaface"}, "an adaface head"),
        (
            "eva02_tiny_patch14_224",
            {"loss": "softmax", "classes_per_step": 9},
            "a head with classes",
        ),
    ],
)
def test_what_needs_whole_batches_is_refused_for_parts(
    build, coloured, optimisation, run, architecture, head, culprit
):
    task = dataclasses.replace(coloured(labels=10, each=2), head=Head(**head))
    with pytest.raises(UserError, match=f"cut batches into parts, but {culprit}"):
        run(build(architecture), [task], optimisation(steps=1), micro_batches=2)
