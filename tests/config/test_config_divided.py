"""A split that is used and has no share is refused before anything is read."""

import pytest
import yaml

from unispace.config.parse import parse_study
from unispace.errors import UserError

TEXT = """\
study: s
datasets:
  things:
    domain: object
    source: { kind: studio, labels: 4, images_per_label: 6 }
    splits: { train: 1, val: 0 } #things
  faces:
    domain: face_hq
    source: { kind: studio, labels: 24, images_per_label: 4 }
    splits: { train: 0.5, val: 0.1 } #faces
backbones:
  micro:
    architecture: eva02_tiny_patch14_224
    weights: { kind: pretrain, dataset: things }
curricula:
  base: {}
  tuned: { train_on: { faces: {} } }
analysis: { models: [], datasets: [] }
evaluation:
  datasets: [faces]
  split: test #split
"""


def refusal(before, after):
    assert before in TEXT
    text = TEXT.replace(before, after)
    with pytest.raises(UserError) as caught:
        parse_study(yaml.safe_load(text), "s.yaml", text)
    first, *problems = str(caught.value).splitlines()
    assert first == f"s.yaml: {len(problems)} problem" + "s" * (len(problems) > 1)
    return problems


def test_what_is_only_trained_on_needs_no_test_split():
    parse_study(yaml.safe_load(TEXT))


def test_a_split_that_no_data_set_has():
    (problem,) = refusal("split: test", "split: tset")
    assert problem == (
        "  s.yaml:21: evaluation.split: `faces` has no split `tset`; did you mean `test`? (allowed: test, train, val)"
    )


def test_a_tested_split_without_share():
    (problem,) = refusal("train: 0.5, val: 0.1", "train: 0.9, val: 0.1")
    assert (
        "s.yaml:10: datasets.faces.splits: leaves no image for the split `test`, which is tested; lower"
        in problem
    )
    (problem,) = refusal("train: 0.5, val: 0.1", "train: 0.5, val: 0.1, keep: [train, val]")
    assert "datasets.faces.splits: leaves no image for the split `test`" in problem


@pytest.mark.parametrize(
    ("before", "after", "user"),
    [
        ("train: 1, val: 0 }", "train: 0, val: 1 }", "backbones.micro.weights"),
        ("train: 0.5, val: 0.1", "train: 0, val: 0.1", "curricula.tuned"),
    ],
)
def test_a_trained_split_without_share(before, after, user):
    (problem,) = refusal(before, after)
    assert (
        f"leaves no image for the split `train`, which {user} learns from; write `train: 0.5`"
        in problem
    )


def test_what_is_held_out_can_be_tested():
    text = TEXT.replace("val: 0.1 }", "val: 0.1, hold_out: { label: [x] } }")
    parse_study(yaml.safe_load(text.replace("split: test", "split: held_out")))
    (problem,) = refusal("split: test", "split: held_out")
    assert "`faces` has no split `held_out`" in problem


def test_what_a_manifest_divides_is_known_when_it_is_read():
    text = TEXT.replace(
        "kind: studio, labels: 24, images_per_label: 4", "kind: manifest, path: a.csv"
    )
    text = text.replace("train: 0.5, val: 0.1", "by: manifest").replace(
        "split: test", "split: probe"
    )
    parse_study(yaml.safe_load(text))
