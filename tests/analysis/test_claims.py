"""Verdicts on claims in planted worlds in which each is true, false, open or beyond the data."""

import math

import numpy as np
import pytest
from planted_claims import MARGINS, TASKS, Planted, file, number, roles
from scipy.stats import norm

from unispace.analysis.claim_models import parts_of_models
from unispace.analysis.claim_parts import Part
from unispace.analysis.claims import judge
from unispace.evaluation.corrections import benjamini_hochberg, holm
from unispace.evaluation.measure import Measure

COMPARABLE = {
    "kind": "models",
    "curriculum": ["imic*"],
    "against": "expert",
    "datasets": "tasks",
    "at_least": 4,
    "holds": "equivalent",
    "margin": "study",
}
ABOVE = {"kind": "rows", "where": {"metric": "AUC"}, "holds": "above"}


def verdicts(settings, parts):
    """Verdicts where every comparison of every claim has these parts."""
    claims = {name: (settings, claim) for name, claim in settings.claims.items()}
    found = {name: [(asked, parts) for asked in c.compare] for name, (_, c) in claims.items()}
    return judge(claims, found, MARGINS)


def compared(
    differences: dict[str, float], deviation: float = 0.004, left_out: str = ""
) -> Planted:
    """IMIC and an expert on each task; what both find hard cancels out."""
    world = Planted()
    for seed, (dataset, difference) in enumerate(differences.items()):
        world.task("m/imic/seed0", dataset, 0.8 + difference, 0.05 + deviation, seed)
        if dataset != left_out:
            world.task(f"m/expert-{dataset}/seed0", dataset, 0.8, 0.05, seed)
    return world


def comparable(world: Planted):
    settings = file([COMPARABLE])
    (asked,) = settings.claims["c0"].compare
    (found,) = verdicts(settings, parts_of_models(asked, roles(), world))
    return found


def test_a_model_as_good_as_each_of_four_experts_is_comparable():
    found = comparable(
        compared({"objects": 0.01, "faces": 0.0, "faces_lq": -0.01, "bodies": 0.005})
    )
    assert found.verdict == "supported"
    assert len(found.parts) == 4
    # Paired: the deviation is that of the difference. The smallest p value there is.
    assert found.p_value == 1 / 1000
    assert found.decisive.test in ("inside ±0.03", "inside ±0.05")


def test_the_p_value_of_all_tasks_is_the_largest_of_them():
    found = comparable(compared({"objects": 0.0, "faces": 0.022, "faces_lq": 0.0, "bodies": 0.0}))
    expected = norm.cdf((0.022 - 0.03) / 0.004)
    assert found.p_value == pytest.approx(expected, abs=2e-3)
    assert found.p_value == max(part.p_value for part in found.parts)
    assert found.decisive.part.about["dataset"] == "faces"


def test_one_task_on_which_an_expert_is_better_speaks_against_all():
    found = comparable(compared({"objects": 0.0, "faces": 0.0, "faces_lq": -0.08, "bodies": 0.0}))
    assert found.verdict == "not supported"
    assert found.decisive.part.about["dataset"] == "faces_lq"
    assert found.decisive.part.measure.value == pytest.approx(-0.08)


def test_a_model_that_beats_an_expert_is_not_equivalent_but_not_inferior():
    world = compared({"objects": 0.0, "faces": 0.1, "faces_lq": 0.0, "bodies": 0.0})
    assert comparable(world).verdict == "not supported"
    weaker = file([COMPARABLE | {"holds": "not-inferior"}])
    parts = parts_of_models(weaker.claims["c0"].compare[0], roles(), world)
    assert verdicts(weaker, parts)[0].verdict == "supported"


def test_wide_intervals_are_inconclusive():
    found = comparable(compared(dict.fromkeys(TASKS, 0.0), deviation=0.05))
    assert found.verdict == "inconclusive"
    assert found.p_corrected > 0.05
    assert found.p_contrary_corrected > 0.05


def test_three_of_four_tasks_cannot_test_a_claim_about_four():
    found = comparable(compared(dict.fromkeys(TASKS, 0.0), left_out="bodies"))
    assert found.verdict == "not testable"
    assert "data sets on which it is compared with `expert`: 3, and 4 are needed" in found.why
    assert math.isnan(found.p_value)


def test_a_failed_cell_makes_a_claim_untestable_however_good_the_others_are():
    world = compared(dict.fromkeys(TASKS, 0.0))
    key = ("m/imic/seed0", "faces", "verification", "all-pairs", "AUC")
    world.cells[key] = Measure.failed("AUC", 50, "identity", "its training diverged")
    found = comparable(world)
    assert found.verdict == "not testable"
    assert found.why == (
        "1 of 4 parts: m/imic/seed0 against m/expert-faces/seed0 on faces (all-pairs): model its training diverged"
    )


def test_a_study_without_such_models_cannot_test_it():
    found = comparable(Planted())
    assert (found.verdict, found.why) == (
        "not testable",
        "this study has no numbers that it is about",
    )


def test_claims_of_a_family_are_corrected_together():
    p_values = [0.004, 0.02, 0.03, 0.2]
    parts = [with_p(p) for p in p_values]
    for by, correct in (("holm", holm), ("benjamini-hochberg", benjamini_hochberg)):
        settings = file([ABOVE], 4, correction=by)
        claims = {name: (settings, claim) for name, claim in settings.claims.items()}
        found = judge(
            claims,
            {
                name: [(c.compare[0], [part])]
                for (name, (_, c)), part in zip(claims.items(), parts, strict=True)
            },
            MARGINS,
        )
        np.testing.assert_allclose([v.p_corrected for v in found], correct(p_values))
        expected = ["supported" if p <= 0.05 else "inconclusive" for p in correct(p_values)]
        assert [v.verdict for v in found] == expected


