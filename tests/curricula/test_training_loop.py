"""The training loop against plain autograd, and what must not depend on what."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unispace.backbones.network import save_weights
from unispace.config.curricula import Optimisation
from unispace.curricula import batches, learner
from unispace.curricula.schedule import learning_rate
from unispace.records.files import sha256_of


def weights_of(network):
    return {k: v.clone() for k, v in network.body.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


COUPLINGS = ["accumulate", "alternate", "concat", "surgery"]

# --- does it learn ---


@pytest.mark.parametrize("loss", ["softmax", "cosface", "arcface"])
@pytest.mark.parametrize("coupling", COUPLINGS)
def test_a_planted_problem_is_learnt(build, coloured, optimisation, run, measured, loss, coupling):
    network, task = build(), coloured(loss=loss)
    history = run(network, [task], optimisation(steps=60, augment=0.1), coupling)
    losses = measured(history, "loss")
    assert losses.tail(5).mean() < 0.25 * losses.head(5).mean()
    # And it shows in the embeddings: every image lies nearest to another of its own colour.
    vectors = network.embed(torch.from_numpy(task.images))
    cosines = vectors @ vectors.T - 2 * torch.eye(len(vectors))
    assert (task.labels[cosines.argmax(1)] == task.labels).all()


def test_shuffled_labels_are_not_learnt_as_fast(build, coloured, optimisation, run, measured):
    losses = []
    for shuffle in (False, True):
        task = coloured(each=20)
        if shuffle:
            np.random.default_rng(0).shuffle(task.labels)
        history = run(build(), [task], optimisation(steps=40, augment=0.1))
        losses.append(measured(history, "loss").tail(5).mean())
    assert losses[1] > 3 * losses[0]


def test_history_has_a_row_for_each_measure_step_and_task(
    build, coloured, optimisation, run, measured
):
    settings = optimisation(steps=3)
    history = run(build(), [coloured("a"), coloured("b")], settings, weights={"b": 0.5})
    assert history["dataset"].tolist() == ["a"] * 9 + ["b"] * 9
    measures = [m for m in ("loss", "learning_rate", "weight") for _ in range(3)]
    assert history["measure"].tolist() == measures * 2
    assert history["step"].tolist() == [1, 2, 3] * 6
    assert history["other"].isna().all()
    rates = [learning_rate(step, settings) for step in range(3)]
    assert measured(history, "learning_rate").tolist() == rates * 2
    assert measured(history, "weight").tolist() == [1.0] * 3 + [0.5] * 3


def test_a_trained_network_is_left_in_evaluation_mode(build, coloured, optimisation, run):
    network = build("test_resnet")
    run(network, [coloured()], optimisation(steps=1))
    assert not any(module.training for module in network.modules())


# --- the schedule ---


@given(
    st.integers(1, 400), st.floats(0, 0.99), st.floats(1e-6, 1), st.floats(0, 1, exclude_max=True)
)
def test_learning_rate_rises_linearly_and_falls_as_a_half_cosine(steps, warmup, peak, where):
    settings = Optimisation(steps=steps, warmup=warmup, learning_rate=peak)
    step = int(where * steps)
    warm = round(warmup * steps)
    if step < warm:
        expected = np.interp(step + 1, [0, warm], [0, peak])
    else:  # (1 + cos 2x) / 2 = cos^2 x
        expected = peak * math.cos(math.pi / 2 * (step - warm) / (steps - warm)) ** 2
    assert learning_rate(step, settings) == pytest.approx(expected, rel=1e-9, abs=1e-12 * peak)


def test_the_optimiser_is_given_the_learning_rate_of_each_step(
    build, coloured, optimisation, run, monkeypatch
):
    given_rates = []
    real = torch.optim.AdamW.step

    def step(self, *args, **kwargs):
        given_rates.append({group["lr"] for group in self.param_groups})
        return real(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    settings = optimisation(steps=5, warmup=0.4)
    run(build(), [coloured()], settings)
    assert given_rates == [{learning_rate(step, settings)} for step in range(5)]


# --- couplings ---


def by_hand(head_weights, vectors, labels, margin, scale):
    """CosFace (margin 0: cosine softmax), written with autograd operations only."""
    cosines = vectors @ (head_weights / head_weights.norm(dim=0, keepdim=True))
    chosen = torch.nn.functional.one_hot(labels, head_weights.shape[1])
    logits = scale * (cosines - margin * chosen)
    return (logits.logsumexp(1) - (logits * chosen).sum(1)).mean()


@pytest.fixture
def watched(monkeypatch):
    """What the loop builds and does: fresh heads, and the gradients of each optimiser step."""
    heads, gradients = [], []
    real_head, real_update = learner.build_head, learner.Learner._update

    def build_head(*args):
        made = real_head(*args)
        heads.append(made.W.detach().clone())
        return made

    def update(self, *args):
        gradients.append([None if p.grad is None else p.grad.clone() for p in self.parameters])
        return real_update(self, *args)

    monkeypatch.setattr(learner, "build_head", build_head)
    monkeypatch.setattr(learner.Learner, "_update", update)
    return heads, gradients


def plain_loss(network, task, head_weights, weight):
    images = torch.from_numpy(task.images).permute(0, 3, 1, 2).float() / 255
    margin = 0.2 if task.head.loss == "cosface" else 0.0
    labels = torch.from_numpy(task.labels)
    return weight * by_hand(head_weights, network(images), labels, margin, 24.0)


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.3, 2.0)])
def test_accumulate_takes_one_step_on_the_gradient_of_the_summed_loss(
    build, coloured, optimisation, run, watched, measured, weights
):
    # A batch that holds all images does not depend on their order.
    tasks = [
        coloured("a", labels=3, batch_size=18),
        coloured("b", labels=4, batch_size=24, loss="cosface"),
    ]
    network = build()
    plain = copy.deepcopy(network)
    given = dict(zip("ab", weights, strict=True))
    history = run(network, tasks, optimisation(steps=1, augment=0), weights=given)
    heads, gradients = watched
    assert len(gradients) == 1
    for head in heads:
        head.requires_grad_()
    parts = zip(tasks, heads, weights, strict=True)
    losses = [plain_loss(plain, task, head, weight) for task, head, weight in parts]
    sum(losses).backward()
    expected = [p.grad for p in [*plain.parameters(), *heads]]
    assert len(expected) == len(gradients[0])
    for found, wanted in zip(gradients[0], expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-5)
    recorded = [loss.item() / weight for loss, weight in zip(losses, weights, strict=True)]
    assert measured(history, "loss").tolist() == pytest.approx(recorded, rel=1e-5)


def test_alternate_takes_a_step_on_each_task_with_weights_moved_by_the_one_before(
    build, coloured, optimisation, run, watched
):
    tasks = [
        coloured("a", labels=3, batch_size=18),
        coloured("b", labels=4, batch_size=24),
    ]
    network = build()
    plain = copy.deepcopy(network)
    settings = optimisation(steps=1, warmup=0, augment=0, weight_decay=0)
    weights = {"b": 0.5}
    run(network, tasks, settings, "alternate", weights=weights)
    heads, gradients = watched
    assert len(gradients) == 2
    count = len(list(plain.parameters()))
    moments = {}
    for turn, task in enumerate(tasks):
        plain.zero_grad(set_to_none=True)
        plain_loss(plain, task, heads[turn], weights.get(task.name, 1.0)).backward()
        expected = [p.grad for p in plain.parameters()]
        # The first step of Adam hides the size of a gradient, so tiny ones make the weights differ a little.
        for found, wanted in zip(gradients[turn][:count], expected, strict=True):
            torch.testing.assert_close(found, wanted, atol=1e-6 if turn == 0 else 1e-4, rtol=1e-3)
        assert gradients[turn][count + 1 - turn] is None  # the other head has no part in it
        adam_step(plain, expected, moments, settings)
    for found, wanted in zip(network.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)


def adam_step(network, gradients, moments, settings):
    """Kingma and Ba 2015, algorithm 1, after clipping by the norm."""
    norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
    clip = min(1.0, settings.clip_norm / norm)
    with torch.no_grad():
        for number, (p, g) in enumerate(zip(network.parameters(), gradients, strict=True)):
            m, v, t = moments.get(number, (0, 0, 0))
            g, t = clip * g, t + 1
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            moments[number] = m, v, t
            p -= settings.learning_rate * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)


@pytest.mark.parametrize(
    ("coupling", "expected"), [("accumulate", 4), ("alternate", 12), ("concat", 4), ("surgery", 4)]
)
def test_alternate_takes_a_step_for_each_task_and_the_others_one_for_all(
    build, coloured, optimisation, run, watched, coupling, expected
):
    tasks = [coloured(name) for name in "abc"]
    run(build(), tasks, optimisation(steps=4), coupling)
    assert len(watched[1]) == expected


def test_couplings_give_other_weights(build, coloured, optimisation, run):
    results = []
    for coupling in ("accumulate", "alternate"):
        network = build()
        run(network, [coloured("a"), coloured("b", labels=3)], optimisation(), coupling)
        results.append(weights_of(network))
    assert not same(*results)


def test_with_one_task_the_couplings_are_the_same(build, coloured, optimisation, run):
    results = []
    for coupling in ("accumulate", "alternate", "surgery"):
        network = build(drop_path_rate=0.3)
        run(network, [coloured("a")], optimisation(), coupling, key=coupling)
        results.append(weights_of(network))
    assert same(results[0], results[1])
    assert same(results[0], results[2])


# --- a task of weight 0 ---


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("first", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize(
    ("architecture", "options"),
    [("eva02_tiny_patch14_224", {"drop_path_rate": 0.5}), ("test_resnet", {})],
    ids=["dropping paths", "batch norm"],
)
def test_a_task_of_weight_0_changes_not_one_bit(
    build, coloured, optimisation, run, measured, architecture, options, first, coupling
):
    task, watched = coloured("a"), coloured("watched", labels=3)
    alone, together = build(architecture, **options), build(architecture, **options)
    settings = optimisation(steps=5)
    expected = run(alone, [task], settings, coupling)
    tasks = [watched, task] if first else [task, watched]
    history = run(together, tasks, settings, coupling, weights={"watched": 0.0})
    assert same(weights_of(alone), weights_of(together))
    found = history[history["dataset"] == "a"].reset_index(drop=True)
    assert found.equals(expected)
    assert (measured(history, "loss", "watched") > 0).all()


def test_a_task_of_another_weight_changes_the_weights(build, coloured, optimisation, run):
    results = []
    for weight in (0.0, 0.1):
        network = build()
        tasks = [coloured("a"), coloured("b", labels=3)]
        run(network, tasks, optimisation(), weights={"b": weight})
        results.append(weights_of(network))
    assert not same(*results)


# --- seeds and names ---


@pytest.fixture
def trained_checksum(build, coloured, optimisation, run, tmp_path):
    """The checksum of the weights after a short training with everything random switched on."""

    def written(seed):
        network = build(drop_path_rate=0.3)
        run(network, [coloured("a"), coloured("b", labels=3)], optimisation(), seed=seed)
        save_weights(network, tmp_path / "w.safetensors")
        return sha256_of(tmp_path / "w.safetensors")

    return written


def test_the_same_seed_gives_the_same_bytes(trained_checksum):
    first = trained_checksum(1)
    torch.rand(7)  # whatever was drawn before
    assert trained_checksum(1) == first


def test_another_seed_gives_other_bytes(trained_checksum):
    assert trained_checksum(1) != trained_checksum(2)


def test_heads_differ_between_tasks_and_seeds(build, coloured, optimisation, run, watched):
    for seed in (0, 1):
        run(build(), [coloured("a"), coloured("b")], optimisation(steps=1), seed=seed)
    heads = torch.stack(watched[0]).flatten(1)
    assert (torch.cdist(heads, heads) + torch.eye(4) > 0.1).all()


@pytest.mark.parametrize(("coupling", "passes"), [("accumulate", 1), ("surgery", 2)])
def test_dropout_differs_between_tasks_steps_and_seeds(
    build, coloured, optimisation, run, monkeypatch, coupling, passes
):
    seeds = []
    real = learner.Learner._embed
    monkeypatch.setattr(
        learner.Learner, "_embed", lambda *args: seeds.append(torch.initial_seed()) or real(*args)
    )
    for seed in (0, 1):
        run(build(), [coloured("a"), coloured("b")], optimisation(steps=3), coupling, seed=seed)
    # The images of one pass are dropped apart as they are.
    assert len(seeds) == len(set(seeds)) == 2 * passes * 3


@pytest.mark.parametrize(
    ("architecture", "loss", "sizes"),
    [
        ("eva02_tiny_patch14_224", "softmax", [12]),
        ("test_resnet", "softmax", [8, 4]),  # batch norm would see the mixture
        ("eva02_tiny_patch14_224", "adaface", [8, 4]),  # its statistics are those of a batch
    ],
)
def test_accumulated_data_sets_share_a_pass_where_each_image_is_looked_at_alone(
    build, coloured, optimisation, run, monkeypatch, architecture, loss, sizes
):
    seen = []
    real = learner.Learner._embed
    monkeypatch.setattr(
        learner.Learner, "_embed", lambda self, x: seen.append(len(x)) or real(self, x)
    )
    tasks = [coloured("a", loss=loss), coloured("b", labels=3, batch_size=4)]
    run(build(architecture), tasks, optimisation(steps=2))
    assert seen == sizes * 2


def test_augmentation_differs_between_tasks_steps_and_seeds(
    build, coloured, optimisation, run, monkeypatch
):
    draws = []
    real = batches.augment

    def augment(images, strength, source, **of):
        draws.append((strength, source.initial_seed()))
        return real(images, strength, source, **of)

    monkeypatch.setattr(batches, "augment", augment)
    for seed in (0, 1):
        run(build(), [coloured("a"), coloured("b")], optimisation(steps=3, augment=0.7), seed=seed)
    assert len(draws) == len(set(draws)) == 2 * 2 * 3
    assert {strength for strength, _ in draws} == {0.7}


@pytest.mark.parametrize("name", ["type", "items", "training", "half", "a-b_c", "0"])
def test_a_data_set_may_have_any_name(build, coloured, optimisation, run, name):
    history = run(build(), [coloured(name)], optimisation(steps=1))
    assert history["dataset"].tolist() == [name] * 3
