"""What each step visits, worked out again by hand."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from unispace.config.curricula import Curriculum
from unispace.config.parse import load_yaml, parse_study
from unispace.curricula.schedule import cycles, learning_rate

NAMES = ("objects", "faces", "bodies")


def curriculum(**changes):
    weights = changes.pop("weights", {})
    train_on = {name: {"weight": weights.get(name, 1.0)} for name in NAMES}
    return Curriculum(**{"steps": 7, "train_on": train_on, **changes})


def visited(plan):
    return [{visit.dataset: visit.weight for visit in cycle.visits} for cycle in cycles(plan)]


@given(st.integers(1, 40), st.dictionaries(st.sampled_from(NAMES), st.floats(0.01, 9)))
def test_every_cycle_holds_every_data_set_with_its_weight(steps, weights):
    plan = curriculum(steps=steps, weights=weights)
    expected = {name: weights.get(name, 1.0) for name in NAMES}
    assert visited(plan) == [expected] * steps
    assert [[v.dataset for v in c.visits] for c in cycles(plan)] == [sorted(NAMES)] * steps


def test_how_a_study_orders_its_data_sets_changes_nothing():
    plan = curriculum()
    turned = Curriculum(steps=7, train_on=dict(reversed(plan.train_on.items())))
    assert list(cycles(plan)) == list(cycles(turned))
    assert list(plan.train_on) != list(turned.train_on)


blocks = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.dictionaries(st.sampled_from(NAMES), st.floats(0.1, 5), min_size=1),
    ),
    min_size=1,
    max_size=4,
)


@given(blocks, st.integers(0, 30))
def test_blocks_repeat_to_the_end(parts, more):
    parts.append((1, dict.fromkeys(NAMES, 1.0)))  # so that every data set is visited
    period = [weights for cycles_, weights in parts for _ in range(cycles_)]
    steps = len(period) + more
    own = {"objects": 2.0, "faces": 0.5, "bodies": 1.0}
    plan = curriculum(
        steps=steps,
        weights=own,
        blocks=[{"cycles": count, "weights": weights} for count, weights in parts],
    )
    expected = [
        {name: own[name] * factor for name, factor in period[step % len(period)].items()}
        for step in range(steps)
    ]
    assert visited(plan) == expected


@given(blocks, st.integers(1, 20))
def test_the_batches_of_a_data_set_count_its_own_visits(parts, steps):
    parts.append((1, dict.fromkeys(NAMES, 1.0)))
    steps += sum(count for count, _ in parts)
    named = [{"cycles": count, "weights": weights} for count, weights in parts]
    seen = Counter()
    for cycle in cycles(curriculum(steps=steps, blocks=named)):
        for visit in cycle.visits:
            assert visit.number == seen[visit.dataset]
            seen[visit.dataset] += 1


def test_a_sequence_takes_its_steps_for_each_data_set_with_a_schedule_from_the_start():
    plan = curriculum(steps=5, warmup=0.4, sequence=["bodies", "objects", "faces"])
    found = list(cycles(plan))
    assert [c.step for c in found] == list(range(15))
    assert [list(v) for v in visited(plan)] == [["bodies"]] * 5 + [["objects"]] * 5 + [
        ["faces"]
    ] * 5
    assert [c.learning_rate for c in found] == [learning_rate(s, plan) for s in range(5)] * 3
    assert [c.step for c in found if c.fresh] == [0, 5, 10]
    assert [c.visits[0].number for c in found] == list(range(5)) * 3
    assert plan.total_steps() == 15


def test_without_a_sequence_the_optimiser_starts_once():
    assert [c.step for c in cycles(curriculum()) if c.fresh] == [0]


def test_every_curriculum_of_the_default_study_shows_as_many_images_of_a_task_as_its_expert():
    text = (Path(__file__).resolve().parents[2] / "config.yaml").read_text("utf-8")
    study = parse_study(load_yaml(text, "config.yaml"), "config.yaml", text)
    shown = {}
    for name, plan in study.curricula.items():
        visits = Counter(visit.dataset for cycle in cycles(plan) for visit in cycle.visits)
        shown[name] = {d: n * plan.train_on[d].batch_size for d, n in visits.items()}
    experts = {dataset: shown[expert][dataset] for dataset, expert in study.tasks().items()}
    assert len(experts) == 4
    for name in ("sequential", "alternate", "imic-a", "imic-b"):
        assert shown[name] == experts, name


def test_the_schedule_needs_no_torch():
    code = "import sys, unispace.curricula.schedule; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- what makes no schedule ---


WRONG = [
    ({"sequence": ["objects", "faecs", "bodies"]}, "sequence: `faecs` is not in train_on; did you"),
    ({"sequence": ["objects", "faces"]}, "sequence: `bodies` of train_on is never visited; add it"),
    ({"sequence": ["faces", "faces"]}, "`faces` is named twice"),
    ({"sequence": NAMES, "weights": {"faces": 0}}, "sequence: `faces` has weight 0"),
    ({"blocks": [{"cycles": 1, "weights": {"face": 1}}]}, r"blocks\[0\].weights: `face` is not in"),
    (
        {"blocks": [{"cycles": 1, "weights": {"faces": 1}}]},
        "blocks: `objects` of train_on is never",
    ),
    ({"blocks": [{"cycles": 1, "weights": {}}]}, "at least 1 item"),
    ({"blocks": [{"cycles": 0, "weights": {"faces": 1}}]}, "greater than or equal to 1"),
    (
        {"blocks": [{"cycles": 1, "weights": dict.fromkeys(NAMES, 0)}]},
        r"blocks\[0\]: every data set has weight 0",
    ),
    (
        {"blocks": [{"cycles": c, "weights": dict.fromkeys(NAMES, 1)} for c in (7, 1)]},
        r"blocks\[1\] begins after the last of 7 steps",
    ),
    (
        {"sequence": NAMES, "blocks": [{"cycles": 1, "weights": dict.fromkeys(NAMES, 1)}]},
        "sequence and blocks exclude each other",
    ),
    ({"train_on": {}, "sequence": ["faces"]}, "sequence needs train_on"),
    ({"untrained": True}, "untrained tunes nothing; leave train_on out"),
    ({"interpolate": {"curriculum": "x", "share": 0.5}}, "interpolate tunes nothing"),
    (
        {"train_on": {}, "untrained": True, "interpolate": {"curriculum": "x", "share": 0.5}},
        "untrained and interpolate exclude each other",
    ),
    ({"weights": dict.fromkeys(NAMES, 0)}, "at least one data set of train_on needs a weight"),
    (
        {"compile": True, "coupling": "concat", "conflict_every": 5},
        "conflict_every cannot tell the gradients of a mixed batch apart in a compiled network",
    ),
    (
        {"micro_batches": 20, "processes": 2},
        "train_on.objects: a batch of 32 has no image for each of 40 parts",
    ),
]


@pytest.mark.parametrize(("changes", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_plan_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        curriculum(**changes)