def with_p(p_value: float, contrary: float = 0.5, **about: str) -> Part:
    """A part with these p values."""
    names = {"metric": "AUC"} | about
    return Part(
        names,
        number("AUC", 0.1, 0.1),
        test=lambda _, side: p_value if side == "greater" else contrary,
    )


def test_claims_that_cannot_be_tested_do_not_count_in_the_correction():
    settings = file([ABOVE], 2)
    claims = {name: (settings, claim) for name, claim in settings.claims.items()}
    asked = settings.claims["c0"].compare[0]
    bad = Part({"metric": "AUC"}, Measure.failed("AUC", 0, "identity", "no"))
    found = judge(claims, {"c0": [(asked, [with_p(0.03)])], "c1": [(asked, [bad])]}, MARGINS)
    assert [v.verdict for v in found] == ["supported", "not testable"]
    assert found[0].p_corrected == pytest.approx(0.03)


def test_the_contrary_of_many_parts_is_corrected_for_their_number():
    one, many = [with_p(0.9, 0.02)], [with_p(0.9, 0.02), with_p(0.01, 0.9), with_p(0.01, 0.9)]
    assert verdicts(file([ABOVE]), one)[0].verdict == "not supported"
    (found,) = verdicts(file([ABOVE]), many)
    assert found.p_contrary == pytest.approx(0.06)
    assert found.verdict == "inconclusive"


def test_families_are_apart():
    settings = file([ABOVE], 2)
    claims = {
        "c0": (settings, settings.claims["c0"]),
        "c1": (settings, settings.claims["c1"].model_copy(update={"family": "other"})),
    }
    asked = settings.claims["c0"].compare[0]
    found = judge(claims, {n: [(asked, [with_p(0.04)])] for n in claims}, MARGINS)
    assert [v.verdict for v in found] == ["supported", "supported"]


def test_each_variant_has_a_verdict_and_counts_in_the_correction():
    settings = file([ABOVE], claim={"each": ["curriculum"]})
    parts = [
        with_p(0.03, curriculum="a"),
        with_p(0.01, curriculum="b"),
        with_p(0.02, curriculum="b"),
    ]
    found = verdicts(settings, parts)
    assert [(v.variant, v.p_value) for v in found] == [("a", 0.03), ("b", 0.02)]
    np.testing.assert_allclose([v.p_corrected for v in found], [0.04, 0.04])


def test_all_comparisons_of_a_claim_must_hold():
    settings = file([ABOVE, {**ABOVE, "holds": "below", "than": 0.5}])
    (found,) = verdicts(settings, [Part({"metric": "AUC"}, number("AUC", 0.2, 0.01))])
    assert found.verdict == "supported"
    assert [part.test for part in found.parts] == ["above 0", "below 0.5"]
    (found,) = verdicts(settings, [Part({"metric": "AUC"}, number("AUC", 0.7, 0.01))])
    assert found.verdict == "not supported"


def test_what_has_no_width_has_no_test():
    still = Measure("AUC", 0.7, 0.7, 0.7, 9, "identity")
    (found,) = verdicts(file([ABOVE]), [Part({"metric": "AUC"}, still)])
    assert found.verdict == "not testable"
    assert "the interval of AUC has no width" in found.why


def test_the_spread_over_seeds_stands_beside_the_interval():
    world = Planted()
    values = [0.02, 0.05, 0.03, 0.04, 0.06]
    for seed, value in enumerate(values):
        world.task(f"m/imic/seed{seed}", "faces", 0.8 + value, 0.06, 1)
        world.task(f"m/expert-faces/seed{seed}", "faces", 0.8, 0.05, 1)
    settings = file([COMPARABLE | {"holds": "above", "at_least": 1} | {"margin": None}])
    (asked,) = settings.claims["c0"].compare
    (part,) = parts_of_models(asked, roles(), world)
    assert part.seeds == pytest.approx(values)
    assert part.about["model"] == "m/imic"
    # The mean; its interval is about other persons alone, whom all seeds share.
    assert part.measure.value == pytest.approx(0.04)
    assert part.measure.upper - part.measure.lower == pytest.approx(2 * 1.96 * 0.01, rel=0.02)
    (found,) = verdicts(settings, [part])
    assert found.p_seeds == pytest.approx(1 / 32)


def test_no_claim_is_supported_by_chance_more_often_than_alpha():
    rng = np.random.default_rng(7)
    settings = file([COMPARABLE])
    (asked,) = settings.claims["c0"].compare
    supported = 0
    for _ in range(400):
        world = Planted()
        # At the margin in one task, and well inside in the others.
        truth = {"objects": 0.0, "faces": 0.03, "faces_lq": 0.0, "bodies": 0.0}
        for seed, (dataset, difference) in enumerate(truth.items()):
            seen = difference + 0.005 * rng.normal()
            world.task("m/imic/seed0", dataset, 0.8 + seen, 0.055, seed)
            world.task(f"m/expert-{dataset}/seed0", dataset, 0.8, 0.05, seed)
        supported += (
            verdicts(settings, parts_of_models(asked, roles(), world))[0].verdict == "supported"
        )
    assert 0.025 < supported / 400 < 0.08
