"""Attack detection in a study: what it allows, and what is refused before the first job."""

import pytest

from unispace.config.attacks import (
    attack_datasets,
    attack_text_backbones,
    attacked_models,
    headed_datasets,
    headed_models,
)
from unispace.config.parse import parse_study
from unispace.data.prompts.attack_texts import CLASSES, read_attack_texts
from unispace.embedding.needed import needed_splits
from unispace.errors import UserError

SOURCE = {"kind": "studio", "labels": 20, "images_per_label": 2, "size": 48}
CLIP = {
    "provider": "open_clip",
    "architecture": "ViT-B-16",
    "pooling": "token",
    "preprocessing": {"size": 224},
    "weights": {"kind": "random"},
}


def study(attacks=None, clip=False, tested=("faces", "attacks", "morphs"), **changes):
    timm = {"architecture": "eva02_tiny_patch14_224", "weights": {"kind": "random"}}
    return {
        "study": "s",
        "datasets": {
            "faces": {"domain": "face_hq", "source": SOURCE},
            "attacks": {"domain": "pad", "source": SOURCE},
            "morphs": {"domain": "mad", "source": SOURCE},
        },
        "backbones": {"b": timm, **({"clip": CLIP} if clip else {})},
        "curricula": {"base": {}, "expert-face_hq": {"train_on": {"faces": {}}}},
        "evaluation": {"datasets": list(tested), **({"attacks": attacks} if attacks else {})},
        **changes,
    }


TUNED = {"base": {}, "lora-pad": {"train_on": {"attacks": {}}}}


def test_sets_of_attacks_may_be_evaluated_and_are_told_apart_from_all_others():
    found = parse_study(study())
    assert attack_datasets(found) == ("attacks", "morphs")
    assert found.identity_datasets() == ("faces",)
    assert found.class_datasets() == ()
    assert found.unseen_datasets() == ()
    assert {d for *_, datasets in found.changes_of("b") for d in datasets} == {"faces"}


def test_an_expert_on_attacks_makes_no_task_of_recognition():
    curricula = {"base": {}, "expert-pad": {"train_on": {"attacks": {}}}}
    found = parse_study(study(curricula=curricula))
    assert found.tasks() == {}
    assert headed_models(found) == ("b/expert-pad/seed0",)


def test_attacks_are_embedded_whole_and_persons_are_not():
    found = parse_study(study())
    assert needed_splits(found, "b/base/seed0", "attacks") is None
    assert needed_splits(found, "b/expert-face_hq/seed0", "faces") is not None


def test_models_that_are_tuned_on_attacks_may_have_heads_and_others_have_none():
    found = parse_study(study(curricula=TUNED))
    assert headed_models(found) == ("b/lora-pad/seed0",)
    assert headed_datasets(found, "b/lora-pad/seed0") == ("attacks",)
    assert headed_models(parse_study(study({"detectors": ["probe"]}, curricula=TUNED))) == ()


def test_backbones_may_be_chosen():
    found = parse_study(study({"backbones": ["b"]}, clip=True, curricula=TUNED))
    assert attacked_models(found) == ("b/base/seed0", "b/lora-pad/seed0")
    assert attack_text_backbones(found) == ()
    assert len(attacked_models(parse_study(study(clip=True)))) == 4


def test_a_set_of_attacks_is_no_task_of_the_analysis():
    from unispace.config.analysis import analysed_datasets

    curricula = {"base": {}, "both": {"train_on": {"faces": {}, "attacks": {}}}}
    assert analysed_datasets(parse_study(study(curricula=curricula))) == ("faces",)
    with pytest.raises(UserError, match=r"analysis\.datasets: `attacks` holds attacks"):
        parse_study(study(curricula=curricula, analysis={"datasets": ["faces", "attacks"]}))


def test_clips_detect_by_texts_where_the_study_does_not_leave_them_out():
    assert attack_text_backbones(parse_study(study(clip=True))) == ("clip",)
    assert attack_text_backbones(parse_study(study({"detectors": ["probe"]}, clip=True))) == ()
    assert attack_text_backbones(parse_study(study(tested=["faces"], clip=True))) == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attacks": {"detectors": ["head"]}}, "`head` takes a curriculum that is trained on a tested set of attacks"),
        ({"attacks": {"detectors": ["text"]}}, "`text` takes a backbone of provider `open_clip`, and none is one"),
        ({"attacks": {"detectors": ["probe"]}, "tested": ["faces"]}, "there is nothing to detect; name a data set"),
        ({"attacks": {"backbones": ["bb"]}}, "evaluation.attacks.backbones: `bb` is not defined; did you mean `b`"),
        ({"attacks": {"detectors": []}}, "evaluation.attacks.detectors"),
        ({"attacks": {"detectors": ["prob"]}}, "evaluation.attacks.detectors"),
        ({"attacks": {"points": [0.1, 1]}}, "evaluation.attacks.points"),
        ({"attacks": {"errors": 0}}, "evaluation.attacks.errors"),
        ({"attacks": {"cross": [{"fit": "attacks", "test": "attacks"}]}}, "`attacks` is fitted and tested"),
        (
            {"attacks": {"cross": [{"fit": "faces", "test": "attacks"}]}},
            "evaluation.attacks.cross: fit: `faces` must be an evaluated data set of domain pad or mad",
        ),
        (
            {"attacks": {"cross": [{"fit": "attacks", "test": "morph"}]}},
            "test: `morph` must be an evaluated data set of domain pad or mad; did you mean `morphs`",
        ),
    ],
)  # fmt: skip
def test_what_a_study_cannot_have_is_refused(changes, message):
    with pytest.raises(UserError) as caught:
        parse_study(study(**changes))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"val": 0}, "datasets.attacks.splits: there is no val split, which thresholds"),
        ({"train": 0}, "datasets.attacks.splits: there is no train split, which the attack probe is fitted on"),
        ({"keep": ["train", "test"]}, "there is no val split"),
    ],
)  # fmt: skip
def test_a_set_without_the_splits_of_a_probe_is_refused_unless_others_are_tested_on_it(
    splits, message
):
    raw = study()
    raw["datasets"]["attacks"]["splits"] = splits
    with pytest.raises(UserError) as caught:
        parse_study(raw)
    assert message in str(caught.value)
    raw["evaluation"]["attacks"] = {"cross": [{"fit": "morphs", "test": "attacks"}]}
    assert parse_study(raw).evaluation.attacks.fitted_for("attacks") == ("morphs",)


@pytest.mark.parametrize("domain", ["pad", "mad"])
@pytest.mark.parametrize("name", ["paper", "studio"])
def test_every_set_of_texts_has_sentences_of_both_classes(name, domain):
    found = read_attack_texts(name, domain)
    assert tuple(found) == CLASSES
    said = [sentence for sentences in found.values() for sentence in sentences]
    assert len(set(said)) == len(said)


def test_the_texts_of_the_papers_are_as_published():
    assert read_attack_texts("paper", "pad") == {
        "attack": ("biometric presentation attack",),
        "bona_fide": ("bona-fide presentation",),
    }
    assert read_attack_texts("paper", "mad")["attack"] == ("face image morphing attack",)
