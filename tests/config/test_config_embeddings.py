"""Studies of embeddings that were made elsewhere: what they may leave out, and what is refused."""

import copy

import pytest

from unispace.config.analysis import analysed_models
from unispace.config.parse import parse_study
from unispace.errors import UserError

INDEX = {
    "domain": "face_hq",
    "source": {"kind": "index", "path": "f.csv"},
    "splits": {"train": 0, "val": 0},
}
STUDIO = {"domain": "face_hq", "source": {"kind": "studio", "labels": 4, "images_per_label": 4}}
BACKBONE = {"architecture": "pixels", "weights": {"kind": "random"}}


def own(card="one", **datasets):
    return {"card": {"checkpoint": card}, "datasets": datasets}


def study(**changes):
    """Two models without images."""
    parts = {
        "study": "s",
        "datasets": {"faces": INDEX},
        "embeddings": {
            "one": own("one", faces={"vectors": "1.npy"}),
            "two": own("two", faces={"vectors": "2.npy", "index": "2.csv"}),
        },
        "evaluation": {"datasets": ["faces"]},
        **changes,
    }
    return copy.deepcopy({key: value for key, value in parts.items() if value is not None})


def refusal(data):
    with pytest.raises(UserError) as error:
        parse_study(data)
    return str(error.value)


def test_embeddings_need_no_backbone_and_no_curriculum():
    made = parse_study(
        study(maps={"models": ["one/own/seed0", "two/own/seed0"], "datasets": ["faces"]})
    )
    assert made.models() == made.own_models() == ("one/own/seed0", "two/own/seed0")
    assert made.network_models() == ()
    assert len(made.map_pairs()) == 2
    assert not made.datasets["faces"].has_images


def test_they_stand_beside_models_on_images():
    changes = {
        "datasets": {"faces": STUDIO},
        "backbones": {"pixels": BACKBONE},
        "curricula": {"base": {}},
        "embeddings": {"one": own(faces={"vectors": "1.npy", "index": "1.csv"})},
        "audit": {"model": "one/own/seed0"},
        "analysis": {"datasets": ["faces"]},
    }
    made = parse_study(study(**changes))
    assert made.models() == ("pixels/base/seed0", "one/own/seed0")
    assert made.network_models() == ("pixels/base/seed0",)
    # Nothing here tuned them, as nothing tuned the base.
    assert analysed_models(made) == made.models()
    assert made.changes_of("pixels") == ()


def two(**settings):
    return {**study()["embeddings"], "two": {**study()["embeddings"]["two"], **settings}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"embeddings": None},
            "`backbones`: missing; add the line `backbones: ...` (the backbones, by name) or `embeddings: ...`",
        ),
        (
            {"embeddings": two(card={"checkpoint": "one"})},
            "embeddings.two.card: `one` has the same card; take one out, or say what tells them apart",
        ),
        ({"embeddings": two(card={})}, "`embeddings.two.card`: got {}, needs at least 1"),
        (
            {"embeddings": two(card={"checkpoint": None})},
            "`embeddings.two.card.checkpoint",
        ),
        (
            {"embeddings": two(datasets={"face": {"vectors": "2.npy"}})},
            "embeddings.two.datasets: `face` is not defined; did you mean `faces`?",
        ),
        (
            {"datasets": {"faces": INDEX, "more": INDEX}, "evaluation": {"datasets": ["faces", "more"]}},
            "embeddings.one.datasets: `more` is evaluated, so every model needs vectors of it; "
            "add the line `more: { vectors: FILE.npy }`",
        ),
        (
            {
                "datasets": {"faces": INDEX, "more": STUDIO},
                "embeddings": two(datasets={d: {"vectors": "2.npy"} for d in ("faces", "more")}),
            },
            "embeddings.two.datasets: `more` is not in evaluation.datasets; add it there, or take it out here",
        ),
        (
            {"datasets": {"faces": STUDIO}},
            "embeddings.one.datasets.faces: say which image each row is of; "
            "write `{ vectors: 1.npy, index: FILE.csv }`",
        ),
        (
            {"backbones": {"one": BACKBONE}, "curricula": {"base": {}}, "datasets": {"faces": STUDIO}},
            "embeddings.one: a backbone has this name too; rename one of the two",
        ),
        (
            {"backbones": {"b": BACKBONE}, "curricula": {"own": {}}, "datasets": {"faces": STUDIO}},
            "curricula.own: stands for `embeddings` in the names of models",
        ),
        (
            {"backbones": {"b": BACKBONE}, "curricula": {"base": {}}},
            "evaluation.datasets: `faces` has no images, which the backbones of the study would embed",
        ),
        (
            {"backbones": {"b": BACKBONE}, "curricula": {"a": {"steps": 2, "train_on": {"faces": {}}}}},
            "datasets.faces: has no images to train on",
        ),
        (
            {"datasets": {"faces": INDEX, "more": INDEX}},
            "datasets.more: has no images and is not tested; add it to evaluation.datasets, or take it out",
        ),
        (
            {"datasets": {"faces": {**INDEX, "domain": "pad"}}},
            "a list of images without the images is of domain object, face_hq, face_lq or person, not pad",
        ),
        (
            {"maps": {"models": ["one/own/seed0", "two/own/seed1"], "datasets": ["faces"]}},
            "maps.models: `two/own/seed1` is not defined; did you mean `two/own/seed0`",
        ),
        (
            {"analysis": {"datasets": ["faces"]}},
            "datasets.faces.splits.train: is 0, but principal components are taken of the train split",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(changes, message):
    assert message in refusal(study(**changes))
