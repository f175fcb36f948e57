"""What is told of a matrix of compatibility, on planted families, and where something cannot be told."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster

from unispace.analysis.compatibility import Compatibility
from unispace.analysis.structure import TESTED, structure

FAMILY = {f"{family}{i}": family for family in ("face", "base") for i in range(4)}
SAME = dict.fromkeys(FAMILY, 128)
UNEVEN = {model: 64 * (1 + i % 3) for i, model in enumerate(FAMILY)}
FAMILIES = {"within", "between", "within - between", "cluster agreement"}


def matrix(within=0.8, between=0.3, seed=0, family=FAMILY, lost=(), samples=True):
    """Planted families; no number from or to the models `lost`."""
    rng = np.random.default_rng(seed)
    rows = []
    for source in family:
        for target in family:
            here = within if family[source] == family[target] else between
            ceiling = 0.9 + 0.01 * list(family).index(source)
            value = ceiling if source == target else here + 0.02 * rng.normal()
            gone = source != target and {source, target} & set(lost)
            rows.append(
                {
                    "source": source, "target": target, "value": np.nan if gone else value,
                    "lower": np.nan if gone else value - 0.1, "upper": np.nan if gone else value + 0.1,
                    "status": "failed: the loss was nan" if gone else "ok",
                    "samples": None if gone or not samples else np.clip(value + 0.01 * rng.normal(size=60), 0, 1),
                }
            )  # fmt: skip
    return Compatibility.of(pd.DataFrame(rows), list(family))


def told(of, dimension=SAME, family=FAMILY):
    return structure(of, family, dimension, 2000, lambda name: np.random.default_rng(len(name)))


def by_name(found):
    return {measure.metric: measure for measure in found.findings}


def test_planted_families_are_found_and_are_not_chance():
    found = told(matrix())
    said = by_name(found)
    assert said["within"].value == pytest.approx(0.8, abs=0.02)
    assert said["between"].value == pytest.approx(0.3, abs=0.02)
    assert said["within - between"].lower > 0.4
    # The families can be laid over the models in 70 ways, of which two give them back.
    assert said["within - between-p"].value == pytest.approx(2 / 70, abs=0.015)
    assert said["cluster agreement"].value == 1
    assert said["cluster agreement-p"].value < 0.05
    last = found.merges.iloc[-1]
    assert {FAMILY[model] for model in last["leaves"][:4]} in ({"face"}, {"base"})
    assert len({FAMILY[model] for model in last["leaves"]}) == 2


def test_one_world_without_families_has_none():
    found = by_name(told(matrix(within=0.5, between=0.5)))
    assert found["within - between-p"].value > 0.05
    assert abs(found["within - between"].value) < 0.05


def test_merges_hold_the_tree():
    merges = told(matrix(seed=3)).merges
    assert list(merges["step"]) == list(range(7))
    assert [len(leaves) for leaves in merges["leaves"]] == list(merges["size"])
    tree = merges[["left", "right", "distance", "size"]].to_numpy(float)
    cluster = dict(zip(FAMILY, fcluster(tree, 2, "maxclust"), strict=True))
    for one, other in combinations(FAMILY, 2):
        assert (cluster[one] == cluster[other]) == (FAMILY[one] == FAMILY[other])
    names = list(FAMILY)
    for row in merges.to_dict("records"):
        below = [
            [names[end]] if end < 8 else merges["leaves"][end - 8]
            for end in (row["left"], row["right"])
        ]
        assert row["leaves"] == below[0] + below[1]


def test_every_tested_number_has_its_p_value_and_no_other_has():
    found = by_name(told(matrix(), UNEVEN))
    assert {m.removesuffix("-p") for m in found if m.endswith("-p")} == set(TESTED)
    for metric in TESTED:
        assert 0 < found[f"{metric}-p"].value <= 1
        assert found[f"{metric}-p"].unit == "permutation"


def test_what_has_no_meaning_is_left_out():
    one = dict.fromkeys(FAMILY, "face")
    said = by_name(told(matrix(family=one), UNEVEN, one))
    assert not FAMILIES & set(said)
    assert "asymmetry by dimension gap" in said
    assert "asymmetry by dimension gap" not in by_name(told(matrix()))


def test_a_model_without_numbers_is_left_out_with_its_reason():
    found = told(matrix(lost=["face1"]))
    why = "failed: no number for face0 to face1: the loss was nan"
    assert [measure.status for measure in found.models["face1"]] == [why, why]
    assert list(found.models) == list(FAMILY)
    assert all(m.status == "ok" for name in FAMILY if name != "face1" for m in found.models[name])
    assert "face1" not in found.merges["leaves"].iloc[-1]
    assert by_name(found)["within - between"].n == 7


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_too_few_models_fail_by_name(keep):
    lost = list(FAMILY)[keep:]
    found = told(matrix(lost=lost), UNEVEN)
    said = by_name(found)
    left = max(keep, 1)  # a model alone has no empty cell
    if left < 2:
        assert all(m.status.startswith("failed: 1 of 8 models have") for m in found.findings)
        assert all(m.status.startswith("failed: ") for ends in found.models.values() for m in ends)
        assert found.merges.empty
    else:
        assert said["within - between"].status == "failed: 2 models, 3 are needed"
        assert said["cophenetic"].status == "failed: two models, or equal distances between all"
        assert len(found.merges) == 1
    assert {m.removesuffix("-p") for m in said if m.endswith("-p")} == set(TESTED)


def test_means_as_target_and_source_are_those_of_columns_and_rows():
    of = matrix()
    found = told(of)
    others = ~np.eye(8, dtype=bool)
    for place, (incoming, outgoing) in enumerate(found.models.values()):
        assert incoming.value == pytest.approx(of.value[others[:, place], place].mean())
        assert outgoing.value == pytest.approx(of.value[place, others[place]].mean())


def test_the_same_numbers_again():
    one, other = told(matrix(), UNEVEN), told(matrix(), UNEVEN)
    assert one.findings == other.findings
    assert one.models == other.models
    pd.testing.assert_frame_equal(one.merges, other.merges)
