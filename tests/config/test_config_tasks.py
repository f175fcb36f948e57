"""What the roles of curricula are, and which models are compared."""

import pytest

from unispace.config.parse import parse_study
from unispace.errors import UserError

STUDIO = {"kind": "studio", "labels": 4, "images_per_label": 4}
DATASETS = {
    "objects": "object",
    "styles": "object",
    "faces": "face_hq",
    "faces_unseen": "face_hq",
    "bodies": "person",
}


def study(evaluation=None, **curricula):
    return {
        "study": "s",
        "datasets": {name: {"domain": d, "source": STUDIO} for name, d in DATASETS.items()},
        "backbones": {
            "b": {"architecture": "eva02_tiny_patch14_224", "weights": {"kind": "random"}}
        },
        "curricula": {
            "base": {"steps": 7},
            "expert-object": {"train_on": {"objects": {}}},
            "expert-face": {"train_on": {"faces": {}}},
            "imic-a": {"train_on": {"objects": {}, "faces": {}, "bodies": {}}},
            **curricula,
        },
        "seeds": [0, 1],
        "evaluation": {"datasets": list(DATASETS), **(evaluation or {})},
    }


def test_roles_follow_from_what_is_trained_on():
    found = parse_study(study())
    assert found.tasks() == {"objects": "expert-object", "faces": "expert-face"}
    assert found.base_curriculum() == "base"
    assert found.unseen_datasets() == ("styles", "faces_unseen")
    experts = [found.expert_of(d) for d in DATASETS]
    assert experts == ["expert-object", "expert-object", "expert-face", "expert-face", None]


def test_an_expert_trains_on_one_data_set_alone():
    more = {"expert-all": {"train_on": {"bodies": {}, "faces": {}}}, "body": {"train_on": {"bodies": {}}}}  # fmt: skip
    assert "bodies" not in parse_study(study(**more)).tasks()


def test_a_study_may_have_no_base():
    raw = study()
    del raw["curricula"]["base"]
    found = parse_study(raw)
    assert found.base_curriculum() is None
    references = {reference for _, reference, _ in found.changes_of("b")}
    assert references == {f"b/expert-{d}/seed{s}" for d in ("object", "face") for s in (0, 1)}


def test_models_are_compared_with_the_base_and_with_the_expert_of_each_data_set():
    changes = {(m, r): d for m, r, d in parse_study(study()).changes_of("b")}
    assert len(changes) == 2 * (3 + 2 + 2)
    everything = tuple(DATASETS)
    for seed in ("seed0", "seed1"):
        assert changes[f"b/imic-a/{seed}", f"b/base/{seed}"] == everything
        assert changes[f"b/imic-a/{seed}", f"b/expert-face/{seed}"] == ("faces", "faces_unseen")
        assert changes[f"b/expert-object/{seed}", f"b/expert-face/{seed}"] == ("faces", "faces_unseen")  # fmt: skip
        assert (f"b/expert-face/{seed}", f"b/expert-face/{seed}") not in changes
    for model, reference in changes:
        assert model.split("/")[1] != "base"
        assert model[-1] == reference[-1]


def test_a_backbone_with_a_curriculum_of_its_own_has_nothing_to_compare():
    raw = study()
    raw["backbones"]["c"] = {**raw["backbones"]["b"], "curricula": ["imic-a"]}
    assert parse_study(raw).changes_of("c") == ()


def test_one_margin_may_be_changed():
    found = parse_study(study({"margins": {"AUC": 0.01}})).evaluation.margins
    assert found == {"AUC": 0.01, "Rank-1": 0.05, "top-1": 0.05}


@pytest.mark.parametrize(
    ("evaluation", "message"),
    [
        ({"margins": {"EER": 0.1}}, "evaluation.margins"),
        ({"margins": {"AUC": 0}}, "evaluation.margins"),
        ({"gallery": {"styles": "objekts"}}, "evaluation.gallery: `objekts` must be an evaluated"),
        ({"gallery": {"styles": "faces"}}, "`faces` must be an evaluated data set of objects"),
        ({"gallery": {"styles": "styles"}}, "`styles` names itself"),
        ({"linear_probe": {"penalties": [1, 1]}}, "evaluation.linear_probe.penalties"),
        ({"linear_probe": {"penalties": [0]}}, "evaluation.linear_probe.penalties"),
    ],
)
def test_what_means_nothing_is_refused(evaluation, message):
    with pytest.raises(UserError) as caught:
        parse_study(study(evaluation))
    assert message in str(caught.value)
