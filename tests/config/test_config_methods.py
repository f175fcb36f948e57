"""The maps of a study: names, kinds, and combinations that contradict each other."""

import pytest
import yaml

from unispace.config.maps import Maps
from unispace.config.methods import KINDS, Ridge
from unispace.config.parse import parse_study
from unispace.errors import UserError

TEXT = """\
study: small
datasets:
  faces:
    domain: face_hq
    source: { kind: studio, labels: 24, images_per_label: 4 }
backbones:
  micro:
    architecture: eva02_tiny_patch14_224
    weights: { kind: random }
curricula:
  base: {}
evaluation:
  datasets: [faces]
maps:
  methods:
"""


def study(*lines):
    text = TEXT + "".join(f"    {line}\n" for line in lines)
    return parse_study(yaml.safe_load(text), "study.yaml", text)


def refusal(*lines):
    with pytest.raises(UserError) as caught:
        study(*lines)
    return str(caught.value)


def test_methods_keep_the_order_of_the_study_and_a_name_can_be_a_kind():
    methods = study(
        "ridge: { alpha: 0.2 }",
        "ridge-strong: { kind: ridge, alpha: 100 }",
        "procrustes: {}",
        "baseline: {}",
    ).maps.methods
    assert list(methods) == ["ridge", "ridge-strong", "procrustes", "baseline"]
    assert methods["ridge"] == Ridge(alpha=0.2)
    assert methods["ridge-strong"] == Ridge(alpha=100)


def test_the_default_maps_are_those_of_the_paper():
    assert {n: m.kind for n, m in Maps().methods.items()} == {
        name: name for name in ("baseline", "procrustes", "linear", "ridge")
    }
    assert Maps().methods["ridge"].alpha == 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_named_alone_and_survives_its_json(kind):
    maps = Maps(methods={kind: {}, "mine": {"kind": kind}})
    assert maps.methods[kind] == maps.methods["mine"]
    assert maps.methods[kind].kind == kind
    assert Maps.model_validate_json(maps.model_dump_json()) == maps


def test_a_name_of_a_kind_can_be_of_another_kind():
    assert Maps(methods={"ridge": {"kind": "linear"}}).methods["ridge"].kind == "linear"


def test_what_is_shuffled_is_a_kind_or_a_block():
    methods = study(
        "shuffled: {}",
        "b: { kind: shuffled, of: linear }",
        "c: { kind: shuffled, of: { kind: ridge, alpha: [1, 10] } }",
    ).maps.methods
    assert [m.of.kind for m in methods.values()] == ["procrustes", "linear", "ridge"]
    assert methods["c"].of.alpha == (1, 10)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["procrusted: {}"], "`maps.methods.procrusted.kind`: missing; one of: baseline, cca, "),
        (["procrusted: {}"], "; did you mean `procrustes: ...`?"),
        (["a: { kind: rigde }"], "`maps.methods.a.kind`: got 'rigde', did you mean `ridge`?"),
        (["a.b: { kind: ridge }"], "`maps.methods.a.b`: a name holds small letters, digits, - and"),
        (["ridge: { alpha: 0 }"], "`maps.methods.ridge.alpha`: got 0. Input should be greater"),
        (["ridge: { alpha: x }"], "`maps.methods.ridge.alpha`: got 'x', needs a number"),
        (["ridge: { alpha: [] }"], "`maps.methods.ridge.alpha`: got [], needs at least 2 of them"),
        (["ridge: { alpha: [1, 0] }"], "`maps.methods.ridge.alpha.1`: got 0. Input should be gre"),
        (["ridge: { alpha: [1, 0.1] }"], "`maps.methods.ridge.alpha`: write the penalties once ea"),
        (["ridge: { alpha: [1, 1] }"], "`maps.methods.ridge.alpha`: write the penalties once each"),
        (["ridge: { folds: 3 }"], "`maps.methods.ridge`: `folds` choose among several penalties;"),
        (["ridge: { folds: 3 }"], "write `alpha: [0.1, 1]`, or leave folds out"),
        (["ridge: { alpha: [1, 2], folds: 1 }"], "`maps.methods.ridge.folds`: got 1. Input should"),
        (
            ["linear: { intercept: true }"],
            "`maps.methods.linear`: `intercept: true` goes with `cen",
        ),
        (
            ["linear: { centre: false, add_target_mean: true }"],
            "`maps.methods.linear`: `add_target_mean: true` gives back the mean",
        ),
        (["cca: { centre: false }"], "`maps.methods.cca.centre`: unknown key, allowed: components"),
        (["baseline: { fit_on: images }"], "`maps.methods.baseline.fit_on`: unknown key, allowed:"),
        (["linear: { fit_on: image }"], "`maps.methods.linear.fit_on`: got 'image', did you mean"),
        (
            ["shuffled: { of: baseline }"],
            "`maps.methods.shuffled.of.kind`: got 'baseline', allowed",
        ),
        (
            ["shuffled: { of: { kind: ridge, alpha: 0 } }"],
            "`maps.methods.shuffled.of.alpha`: got 0",
        ),
        (["ridge:"], "`maps.methods.ridge`: got None, needs a block"),
    ],
)
def test_a_mistake_is_told_with_its_line(lines, message):
    error = refusal(*lines)
    assert message in error
    assert error.splitlines()[0] == "study.yaml: 1 problem"
    assert error.splitlines()[1].startswith("  study.yaml:16: ")
