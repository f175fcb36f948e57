"""What differs between recorded and present parameters, and which key of the study it is."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.records.differences import ABSENT, Difference, StudyKeys, differences

NAMES = st.text("abcxyz", min_size=1, max_size=4)
LEAVES = st.one_of(st.integers(), st.booleans(), st.text("pqr ", max_size=5), st.none())
BLOCKS = st.recursive(
    st.dictionaries(NAMES, LEAVES, min_size=1, max_size=4),
    lambda inner: st.dictionaries(NAMES, st.one_of(LEAVES, inner), min_size=1, max_size=4),
    max_leaves=20,
)

STUDY = {
    "study": "s",
    "seed": 1,
    "curricula": {"base": {"steps": 4}, "imic-a": {"steps": 5}, "imic-b": {"steps": 5}},
    "evaluation": {"resamples": 120, "datasets": ["faces"]},
    "maps": {"methods": {"ridge": {"alpha": 2.0}}},
    "report": {"title": "A title"},
}


def recorded(**settings):
    """A parameter as Snakemake records it."""
    return repr(json.dumps(settings, sort_keys=True, separators=(",", ":")))


def paths(block, path=()):
    for key, value in block.items():
        if isinstance(value, dict) and value:
            yield from paths(value, (*path, key))
        else:
            yield (*path, key)


@given(BLOCKS, st.data())
def test_a_single_changed_value_is_the_only_difference(block, data):
    path = data.draw(st.sampled_from(sorted(paths(block))))
    changed = copy.deepcopy(block)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    old, inner[path[-1]] = inner[path[-1]], "changed"
    found = differences([recorded(**block), "'same'"], [recorded(**changed), "'same'"])
    assert found == [Difference(path, old, "changed")]


@given(BLOCKS)
def test_equal_parameters_differ_in_nothing(block):
    assert differences([recorded(**block)], [recorded(**block)]) == []


def test_a_key_that_came_and_one_that_went():
    found = differences([recorded(a=1, b={"c": 2})], [recorded(a=1, d=[3])])
    assert found == [Difference(("b",), {"c": 2}, ABSENT), Difference(("d",), ABSENT, [3])]
    assert [f.text() for f in found] == ['{"c": 2} -> (none)', "(none) -> [3]"]


def test_pairs_are_told_by_their_names():
    old, new = [["base", {"steps": 4}], ["imic-a", {"steps": 4}]], [["base", {"steps": 4}]]
    changed = [["base", {"steps": 4}], ["imic-a", {"steps": 5}]]
    assert differences([recorded(curricula=old)], [recorded(curricula=changed)]) == [
        Difference(("curricula", "imic-a", "steps"), 4, 5)
    ]
    assert differences([recorded(curricula=old)], [recorded(curricula=new)]) == [
        Difference(("curricula", "imic-a"), {"steps": 4}, ABSENT)
    ]
    turned = differences([recorded(curricula=old)], [recorded(curricula=old[::-1])])
    assert turned == [Difference(("curricula",), ["base", "imic-a"], ["imic-a", "base"])]


def test_plain_parameters_are_shown_as_they_are():
    (found,) = differences(["'data/a'"], ["'data/b'"])
    assert found == Difference((), "data/a", "data/b")
    assert found.text() == "data/a -> data/b"


def test_of_lists_it_is_told_what_came_and_went():
    found = Difference(("models",), [f"m{i}" for i in range(99)], [f"m{i}" for i in range(1, 100)])
    assert found.text() == 'with ["m99"], without ["m0"]'


@pytest.mark.parametrize(
    ("path", "value", "names", "key"),
    [
        (("curriculum", "steps"), 5, ["micro", "imic-a", "0"], "curricula.imic-a.steps"),
        (("curriculum", "steps"), 5, ["micro", "imic-b", "0"], "curricula.imic-b.steps"),
        (("curricula", "imic-a", "steps"), 5, [], "curricula.imic-a.steps"),
        (("methods", "ridge", "alpha"), 2.0, ["faces"], "maps.methods.ridge.alpha"),
        (("resamples",), 120, [], "evaluation.resamples"),
        (("title",), "A title", [], "report.title"),
        # The seed of a job is that of the study plus its own: another value, but the whole path agrees.
        (("seed",), 3, [], "seed"),
        # Nothing of another curriculum than the job's own.
        (("curriculum", "steps"), 4, ["micro", "imic-a", "0"], None),
        (("nothing", "of", "the", "kind"), 1, [], None),
    ],
)
def test_the_key_of_the_study(path, value, names, key):
    assert StudyKeys(STUDY).key_of(path, value, names) == key


def test_the_keys_that_settings_hold():
    params = [recorded(curriculum={"steps": 5}, resamples=120, model="micro/imic-a"), "'data'"]
    keys = StudyKeys(STUDY).keys_of(params, ["micro", "imic-a", "seed0"])
    assert keys == {"curricula.imic-a", "evaluation.resamples"}
