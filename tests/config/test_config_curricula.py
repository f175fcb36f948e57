"""Curricula that need others, and what a training may be told."""

import pytest
from pydantic import ValidationError

from unispace.config.curricula import Curriculum, reference_problems

TUNED = Curriculum(train_on={"faces": {}})


def problems(end, tuned_with=("base", "tuned", "wise"), **more):
    wise = Curriculum(interpolate={"curriculum": end, "share": 0.3})
    curricula = {"base": Curriculum(), "tuned": TUNED, "wise": wise, **more}
    return reference_problems(curricula, {"micro": tuned_with})


def test_weights_between_a_trained_curriculum_and_the_base_are_allowed():
    assert problems("tuned") == []
    assert problems("tuned", tuned_with=("base",)) == []


WRONG = {
    "tunde": "`tunde` is not defined; did you mean `tuned`?",
    "base": "`base` tunes nothing; name one that has train_on",
    "wise": "`wise` tunes nothing; name one that has train_on",
}


@pytest.mark.parametrize("end", WRONG)
def test_the_end_of_the_line_must_be_trained(end):
    (problem,) = problems(end)
    assert problem.startswith("curricula.wise.interpolate.curriculum: " + WRONG[end])


def test_the_end_of_the_line_must_be_a_model_of_the_same_backbone():
    (problem,) = problems("tuned", tuned_with=("base", "wise"))
    assert "backbone `micro` is not tuned with `tuned`; add it to its `curricula`" in problem


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"ema": 1.0}, "ema"),
        ({"processes": 0}, "processes"),
        ({"micro_batches": 0}, "micro_batches"),
        ({"precision": "float16"}, "precision"),
        ({"validate_every": -1}, "validate_every"),
        ({"coupling": "sum"}, "coupling"),
        ({"interpolate": {"curriculum": "tuned", "share": 1.5}}, "interpolate.share"),
        ({"interpolate": {"share": 0.5}}, "interpolate.curriculum"),
        ({"blocks": [{"cycles": 1, "weights": {"faces": -1}}]}, "blocks.0.weights.faces"),
    ],
    ids=str,
)
def test_a_value_out_of_bounds_is_refused(changes, where):
    with pytest.raises(ValidationError) as refused:
        Curriculum(**{"train_on": {"faces": {}}, **changes})
    assert where in {".".join(map(str, error["loc"])) for error in refused.value.errors()}


def test_a_curriculum_survives_its_json():
    whole = Curriculum(
        train_on={"faces": {"weight": 0.5}, "things": {}},
        blocks=[{"cycles": 2, "weights": {"faces": 1, "things": 2}}],
        ema=0.9,
    )
    assert Curriculum.model_validate_json(whole.to_json()) == whole
