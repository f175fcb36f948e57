"""A study has one canonical text, whatever way it was written."""

import copy
import json

import pytest
import yaml
from small_study import TEXT

from unispace.config.curricula import Curriculum
from unispace.config.parse import parse_study
from unispace.config.study import Study


def reordered(value, reverse):
    if not isinstance(value, dict):
        return value
    keys = sorted(value, reverse=reverse)
    return {key: reordered(value[key], reverse) for key in keys}


def test_the_order_of_keys_does_not_change_the_canonical_text():
    data = yaml.safe_load(TEXT)
    one = parse_study(reordered(data, False))
    other = parse_study(reordered(data, True))
    assert list(one.datasets) != list(other.datasets)
    assert one.to_json(extra=1) == other.to_json(extra=1)


def test_the_canonical_text_is_json_that_gives_the_same_study_back():
    study = parse_study(yaml.safe_load(TEXT))
    assert Study.model_validate(json.loads(study.to_json())) == study
    assert json.loads(study.to_json(name="x"))["name"] == "x"


def test_written_and_implied_defaults_have_one_canonical_text():
    assert Curriculum().to_json() == Curriculum(steps=300, learning_rate="1e-3").to_json()
    assert Curriculum(weight_decay=1).to_json() == Curriculum(weight_decay=1.0).to_json()


def test_each_value_counts_in_the_canonical_text():
    data = yaml.safe_load(TEXT)
    texts = {parse_study(data).to_json()}
    for block, key, value in [("curricula", "steps", 5), ("curricula", "augment", 0.1)]:
        changed = copy.deepcopy(data)
        changed[block]["tuned"][key] = value
        texts.add(parse_study(changed).to_json())
    assert len(texts) == 3


def test_settings_do_not_change_after_parsing():
    study = parse_study(yaml.safe_load(TEXT))
    with pytest.raises(ValueError, match="frozen"):
        study.seed = 3
