"""The raw-pixel control in a study: its options, and backbones that are tuned with some curricula only."""

import re

import pytest
import yaml

from unispace.config.parse import parse_study
from unispace.errors import UserError

TEXT = """
study: small
datasets:
  faces: { domain: face_hq, source: { kind: studio, labels: 8, images_per_label: 2 } }
backbones:
  net: { architecture: eva02_tiny_patch14_224, weights: { kind: random } }
  flat:
    architecture: pixels
    weights: { kind: random }
    curricula: [tuned, other]
curricula:
  base: {}
  other: { steps: 5, train_on: { faces: {} } }
  tuned: { steps: 4, train_on: { faces: {} } }
seeds: [0, 3]
evaluation: { datasets: [faces] }
"""


def study_with(**changes):
    data = yaml.safe_load(TEXT)
    data["backbones"]["flat"] |= changes
    return parse_study(data, "study.yaml", TEXT)


def test_a_backbone_may_be_tuned_with_all_curricula_but_some():
    assert study_with(curricula=None, without=["other"]).curricula_of("flat") == ("base", "tuned")
    assert study_with(without=["base", "other"]).curricula_of("flat") == ("tuned",)


@pytest.mark.parametrize(
    ("without", "message"),
    [
        (["othre"], "backbones.flat.without: `othre` is not defined; did you mean `other`?"),
        (["other", "tuned"], "backbones.flat.without: it would be tuned with nothing; name fewer"),
    ],
)
def test_curricula_left_out_are_known_and_not_all(without, message):
    with pytest.raises(UserError, match=re.escape(message)):
        study_with(without=without)


def test_models_are_those_of_the_named_curricula_in_the_order_of_the_study():
    study = study_with()
    assert study.curricula_of("net") == ("base", "other", "tuned")
    assert study.curricula_of("flat") == ("other", "tuned")
    assert study.control_backbones() == ("flat",)
    assert study.models() == tuple(
        f"{b}/{c}/seed{s}"
        for b, some in (("net", ("base", "other", "tuned")), ("flat", ("other", "tuned")))
        for c in some
        for s in (0, 3)
    )


def test_a_model_that_is_not_tuned_cannot_be_mapped():
    data = yaml.safe_load(TEXT)
    data["maps"] = {"models": ["flat/base/seed0", "net/base/seed0"], "datasets": ["faces"]}
    with pytest.raises(UserError, match=r"maps\.models: `flat/base/seed0` is not defined; did you"):
        parse_study(data)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": {"gird": 8}}, "unknown option `gird`, did you mean `grid`?"),
        ({"options": {"grid": 0}}, "options.grid must be a whole number within its bounds"),
        ({"options": {"grid": True}}, "options.grid must be a whole number within its bounds"),
        ({"options": {"dimension": "wide"}}, "options.dimension must be a whole number"),
        ({"options": {"grid": 15}}, "options.grid 15 does not divide preprocessing.size 64"),
        (
            {"options": {"grid": 4, "dimension": 49}},
            "options.dimension 49 is more than the 48 values of a 4 x 4 grid",
        ),
        ({"pooling": "token"}, "`pixels` has no class token; leave pooling out"),
        (
            {"weights": {"kind": "pretrain", "dataset": "faces"}},
            "`pixels` is never pretrained; write `weights: { kind: random }`",
        ),
        ({"architecture": "pixel"}, "unknown backbone `pixel`: did you mean `pixels`"),
    ],
)
def test_a_mistake_in_a_control_is_named(changes, message):
    with pytest.raises(UserError) as caught:
        study_with(**changes)
    assert message in str(caught.value)
    assert "study.yaml: 1 problem" in str(caught.value)


def test_several_mistakes_in_a_control_are_told_together():
    with pytest.raises(UserError, match=r"class token.*never pretrained"):
        study_with(pooling="token", weights={"kind": "pretrain", "dataset": "faces"})
