"""Schedules against those of torch, and rates of heads."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from unispace.config.curricula import Curriculum, Optimisation
from unispace.curricula.schedule import cycles, learning_rate


def rates(settings):
    return [learning_rate(step, settings) for step in range(settings.steps)]


@given(st.integers(1, 200), st.floats(0, 0.9))
def test_a_constant_rate_stays_after_the_warm_up(steps, warmup):
    settings = Optimisation(steps=steps, warmup=warmup, schedule="constant", learning_rate=0.01)
    warm = round(warmup * steps)
    assert rates(settings)[warm:] == [0.01] * (steps - warm)
    assert rates(settings)[:warm] == pytest.approx([0.01 * (s + 1) / warm for s in range(warm)])


@given(
    st.integers(1, 6),
    st.integers(1, 3),
    st.integers(0, 8),
    st.integers(1, 9),
    st.floats(0, 0.01),
)
def test_restarts_are_those_of_torch(period, growth, hold, each, floor):
    """As the papers' code puts them together, with steps in place of epochs."""
    steps = (hold + period * (1 + growth + growth**2)) * each
    settings = Optimisation(
        steps=steps,
        warmup=0,
        learning_rate=0.01,
        schedule="restarts",
        hold=hold * each / steps,
        period=period * each / steps,
        period_growth=growth,
        floor=floor,
    )
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.01)
    restarts = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
        optimiser, period * each, growth, floor
    )
    expected = [0.01] * (hold * each)
    for _ in range(steps - hold * each):
        expected.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        restarts.step()
    assert rates(settings) == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_forty_published_epochs_hold_five_and_restart_after_five_and_ten():
    settings = Optimisation(
        steps=400,
        warmup=0,
        learning_rate=1e-4,
        schedule="restarts",
        hold=0.125,
        period=0.125,
        period_growth=2,
        floor=1e-6,
    )
    found = rates(settings)
    peaks = [step for step in range(1, 400) if found[step] > found[step - 1]]
    assert found[:51] == [1e-4] * 51
    assert peaks == [100, 200]
    assert found[100] == found[200] == 1e-4
    assert min(found) == pytest.approx(1e-6, rel=0.02)


@given(st.floats(0, 1), st.integers(2, 99))
def test_a_floor_lifts_a_cosine_and_bounds_it(share, steps):
    plain = rates(Optimisation(steps=steps, learning_rate=0.02, warmup=0))
    lifted = rates(Optimisation(steps=steps, learning_rate=0.02, warmup=0, floor=0.02 * share))
    for one, other in zip(plain, lifted, strict=True):
        assert other == pytest.approx(0.02 * share + one * (1 - share))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"floor": 0.1, "learning_rate": 0.01}, "floor 0.1 lies above learning_rate 0.01; lower"),
        ({"warmup": 0.5, "hold": 0.5}, "warmup 0.5 and hold 0.5 are shares of the steps and leave"),
        ({"betas": [0.9, 1.0]}, "betas"),
        ({"schedule": "linear"}, "schedule"),
        ({"period": 0}, "period"),
    ],
    ids=str,
)
def test_what_makes_no_schedule_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        Optimisation(**changes)


def test_each_cycle_has_the_rate_of_its_schedule():
    plan = Curriculum(steps=8, schedule="restarts", period=0.25, warmup=0, train_on={"faces": {}})
    found = [cycle.learning_rate for cycle in cycles(plan)]
    assert found == rates(plan)
    assert found[0:2] == found[2:4] == found[6:8]
    assert any(b > a for a, b in itertools.pairwise(found))


@pytest.fixture
def stepped(monkeypatch):
    """Rate and betas of each parameter in each step."""
    steps = []
    real = torch.optim.AdamW.step

    def step(self, *args, **kwargs):
        groups = self.param_groups
        steps.append({id(p): (g["lr"], g["betas"]) for g in groups for p in g["params"]})
        return real(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    return steps


def test_heads_follow_the_same_schedule_at_a_rate_of_their_own(
    build, coloured, optimisation, run, stepped
):
    network, settings = build(), optimisation(steps=4, betas=(0.8, 0.95))
    run(network, [coloured()], settings, head_learning_rate=0.05, layer_decay=0.5)
    own = {id(p) for p in network.parameters()}
    for step, found in enumerate(stepped):
        (of_heads,) = {rate for key, (rate, _) in found.items() if key not in own}
        assert of_heads == pytest.approx(learning_rate(step, settings) * 0.05 / 3e-3)
        of_network = max(rate for key, (rate, _) in found.items() if key in own)
        assert of_network == learning_rate(step, settings)
        assert {betas for _, betas in found.values()} == {(0.8, 0.95)}


def test_without_a_rate_of_their_own_heads_have_that_of_the_network(
    build, coloured, optimisation, run, stepped
):
    settings = optimisation(steps=2)
    run(build(), [coloured()], settings)
    expected = [{(learning_rate(step, settings), (0.9, 0.999))} for step in range(2)]
    assert [set(found.values()) for found in stepped] == expected
