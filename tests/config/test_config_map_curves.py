"""Data efficiency and template security in a study: what is left out is filled in, what is wrong is told."""

import pytest
import yaml
from pydantic import ValidationError

from unispace.config.maps import Maps
from unispace.config.parse import parse_study
from unispace.errors import UserError

MODELS = ("a/base/seed0", "b/base/seed0", "c/base/seed0")


def maps(**settings):
    return Maps.model_validate({"models": MODELS, "datasets": ["faces"], **settings})


def study(**settings):
    from pathlib import Path

    tiny = Path(__file__).resolve().parents[2] / "workflow" / "studies" / "tiny.yaml"
    config = yaml.safe_load(tiny.read_text("utf-8"))
    config["maps"] |= settings
    return parse_study(config)


def test_left_out_it_is_that_of_the_paper_on_the_shown_pairs():
    found = maps(shown=[MODELS[:2]]).measured_efficiency()
    assert found.pairs == (MODELS[:2],)
    assert found.methods == ("procrustes", "linear", "ridge")
    assert found.shares == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    assert found.images is None
    assert len(found.seeds) == 5
    assert maps(fit_share=0.25).measured_efficiency().shares == (0.1, 0.2, 0.25)


def test_an_attacker_has_the_shuffled_control_too():
    methods = {"baseline": {}, "linear": {}, "shuffled": {}, "ridge-chosen": {"kind": "ridge", "alpha": [1, 2]},
               "turned": {"kind": "shuffled", "of": {"kind": "linear", "fit_on": "centroids"}}}  # fmt: skip
    chosen = maps(methods=methods)
    assert chosen.measured_security().methods == ("linear", "shuffled")
    assert chosen.measured_efficiency().methods == ("linear",)


@pytest.mark.parametrize(
    "off",
    [
        {"efficiency": None, "security": None},
        {"efficiency": {"pairs": []}, "security": {"pairs": []}},
        {"datasets": [], "across": [{"fit": "faces", "test": "faces_lq"}]},
        {"shown": []},
        {"methods": {"baseline": {}}},
    ],
)
def test_each_can_be_switched_off(off):
    assert maps(**off).measured_efficiency() is None
    assert maps(**off).measured_security() is None


def test_without_any_size_there_is_no_efficiency():
    assert maps(efficiency={"shares": [], "images": []}).measured_efficiency() is None
    assert maps(efficiency={"shares": []}).measured_efficiency() is not None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"efficiency": {"seeds": [1]}}, "at least 2"),
        ({"efficiency": {"shares": [0.2, 0.1]}}, "write the shares once each and rising"),
        ({"efficiency": {"images": [20, 10]}}, "write the numbers of images once each and rising"),
        ({"efficiency": {"pairs": [[MODELS[0], MODELS[0]]]}}, "is mapped to itself"),
        ({"efficiency": {"shares": [0.8]}}, "write at most 0.7"),
        ({"security": {"leaked": [1, 4]}}, "greater than or equal to 2"),
        ({"security": {"leaked": [8, 4]}}, "write the numbers of pairs once each and rising"),
        ({"security": {"leaked": []}}, "at least 1"),
        ({"security": {"level": 1.0}}, "less than 1"),
        (
            {"methods": {"same-model": {"kind": "ridge"}}},
            "which are always there; call the map otherwise",
        ),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        maps(**settings)


@pytest.mark.parametrize("key", ["efficiency", "security"])
def test_wrong_names_are_told_with_the_right_ones(key):
    models = ["micro/expert-face_hq/seed0", "micro/imic-b/seed0"]
    with pytest.raises(UserError, match=rf"maps\.{key}\.pairs: `micro/imic-b/seed0` is not defined"
                                        r"; did you mean `micro/imic-a/seed0`"):  # fmt: skip
        study(**{key: {"pairs": [models]}})
    with pytest.raises(UserError, match=rf"maps\.{key}\.methods: `procrustis` is not defined"):
        study(**{key: {"methods": ["procrustis"]}})
    with pytest.raises(UserError, match="`baseline` stands beside the curves anyway"):
        study(**{key: {"methods": ["baseline"]}})
    methods = {"others": {"kind": "ridge", "fit_on": "other-images"}}
    with pytest.raises(UserError, match="`others` asks which images are of one identity"):
        study(methods=methods, **{key: {"methods": ["others"]}})
