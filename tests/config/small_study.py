"""A small study that is right, and what is said of it when it is not."""

import pytest
import yaml

from unispace.config.parse import parse_study
from unispace.errors import UserError

TEXT = """\
study: small
seed: 1
seeds: [0]
datasets:
  things:
    domain: object
    source: { kind: studio, labels: 4, images_per_label: 6 }
  faces:
    domain: face_hq
    source:
      kind: studio
      labels: 24
      images_per_label: 4
      degrade:
        severity: [0.2, 0.8]
    splits:
      train: 0.5
backbones:
  micro:
    architecture: eva02_tiny_patch14_224
    weights: { kind: pretrain, dataset: things, steps: 4 }
curricula:
  base: {}
  tuned:
    steps: 4
    train_on:
      faces: { batch_size: 4 }
maps:
  models:
    - micro/base/seed0
    - micro/tuned/seed0
  datasets: [faces]
  methods:
    ridge: { alpha: 0.1 }
evaluation:
  datasets: [things, faces]
  fmr: [0.01, 0.1]
"""


def refusal(text: str) -> str:
    with pytest.raises(UserError) as caught:
        parse_study(yaml.safe_load(text), "study.yaml", text)
    return str(caught.value)


def line_with(text: str, mark: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if mark in line)
