"""The study that varies one factor at a time does so."""

from pathlib import Path

import pytest

from unispace.config.parse import load_yaml, parse_study

FILE = Path(__file__).resolve().parents[2] / "workflow/studies/tradeoffs-controlled.yaml"


@pytest.fixture(scope="module")
def study():
    text = FILE.read_text("utf-8")
    return parse_study(load_yaml(text, FILE.name), FILE.name, text)


def leaves(value, path=()):
    """Every setting by its path; the data set of a curriculum has none of its own."""
    if isinstance(value, dict):
        return {k: v for key, part in value.items() for k, v in leaves(part, (*path, key)).items()}
    return {path: value}


def settings_of(curriculum):
    stated = curriculum.model_dump(mode="json")
    ((dataset, part),) = stated.pop("train_on").items()
    return leaves({**stated, "train_on": {"dataset": dataset, **part}})


def changed(study, name, reference):
    one, other = (settings_of(study.curricula[n]) for n in (name, reference))
    return {
        ".".join(path) for path in one.keys() | other.keys() if one.get(path) != other.get(path)
    }


ONE = {
    "fr-softmax": ("fr", {"train_on.head.loss"}),
    "pad-kinds": ("pad", {"train_on.head.loss"}),
    "fr-classes-2": ("fr", {"train_on.dataset"}),
    "fr-classes-24": ("fr", {"train_on.dataset"}),
    "fr-classes-1200": ("fr", {"train_on.dataset"}),
    "fr-rank-2": ("fr", {"lora.rank"}),
    "fr-rank-32": ("fr", {"lora.rank"}),
    "fr-rate-quarter": ("fr", {"learning_rate"}),
    "fr-rate-fourfold": ("fr", {"learning_rate"}),
    "fr-steps-75": ("fr", {"steps"}),
    "fr-steps-1200": ("fr", {"steps"}),
    "fr-full": ("fr", {"lora.rank", "lora.alpha", "lora.dropout"}),
    "pad-full": ("pad", {"lora.rank", "lora.alpha", "lora.dropout"}),
    # Another task has other data and another head, and nothing else.
    "pad": ("fr", {"train_on.dataset", "train_on.head.loss"}),
}


@pytest.mark.parametrize("name", ONE)
def test_one_thing_changes(study, name):
    reference, factors = ONE[name]
    assert changed(study, name, reference) == factors


def test_every_curriculum_has_a_factor(study):
    assert study.curricula.keys() == {"base", "fr", *ONE}


def test_all_training_sets_hold_as_many_images(study):
    sets = {d for c in study.curricula.values() for d in c.train_on}
    sizes = {}
    for name in sets:
        source = study.datasets[name].source
        sizes[name] = source.labels * source.images_of_each(study.datasets[name].domain)
        assert study.datasets[name].splits.train == 1
    assert set(sizes.values()) == {2400}


def test_nobody_who_is_tested_is_trained_on(study):
    trained = {study.datasets[d].source.world for c in study.curricula.values() for d in c.train_on}
    assert study.datasets["faces"].source.world not in trained
