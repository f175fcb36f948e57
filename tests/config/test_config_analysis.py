"""What the analysis is about, where a study says nothing, and what it may name."""

from pathlib import Path

import pytest
import yaml

from unispace.config.analysis import analysed_datasets, analysed_domains, analysed_models
from unispace.config.parse import parse_study
from unispace.errors import UserError

TINY = Path(__file__).resolve().parents[2] / "workflow/studies/tiny.yaml"
TASKS = ("objects", "faces", "faces_lq", "bodies")


def study(**analysis):
    config = yaml.safe_load(TINY.read_text("utf-8"))
    return parse_study({**config, "analysis": analysis})


def test_the_tasks_are_the_evaluated_data_sets_that_are_trained_on():
    assert analysed_datasets(study()) == TASKS
    assert analysed_domains(study()) == ("object", "face_hq", "face_lq", "person")
    assert analysed_datasets(study(datasets=["bodies", "faces"])) == ("bodies", "faces")


def test_the_models_are_those_of_several_domains_and_those_not_tuned():
    models = [f"micro/{curriculum}/seed0" for curriculum in ("base", "sequential", "imic-a")]
    assert analysed_models(study()) == (*models, "clip/base/seed0")
    between = yaml.safe_load(TINY.read_text("utf-8"))
    between["curricula"]["half"] = {"interpolate": {"curriculum": "imic-a", "share": 0.5}}
    between["backbones"]["micro"]["curricula"].append("half")
    assert "micro/half/seed0" not in analysed_models(parse_study(between))
    named = "micro/expert-face_hq/seed0"
    assert analysed_models(study(models=[named])) == (named,)


@pytest.mark.parametrize(
    ("analysis", "told"),
    [
        (
            {"models": ["micro/imic-b/seed0"]},
            "analysis.models: `micro/imic-b/seed0` is not defined",
        ),
        ({"datasets": ["things"]}, "analysis.datasets: `things` is not in evaluation.datasets"),
        (
            {"transfer": {"unrelated": "things"}},
            "analysis.transfer.unrelated: `things` is not in evaluation.datasets",
        ),
        (
            {"transfer": {"unrelated": "faces"}},
            "analysis.transfer.unrelated: `faces` is one of the tasks",
        ),
    ],
)
def test_what_the_study_does_not_have_is_refused(analysis, told):
    with pytest.raises(UserError) as error:
        study(**analysis)
    assert told in str(error.value)
