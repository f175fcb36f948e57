"""Averages, precision, memory and compilation, and what is watched on the way."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unispace.backbones.memory import recompute_activations
from unispace.curricula import learner, training
from unispace.curricula.validation import Validation, chosen, rank_1
from unispace.errors import UserError


def weights_of(network):
    return {k: v.clone() for k, v in network.body.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def near(a, b, tolerance):
    for name in a:
        torch.testing.assert_close(a[name], b[name], atol=tolerance, rtol=0)


# --- averages ---


@pytest.mark.parametrize("decay", [0.5, 0.9])
def test_the_average_of_the_weights_becomes_the_model(
    build, coloured, optimisation, run, monkeypatch, decay
):
    steps = []
    real = training.Learner.take

    def take(self, cycle, measure):
        taken = real(self, cycle, measure)
        steps.append({k: v.double() for k, v in weights_of(self.network).items()})
        return taken

    monkeypatch.setattr(training.Learner, "take", take)
    network = build()
    run(network, [coloured()], optimisation(), ema=decay)
    # In closed form: the first weights keep decay^(n - 1).
    count = len(steps)
    shares = [decay ** (count - 1)] + [
        (1 - decay) * decay ** (count - 1 - i) for i in range(1, count)
    ]
    assert sum(shares) == pytest.approx(1)
    for name, found in weights_of(network).items():
        expected = sum(share * step[name] for share, step in zip(shares, steps, strict=True))
        torch.testing.assert_close(found, expected.float(), atol=1e-6, rtol=1e-5)


def test_an_average_does_not_change_what_is_averaged(build, coloured, optimisation, run, measured):
    losses = [
        measured(run(build(), [coloured()], optimisation(), ema=ema, key=str(ema)), "loss").tolist()
        for ema in (0.0, 0.99)
    ]
    assert losses[0] == losses[1]


# --- which weights ---


def test_low_rank_updates_end_as_plain_weights(build, coloured, optimisation, run):
    network = build()
    before = weights_of(network)
    run(network, [coloured()], optimisation(), lora={"rank": 2, "alpha": 4})
    after = weights_of(network)
    assert after.keys() == before.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {f"blocks.{i}.attn.qkv.weight" for i in range(2)}


DROPPING = {"lora": {"rank": 2, "alpha": 4, "dropout": 0.3}}


def test_dropout_of_updates_is_drawn_anew_in_each_step_and_the_same_in_each_run(
    build, coloured, optimisation, run
):
    results = []
    for key, lora in (("a", DROPPING), ("b", DROPPING), ("c", {"lora": {"rank": 2, "alpha": 4}})):
        network = build()
        run(network, [coloured()], optimisation(steps=4), key=key, **lora)
        results.append(weights_of(network))
    assert same(results[0], results[1])
    assert not same(results[0], results[2])
    assert results[0].keys() == weights_of(build()).keys()


@pytest.mark.parametrize(
    "more", [{"checkpointing": True}, {"ema": 0.5, "validate_every": 2}], ids=str
)
def test_dropout_of_updates_goes_with_what_saves_memory_and_with_averages(
    build, coloured, optimisation, run, measured, more
):
    losses, results = [], []
    for key, extra in (("plain", {}), ("more", more)):
        network = build()
        task = validated(coloured())
        history = run(network, [task], optimisation(steps=4), key=key, **DROPPING, **extra)
        losses.append(measured(history, "loss").tolist())
        results.append(weights_of(network))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    if "ema" in more:
        assert not same(*results)
        assert measured(history, "val_rank-1").iloc[-1] == rank_1(network, task.validation)
    else:
        near(*results, 1e-5)


def test_another_normalisation_is_of_training_alone(build, coloured, optimisation, run):
    network = build()
    images = torch.rand(2, 3, 32, 32)
    before = network.normalise(images)
    seen = []
    real = network.normalise
    network.normalise = lambda given: seen.append((given, real(given))) or seen[-1][1]
    own = {"normalisation": "half", "colour_order": "bgr"}
    run(network, [coloured()], optimisation(steps=1), input=own)
    del network.normalise
    ((given, made),) = seen
    torch.testing.assert_close(made, (given.flip(1) - 0.5) / 0.5)
    assert torch.equal(network.normalise(images), before)


def test_frozen_blocks_stay(build, coloured, optimisation, run):
    network = build()
    before = weights_of(network)
    run(network, [coloured()], optimisation(), freeze_blocks=1)
    for name, after in weights_of(network).items():
        frozen = not name.startswith(("blocks.1.", "norm.", "fc_norm."))
        assert torch.equal(before[name], after) == frozen, name


def test_early_layers_learn_slower(build, coloured, optimisation, run, monkeypatch):
    rates = []
    real = torch.optim.AdamW.step

    def step(self, *args, **kwargs):
        rates.append({id(p): g["lr"] for g in self.param_groups for p in g["params"]})
        return real(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    network = build()
    settings = optimisation(steps=1, warmup=0.0)
    run(network, [coloured()], settings, layer_decay=0.5)
    named = dict(network.body.named_parameters())
    expected = {"pos_embed": 0.125, "blocks.0.norm1.weight": 0.25, "blocks.1.norm1.weight": 0.5}
    found = {name: rates[0][id(named[name])] / settings.learning_rate for name in expected}
    assert found == pytest.approx(expected)
    assert max(rates[0].values()) == settings.learning_rate


# --- time and memory ---


def test_reduced_precision_is_of_the_network_alone(build, coloured, optimisation, run, monkeypatch):
    kinds = set()
    inside = []
    real = learner.build_head

    class Watching(torch.nn.Module):
        def __init__(self, head):
            super().__init__()
            self.head = head

        def forward(self, vectors, labels):
            loss = self.head(vectors, labels)
            kinds.update({vectors.dtype, loss.dtype})
            return loss

    monkeypatch.setattr(learner, "build_head", lambda *args: Watching(real(*args)))
    histories, results = [], []
    for precision in ("float32", "bfloat16"):
        network = build()
        hook = network.body.blocks[0].mlp.fc2.register_forward_hook(
            lambda module, args, output: inside.append(output.dtype)
        )
        settings = optimisation(steps=30, augment=0.1)
        histories.append(run(network, [coloured()], settings, precision=precision, key=precision))
        hook.remove()
        results.append(weights_of(network))
    assert set(inside[:30]) == {torch.float32}
    assert set(inside[30:]) == {torch.bfloat16}
    assert kinds == {torch.float32}
    assert {w.dtype for w in results[1].values()} == {torch.float32}
    assert not same(*results)
    losses = [h[h["measure"] == "loss"]["value"].to_numpy() for h in histories]
    np.testing.assert_allclose(losses[1][0], losses[0][0], rtol=0.02)
    assert losses[1][-3:].mean() < 0.5 * losses[1][:3].mean()


@pytest.mark.parametrize("coupling", ["accumulate", "concat"])
def test_activations_computed_twice_give_the_same_weights(
    build, coloured, optimisation, run, monkeypatch, coupling
):
    results, calls = [], []
    for checkpointing in (False, True):
        network = build(drop_path_rate=0.3)
        calls.append(0)

        def count(*args):
            calls[-1] += 1

        network.body.blocks[0].norm1.register_forward_pre_hook(count)
        how = {"checkpointing": checkpointing, "conflict_every": 2}
        tasks = [coloured("a"), coloured("b", labels=3)]
        run(network, tasks, optimisation(steps=3), coupling, **how)
        results.append(weights_of(network))
    near(*results, 1e-6)
    assert calls[1] > 1.5 * calls[0]


def test_a_network_that_cannot_compute_twice_is_refused(build):
    with pytest.raises(
        UserError, match="checkpointing: Linear cannot compute activations a second"
    ):
        recompute_activations(torch.nn.Linear(2, 2))


@pytest.mark.slow
@pytest.mark.parametrize("coupling", ["accumulate", "concat"])
def test_a_compiled_network_gives_the_same_weights_under_the_same_names(
    build, coloured, optimisation, run, coupling
):
    results, made = [], []
    for compiled in (False, True):
        network = build(depth=1)

        def traced(body=network.body):
            # All but the C++ compiler, which takes a minute.
            made.append(body)
            torch.nn.Module.compile(body, backend="aot_eager")

        network.body.compile = traced
        tasks = [coloured("a"), coloured("b", labels=3)]
        how = {"compile": compiled, "conflict_every": int(coupling != "concat")}
        run(network, tasks, optimisation(steps=2), coupling, key=str(compiled), **how)
        results.append(weights_of(network))
    assert len(made) == 1
    assert results[0].keys() == results[1].keys()
    # Adam makes much of tiny gradients.
    near(*results, 1e-3)


# --- validation ---


def validated(task):
    return dataclasses.replace(task, validation=Validation(task.images, task.labels))


def test_validation_comes_before_the_first_step_every_so_many_and_after_the_last(
    build, coloured, optimisation, run, measured
):
    tasks = [validated(coloured("a")), validated(coloured("b", labels=3))]
    history = run(build(), tasks, optimisation(steps=7), validate_every=3)
    rows = history[history["measure"] == "val_rank-1"]
    assert rows["dataset"].tolist() == ["a"] * 4 + ["b"] * 4
    assert rows["step"].tolist() == [0, 3, 6, 7] * 2
    assert rows["value"].between(0, 1).all()


def test_validation_sees_what_is_learnt(build, coloured, optimisation, run, measured):
    history = run(
        build(), [validated(coloured())], optimisation(steps=60, augment=0.1), validate_every=60
    )
    assert measured(history, "val_rank-1").iloc[-1] == 1.0


def test_validation_is_that_of_the_averaged_weights(build, coloured, optimisation, run, measured):
    task, network = validated(coloured()), build()
    history = run(network, [task], optimisation(), ema=0.8, validate_every=4)
    assert measured(history, "val_rank-1").iloc[-1] == rank_1(network, task.validation)


def test_rank_1_is_the_share_of_images_with_a_neighbour_of_their_label(build):
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (40, 32, 32, 3)).astype(np.uint8)
    labels = draw.integers(0, 5, 40)
    network = build()
    vectors = network.embed(torch.from_numpy(images)).numpy().astype(float)
    hits = 0
    for one in range(40):
        others = [other for other in range(40) if other != one]
        best = max(others, key=lambda other: vectors[one] @ vectors[other])
        hits += labels[best] == labels[one]
    assert rank_1(network.train(), Validation(images, labels)) == hits / 40
    assert network.training
    network.eval()
    rank_1(network, Validation(images, labels))
    assert not network.training


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=200),
    st.integers(4, 60),
    st.sampled_from(["a", "b"]),
)
def test_what_is_validated_on_keeps_labels_together(labels, limit, name):
    labels = np.array(labels)
    rows = chosen(labels, name, limit)
    assert len(rows) == len(set(rows.tolist())) == min(len(rows), limit)
    assert (np.diff(rows) > 0).all()
    assert np.array_equal(rows, chosen(labels, name, limit))
    if len(labels) <= limit:
        assert len(rows) == len(labels)
        return
    # At most one label, the last one that went in, lost images for want of room.
    counts, kept = np.bincount(labels, minlength=13), np.bincount(labels[rows], minlength=13)
    each = max(2, limit // len(set(labels.tolist())))
    cut = (kept > 0) & (kept < np.minimum(counts, each))
    assert cut.sum() <= 1


def test_the_log_tells_each_domain_with_its_validation(build, coloured, optimisation, run, caplog):
    tasks = [validated(coloured("a")), validated(coloured("b", labels=3))]
    with caplog.at_level("INFO"):
        run(build(), tasks, optimisation(steps=2), validate_every=2)
    assert re.search(r"step 0  validation rank-1: a \d\.\d+  b \d\.\d+", caplog.text)
    assert re.search(r"step 2 of 2  loss: a \d+\.\d+  b \d+\.\d+  learning rate", caplog.text)
