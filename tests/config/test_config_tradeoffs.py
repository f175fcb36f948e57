"""The trade-offs of a study: what is refused, and in which words."""

import pytest
import yaml

from unispace.config.parse import parse_study
from unispace.config.tradeoffs import Gain, Gained, gained, traded, traded_backbones
from unispace.errors import UserError

STUDY = """
study: s
datasets:
  shapes: &objects { domain: object, source: { kind: studio, labels: 4, images_per_label: 6 } }
  colours: *objects
  faces: { domain: face_hq, source: { kind: studio, labels: 9, images_per_label: 4 } }
backbones:
  small: &network
    architecture: vit_tiny_patch16_224
    weights: { kind: random }
  large: *network
curricula:
  base: {}
  fr: { train_on: { faces: {} } }
evaluation: { datasets: [shapes, colours, faces], fmr: [0.01] }
tradeoffs:
  datasets: [shapes, colours]
  gain: { fr: { dataset: faces } }
  sizes: { vit: [small, large] }
"""


def study(**part):
    config = yaml.safe_load(STUDY)
    config["tradeoffs"] |= part
    return config


def refused(config, message):
    with pytest.raises(UserError) as error:
        parse_study(config)
    assert message in str(error.value)


def test_a_sound_study_knows_what_is_compared():
    found = parse_study(study())
    assert gained(found) == (Gained("fr", "faces", "verification", "all-pairs", "AUC", True),)
    assert traded_backbones(found) == ("small", "large")
    assert traded(found, "small") == (
        ("small/base/seed0", "small/base/seed0"),
        ("small/fr/seed0", "small/base/seed0"),
    )


def test_without_general_sets_there_is_no_such_part():
    config = study()
    del config["tradeoffs"]
    found = parse_study(config)
    assert traded_backbones(found) == ()
    assert traded(found, "small") == ()


def test_a_gain_says_how_it_is_taken():
    config = study(gain={"fr": {"dataset": "faces", "metric": "TMR@FMR=.01"}})
    assert gained(parse_study(config))[0].metric == "TMR@FMR=0.01"
    config = study(gain={"fr": {"dataset": "faces", "metric": "accuracy"}})
    config["evaluation"]["verification"] = ["all-pairs", "folds"]
    assert gained(parse_study(config))[0].protocol == "folds"
    config = study(gain={"fr": {"dataset": "faces", "metric": "EER"}})
    assert not gained(parse_study(config))[0].rising
    for metric in ("BPCER@APCER=0.1-of-val", "BPCER@APCER=0.10-of-val"):
        assert Gain(dataset="mad", metric=metric).metric == "BPCER@APCER=0.1-of-val"
    with pytest.raises(ValueError, match="is no metric"):
        Gain(dataset="faces", metric="TMR@FMR=0.1-of-val")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"datasets": ["shapes"]}, "`shapes` alone is no average; name at least two data sets"),
        ({"datasets": ["shapes", "shape"]}, "tradeoffs.datasets: `shape` is not defined; did you mean `shapes`?"),
        ({"datasets": ["shapes", "faces"]}, "`faces` is of domain face_hq; general sets are of domain object"),
        ({"datasets": []}, "tradeoffs.datasets: name the general data sets, without which nothing is traded off"),
        ({"gain": {"fr": {"dataset": "face"}}}, "tradeoffs.gain.fr.dataset: `face` is not defined; did you mean `faces`?"),
        ({"gain": {"fr": {"dataset": "shapes"}}}, "a biometric task has identities or attacks"),
        ({"gain": {"fr": {"dataset": "faces", "metric": "D-EER"}}}, "tradeoffs.gain.fr.metric: identities have no `D-EER`"),
        ({"gain": {"fr": {"dataset": "faces", "metric": "TMR@FMR=0.1"}}}, "0.1 is not in evaluation.fmr; add it there too"),
        ({"gain": {"fr": {"dataset": "faces", "metric": "accuracy"}}}, "accuracy is taken by `folds` or `official`"),
        ({"gain": {"fr": {"dataset": "faces", "metric": "rank"}}}, "`rank` is no metric of verification or attack detection"),
        ({"gain": {"fr": {"dataset": "faces", "protocol": "folds"}}}, "`folds` is not in evaluation.verification"),
        ({"sizes": {"vit": ["small", "medium"]}}, "tradeoffs.sizes.vit: `medium` is not defined"),
        ({"sizes": {"vit": ["small"], "eva": ["small"]}}, "`small` is a size of `vit` already"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(part, message):
    refused(study(**part), message)


def test_general_sets_are_evaluated():
    config = study()
    config["evaluation"]["datasets"] = ["shapes", "faces"]
    refused(config, "`colours` is not in evaluation.datasets; add it there too")


def test_texts_name_all_general_sets_or_none():
    config = study()
    config["backbones"]["clip"] = {
        "provider": "open_clip", "architecture": "ViT-B-16", "pooling": "token",
        "weights": {"kind": "random"}, "preprocessing": {"size": 224},
    }  # fmt: skip
    parse_study(config)
    config["prompts"] = {"datasets": ["shapes"]}
    refused(config, "texts name the images of shapes, and an average takes at least two; add more")


def test_a_base_is_needed():
    config = study()
    del config["curricula"]["base"]
    refused(
        config, "no backbone has both a base model and a tuned one; add the curriculum `base: {}`"
    )
