"""The scores on which the rule of TMR@FMR is tried: what is right, and what each mistake would give."""

import numpy as np
import pytest

from unispace.analysis.planted_scores import FMR, LEVELS, expected_tmr, planted_scores
from unispace.evaluation.verification import roc, verify


def test_scores_are_those_of_the_levels():
    pairs = planted_scores()
    for level in LEVELS:
        here = pairs.scores == np.float32(level.score)
        assert int((here & pairs.genuine).sum()) == level.genuine
        assert int((here & ~pairs.genuine).sum()) == level.impostor
    np.testing.assert_array_equal(pairs.genuine, pairs.first == pairs.second)
    assert (np.bincount(pairs.first[pairs.genuine]) == 2).all()
    compared = np.sort(np.stack([pairs.first, pairs.second], axis=1)[~pairs.genuine])
    assert len(np.unique(compared, axis=0)) == len(compared) == 1000


def test_what_is_counted_is_what_was_planted_and_measured():
    assert [expected_tmr(target) for target in FMR] == [0.4, 0.8]
    measures, _ = verify(planted_scores(), FMR, 100, np.random.default_rng(0))
    found = {m.metric: m for m in measures}
    for target in FMR:
        measure = found[f"TMR@FMR={target:g}"]
        assert measure.status == "ok"
        assert measure.value == expected_tmr(target)
        assert measure.lower <= measure.value <= measure.upper


@pytest.mark.parametrize(
    ("mistake", "seen"),
    [
        (lambda fmr, target: np.searchsorted(fmr, target, side="right"), FMR),
        (lambda fmr, target: np.searchsorted(fmr, target, side="right") - 2, FMR),
        (lambda fmr, target: np.searchsorted(fmr, target, side="left") - 1, FMR[1:]),
        (lambda fmr, target: np.argmin(np.abs(fmr - target)), FMR[:1]),
    ],
    ids=["one too far", "one too near", "target left out", "nearest"],
)
def test_a_wrong_rule_is_off_by_a_fifth_of_the_genuine_pairs_or_more(mistake, seen):
    pairs = planted_scores()
    curve = roc(pairs.scores, pairs.genuine)
    for target in seen:
        off = abs(curve.tmr[mistake(curve.fmr, target)] - expected_tmr(target))
        assert off >= 0.2 - 1e-12
