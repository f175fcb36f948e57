"""Verdicts on claims.

A claim holds where each of its parts does, so it is rejected as a whole by the part that speaks least for it: the p
value is the largest of the parts, and needs no correction for their number (intersection-union test; R. Berger,
"Multiparameter hypothesis testing and acceptance sampling", Technometrics 1982). Its contrary is that any part is on
the other side of its threshold, or outside its margin; there one of many parts is picked, so the smallest p value is
multiplied by their number (Bonferroni).

Claims of one family are corrected together, the claims and their contraries apart. `supported`: the corrected p value
is at most alpha; `not supported`: that of the contrary is; `inconclusive`: neither. A claim of which a part failed, or
which has no part, is `not testable`: what is missing might have spoken against it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from unispace.analysis.claim_parts import AND, Part
from unispace.config.claims import Claim, ClaimsFile, Tested
from unispace.evaluation.corrections import corrected
from unispace.evaluation.hypotheses import (
    NoTest,
    Side,
    beyond_margin,
    equivalence,
    from_interval,
    one_sided,
)
from unispace.evaluation.paired_tests import wilcoxon
from unispace.records.claims import INCONCLUSIVE, NOT_SUPPORTED, NOT_TESTABLE, SUPPORTED

FEWEST_SEEDS = 5
"""Seeds below which Wilcoxon's test cannot reach 0.05."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A part with what its test says.

    Attributes:
        part: the number.
        test: what is said of it, in words.
        p_value: of its holding; NaN where there is no test.
        p_contrary: of the contrary.
        why: why there is no test, else empty.
        threshold, side: of a test on one side; None of equivalence.
    """

    part: Part
    test: str
    p_value: float
    p_contrary: float
    why: str = ""
    threshold: float | None = None
    side: Side | None = None


@dataclass(frozen=True, eq=False)
class Verdict:
    """A claim, or one of its variants, with what the study says of it.

    Attributes:
        claim: its name.
        variant: such as `imic-a`; empty where there is one.
        settings: the claim.
        parts: all that must hold.
        verdict: one of `records.claims.VERDICTS`.
        why: of a claim that cannot be tested.
        decisive: the part that decides; None where there is no part with a test.
        p_value, p_contrary: of all parts; NaN where it cannot be tested.
        p_corrected, p_contrary_corrected: over the family.
        p_seeds: of the decisive part over seeds; NaN with fewer than 5.
    """

    claim: str
    variant: str
    settings: Claim
    parts: tuple[Judged, ...]
    verdict: str
    why: str
    decisive: Judged | None
    p_value: float
    p_contrary: float
    p_corrected: float
    p_contrary_corrected: float
    p_seeds: float


def judge_part(part: Part, asked: Tested, margins: Mapping[str, float]) -> Judged:
    """Test one part.

    Args:
        part: the number.
        asked: what is said of it.
        margins: of the study, by metric.
    """
    margin = _margin(part, asked, margins)
    words = f"inside ±{margin:g}" if asked.holds == "equivalent" else _words(asked, margin)
    measure = part.measure
    if measure.status != "ok":
        why = f"{part.words()}: {measure.status.removeprefix('failed: ')}"
        return Judged(part, words, math.nan, math.nan, why)
    try:
        if asked.holds == "equivalent":
            return Judged(part, words, *_of_equivalence(part, margin))
        side: Side = "less" if asked.holds == "below" else "greater"
        opposite: Side = "greater" if side == "less" else "less"
        threshold = -margin if asked.holds == "not-inferior" else asked.than
        if part.test is not None:
            ends = part.test(threshold, side), part.test(threshold, opposite)
        else:
            ends = one_sided(measure, threshold, side), from_interval(measure, threshold, opposite)
    except NoTest as reason:
        return Judged(part, words, math.nan, math.nan, f"{part.words()}: {reason}")
    return Judged(part, words, *ends, threshold=threshold, side=side)


def _of_equivalence(part: Part, margin: float) -> tuple[float, float]:
    if part.test is None:
        return equivalence(part.measure, margin), beyond_margin(part.measure, margin)
    inside = max(part.test(-margin, "greater"), part.test(margin, "less"))
    outside = min(part.test(-margin, "less"), part.test(margin, "greater"))
    return inside, min(1.0, 2 * outside)


def _margin(part: Part, asked: Tested, margins: Mapping[str, float]) -> float:
    if asked.margin != "study":
        return asked.margin or math.nan
    metrics = part.about.get("metric", "").split(AND)
    return min((margins[metric] for metric in metrics if metric in margins), default=math.nan)


def _words(asked: Tested, margin: float) -> str:
    return (
        f"above {-margin:g}" if asked.holds == "not-inferior" else f"{asked.holds} {asked.than:g}"
    )


def judge(
    claims: Mapping[str, tuple[ClaimsFile, Claim]],
    parts: Mapping[str, Sequence[tuple[Tested, Sequence[Part]]]],
    margins: Mapping[str, float],
) -> list[Verdict]:
    """Judge all claims of a study.

    Args:
        claims: by name, each with the file that it stands in, whose alpha and correction are its own.
        parts: of each claim, for each comparison.
        margins: of the study, by metric.

    Returns:
        A verdict for each claim, or for each of its variants.
    """
    drafts = [
        _draft(name, variant, claim, found, file.alpha)
        for name, (file, claim) in claims.items()
        for variant, found in _variants(claim, parts[name], margins)
    ]
    groups: dict[tuple[int, str], list[int]] = {}
    for at, draft in enumerate(drafts):
        if not math.isnan(draft.p_value):
            file = claims[draft.claim][0]
            groups.setdefault((id(file), draft.settings.family), []).append(at)
    for places in groups.values():
        file = claims[drafts[places[0]].claim][0]
        for_it = corrected([drafts[at].p_value for at in places], file.correction)
        against = corrected([drafts[at].p_contrary for at in places], file.correction)
        for at, p, contrary in zip(places, for_it, against, strict=True):
            drafts[at] = _decided(drafts[at], float(p), float(contrary), file.alpha)
    return drafts


def _variants(
    claim: Claim, found: Sequence[tuple[Tested, Sequence[Part]]], margins: Mapping[str, float]
) -> list[tuple[str, list[Judged]]]:
    """The parts of a claim, or of each of its variants; those without a name of a variant belong to all."""
    judged = [judge_part(part, asked, margins) for asked, parts in found for part in parts]
    if not claim.each:
        return [("", judged)]

    def variant(one: Judged) -> str | None:
        names = [one.part.about.get(name) for name in claim.each]
        return None if None in names else ", ".join(str(name) for name in names)

    variants = dict.fromkeys(v for one in judged if (v := variant(one)) is not None)
    if not variants:
        return [("", judged)]
    return [(v, [one for one in judged if variant(one) in (v, None)]) for v in variants]


def _draft(name: str, variant: str, claim: Claim, parts: list[Judged], alpha: float) -> Verdict:
    """A claim without the correction."""
    nan = math.nan
    untested = [part for part in parts if part.why]
    if not parts or untested:
        why = "this study has no numbers that it is about"
        if untested:
            several = f"{len(untested)} of {len(parts)} parts: " if len(parts) > 1 else ""
            why = f"{several}{untested[0].why}"
        found = (None, nan, nan, nan, nan, nan)
        return Verdict(name, variant, claim, tuple(parts), NOT_TESTABLE, why, *found)
    # Of equal p values, that with the stronger contrary.
    decisive = max(parts, key=lambda part: (part.p_value, -part.p_contrary))
    p_value = decisive.p_value
    contrary = min(1.0, len(parts) * min(part.p_contrary for part in parts))
    if contrary <= alpha:
        decisive = min(parts, key=lambda part: part.p_contrary)
    found = (decisive, p_value, contrary, nan, nan, _over_seeds(decisive))
    return Verdict(name, variant, claim, tuple(parts), INCONCLUSIVE, "", *found)


def _over_seeds(judged: Judged) -> float:
    seeds = np.array(judged.part.seeds)
    if len(seeds) < FEWEST_SEEDS or judged.threshold is None or judged.side is None:
        return math.nan
    return wilcoxon(seeds - judged.threshold, judged.side)


def _decided(draft: Verdict, p_value: float, contrary: float, alpha: float) -> Verdict:
    verdict = INCONCLUSIVE
    if p_value <= alpha:
        verdict = SUPPORTED
    elif contrary <= alpha:
        verdict = NOT_SUPPORTED
    return replace(draft, verdict=verdict, p_corrected=p_value, p_contrary_corrected=contrary)
