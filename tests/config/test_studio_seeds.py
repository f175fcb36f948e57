"""The study of seeds is the curriculum part of the default study, from several seeds."""

from pathlib import Path

import pytest

from unispace.config.parse import load_yaml, parse_study

ROOT = Path(__file__).resolve().parents[2]


def parsed(name):
    file = ROOT / name
    text = file.read_text("utf-8")
    return parse_study(load_yaml(text, file.name), file.name, text)


@pytest.fixture(scope="module")
def default():
    return parsed("config.yaml")


@pytest.fixture(scope="module")
def study():
    return parsed("workflow/studies/studio-seeds.yaml")


def test_everything_that_decides_a_model_is_that_of_the_default_study(study, default):
    assert study.seed == default.seed
    for part in ("datasets", "curricula"):
        ours, theirs = getattr(study, part), getattr(default, part)
        assert {n: ours[n] for n in ours} == {n: theirs.get(n) for n in ours}
    for name, backbone in study.backbones.items():
        apart = {"curricula", "without"}
        assert backbone.model_dump(exclude=apart) == default.backbones[name].model_dump(
            exclude=apart
        )


def test_no_model_of_the_curriculum_study_is_missing(study, default):
    """All of the default study but what its other two parts are about, of each of its pretrained backbones."""
    other_parts = {"face-arcface", "fr", "mad", "pad"}
    assert study.curricula.keys() == default.curricula.keys() - other_parts

    def tuned(of):
        models = (name.split("/") for name in of.models())
        return {
            (backbone, curriculum)
            for backbone, curriculum, _ in models
            if backbone in study.backbones and curriculum not in other_parts
        }

    assert tuned(study) == tuned(default)


def test_its_numbers_are_taken_as_in_the_default_study(study, default):
    apart = {"datasets", "attacks"}
    assert study.evaluation.model_dump(exclude=apart) == default.evaluation.model_dump(
        exclude=apart
    )
    assert study.analysis == default.analysis
    trained = {d for c in study.curricula.values() for d in c.train_on}
    assert trained < set(study.evaluation.datasets) <= set(default.evaluation.datasets)


def test_there_are_enough_seeds_for_a_deviation_and_for_wilcoxons_test(study, default):
    assert set(default.seeds) < set(study.seeds)
    assert len(study.seeds) >= 5
