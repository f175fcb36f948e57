"""What a study may ask pretraining for, and what it may not."""

import pytest

from unispace.config.parse import parse_study
from unispace.errors import UserError

STUDIO = {"kind": "studio", "labels": 4, "images_per_label": 4}
CLIP = {
    "provider": "open_clip",
    "architecture": "ViT-B-16",
    "pooling": "token",
    "preprocessing": {"size": 224},
}
EVA = {"architecture": "eva02_tiny_patch14_224"}


def study(datasets=None, **backbones):
    return {
        "study": "s",
        "datasets": {"things": {"domain": "object", "source": STUDIO}} | (datasets or {}),
        "backbones": backbones,
        "curricula": {"base": {}},
        "evaluation": {"datasets": ["things"]},
    }


def learnt(objective, dataset="things", **more):
    return {"kind": "pretrain", "objective": objective, "dataset": dataset, **more}


def clip(**more):
    return {**CLIP, "weights": learnt("contrastive", **more)}


def eva(objective="masked-features", **more):
    return {**EVA, "weights": learnt(objective, **more)}


def test_each_objective_is_allowed_where_it_has_what_it_needs():
    found = parse_study(
        study(
            clip=clip(),
            eva=eva(teacher="clip", masked_features={"mask_share": 0.3}),
            dino=eva("self-distillation", self_distillation={"local_crops": 2, "koleo": 0.1}),
            plain=eva("classify"),
        )
    )
    assert found.backbones["eva"].weights.masking.mask_share == 0.3
    assert found.backbones["dino"].weights.distilling.local_crops == 2
    assert found.backbones["dino"].weights.distilling.outputs == 1024
    assert found.trained_datasets() == ("things",)


def test_the_objective_that_is_left_out_is_classification():
    weights = {"kind": "pretrain", "dataset": "things"}
    found = parse_study(study(b={**EVA, "weights": weights}))
    assert found.backbones["b"].weights.objective == "classify"


REMOTE = {"kind": "torchvision", "name": "OxfordIIITPet"}


@pytest.mark.parametrize(
    ("backbones", "message"),
    [
        (
            {"b": {**EVA, "weights": learnt("contrastive")}},
            "`contrastive` needs a text tower; write `provider: open_clip`",
        ),
        (
            {"b": {**CLIP, "weights": learnt("classify")}},
            "objective `classify` leaves the text tower untrained",
        ),
        ({"b": eva()}, "`masked-features` needs a `teacher`"),
        (
            {"b": eva("classify", teacher="c")},
            "`teacher` is for objective `masked-features`, and this is `classify`; leave it out",
        ),
        (
            {"b": eva("classify", self_distillation={})},
            "`self_distillation` is for objective `self-distillation`",
        ),
        (
            {"b": eva("self-distillation", masked_features={})},
            "`masked_features` is for objective `masked-features`",
        ),
        (
            {"b": eva("self-distillation", self_distillation={"local_area": [0.5, 0.2]})},
            "local_area: 0.5 is more than 0.2; give the smaller share first",
        ),
        (
            {"b": eva("self-distillation", self_distillation={"teacher_temperature": 0.2})},
            "teacher_temperature 0.2 is above student_temperature 0.1",
        ),
        ({"clip": clip(), "b": eva(teacher="clap")}, "`clap` is not defined; did you mean `clip`"),
        (
            {"b": eva(teacher="a"), "a": eva("classify")},
            "backbones.b.weights.teacher: `a` is no backbone of provider `open_clip`",
        ),
        (
            {"b": eva(teacher="a"), "a": {**CLIP, "weights": {"kind": "random"}}},
            "backbones.b.weights.teacher: `a` has random weights",
        ),
    ],
)
def test_what_an_objective_lacks_is_told_before_anything_runs(backbones, message):
    with pytest.raises(UserError) as error:
        parse_study(study(**backbones))
    assert message in str(error.value)


@pytest.mark.parametrize(
    "dataset",
    [{"domain": "face_hq", "source": STUDIO}, {"domain": "object", "source": REMOTE}],
)
def test_a_data_set_that_has_no_captions_is_refused(dataset):
    with pytest.raises(UserError, match="`other` has no captions, which objective `contrastive`"):
        parse_study(study({"other": dataset}, clip=clip(dataset="other")))


def test_several_data_sets_are_learnt_from_as_one():
    more = {"textures": {"domain": "object", "source": {**STUDIO, "family": "textures"}}}
    found = parse_study(study(more, clip=clip(dataset=["things", "textures"]), one=clip()))
    weights = found.backbones["clip"].weights
    assert weights.datasets == ("things", "textures")
    assert found.backbones["one"].weights.datasets == ("things",)
    # A single name stays what it was, so that nothing made from it runs again.
    assert found.backbones["one"].weights.model_dump(mode="json")["dataset"] == "things"
    assert found.trained_datasets() == ("things", "textures")


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (
            ["things", "thing"],
            "backbones.clip.weights.dataset: `thing` is not defined; did you mean",
        ),
        (["things", "faces"], "backbones.clip.weights.dataset: `faces` has no captions"),
        (["things", "things"], "`things` is named twice"),
        (["things"], "needs at least 2 of them"),
        ([], "needs at least 2 of them"),
    ],
)
def test_lists_of_data_sets_that_are_wrong_are_told(dataset, message):
    faces = {"faces": {"domain": "face_hq", "source": STUDIO}}
    with pytest.raises(UserError) as caught:
        parse_study(study(faces, clip=clip(dataset=dataset)))
    assert message in str(caught.value)
