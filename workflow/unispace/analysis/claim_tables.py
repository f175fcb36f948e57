"""Parts of claims from tables: tidy rows as they stand, components, and curves of maps over training sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from unispace.analysis.claim_parts import OwnTest, Part, failed, matches, named
from unispace.config.claims import COLUMNS, OfComponents, OfEfficiency, OfRows
from unispace.evaluation.hypotheses import Side
from unispace.evaluation.measure import Measure

_ENDS = ("same", "other")


def parts_of_rows(asked: OfRows, results: pd.DataFrame) -> list[Part]:
    """The chosen rows of the tidy results.

    A row with a p value of its own is tested by it; its contrary by what is left of 1.

    Args:
        asked: which rows.
        results: tidy rows.
    """
    chosen = np.ones(len(results), bool)
    for column, patterns in asked.where.items():
        values = results[column]
        if column == "fitted_on" and set(patterns) <= set(_ENDS):
            same = (values == results["dataset"]).to_numpy(bool)
            there = values.notna().to_numpy(bool)
            chosen &= there & ((same & ("same" in patterns)) | (~same & ("other" in patterns)))
            continue
        fits = {v: matches(str(v), patterns) for v in values.dropna().unique()}
        chosen &= values.map(fits).fillna(False).to_numpy(bool)
    found = results[chosen]
    if asked.p_value is not None:
        found = found[~found["metric"].str.endswith(asked.p_value)]
    return [_of_row(row, asked.p_value, results) for row in found.to_dict("records")]


def _of_row(row: Mapping[Any, Any], suffix: str | None, results: pd.DataFrame) -> Part:
    about = {c: str(row[c]) for c in COLUMNS if not pd.isna(row[c]) and c != "unit"}
    if "model" in about and about["model"].count("/") == 2:
        about = named(about["model"]) | about
    measure = Measure(
        str(row["metric"]),
        float(row["value"]),
        float(row["lower"]),
        float(row["upper"]),
        int(row["n"]),
        str(row["unit"]),
        str(row["status"]),
    )
    if suffix is None or measure.status != "ok":
        return Part(about, measure)
    beside = results[results["metric"] == measure.metric + suffix]
    for name in COLUMNS:
        if name not in ("metric", "unit"):
            cell = row[name]
            beside = beside[beside[name].isna() if pd.isna(cell) else beside[name] == cell]
    tested = beside[beside["status"] == "ok"]
    if len(tested) != 1:
        why = "there is no p value of it" if beside.empty else str(beside["status"].iloc[0])
        return failed(about, f"{measure.metric}{suffix}: {why.removeprefix('failed: ')}", 1)
    return Part(
        about, measure, 2, _permuted(float(tested["value"].iloc[0]), int(tested["n"].iloc[0]))
    )


def _permuted(p_value: float, permutations: int) -> OwnTest:
    """The test of a permutation: of its being above 0, whose contrary is as likely as no such permutation."""

    def test(threshold: float, side: Side) -> float:
        return p_value if side == "greater" else min(1.0, 1 - p_value + 1 / (permutations + 1))

    return test


def parts_of_components(asked: OfComponents, curves: pd.DataFrame) -> list[Part]:
    """Share of each target's gain over chance that components of each other source keep.

    Args:
        asked: of which models, with how many components.
        curves: rows of `records.results.PCA_SCHEMA`; centred by the source's mean, none removed.
    """
    whole = curves.groupby("model")["components"].max()
    own = curves[(curves["basis"] == "components") & (curves["centring"] == "source")]
    own = own[(own["removed"] == 0) & (own["source"] != own["target"])]
    parts = []
    for (model, source, target, metric), curve in own.groupby(
        ["model", "source", "target", "metric"], sort=False
    ):
        about = named(str(model)) | {
            "source": f"components of {source}",
            "target": str(target),
            "metric": f"share of the gain in {metric}",
        }
        if not matches(about["curriculum"], asked.curriculum):
            continue
        dimension = int(whole[str(model)])
        if dimension < asked.dimension:
            why = f"its space has {dimension} dimensions, and the claim is about {asked.dimension} or more"
            parts.append(failed(about, why, len(curve)))
            continue
        few = (curve["components"] < asked.below) & (curve["components"] <= asked.most * dimension)
        if not few.any():
            why = f"no number of components below {asked.below} and {asked.most:.0%} of {dimension} was measured"
            parts.append(failed(about, why, len(curve)))
            continue
        row: dict[Any, Any] = _largest(curve[few], "components")
        about["components"] = f"{int(row['components'])} of {dimension} components"
        measure = Measure(
            about["metric"],
            float(row["gain"]),
            float(row["gain_lower"]),
            float(row["gain_upper"]),
            int(row["n"]),
            str(row["unit"]),
            str(row["status"]),
        )
        parts.append(Part(about, measure))
    return parts


def parts_of_efficiency(asked: OfEfficiency, table: pd.DataFrame) -> list[Part]:
    """Share of the gain over chance that a map fitted on few identities keeps of that with all of them.

    Both are means over the same seeds, of which the table holds mean and deviation. The error of the ratio r of a
    to b is, to first order, the root of (s_a^2 + r^2 s_b^2) / (seeds b^2), as if both were independent: on the wide
    side, since both draw the same test identities. Interval and test are Student's, of seeds - 1 degrees of freedom.

    Args:
        asked: which maps, and how few identities.
        table: rows of `records.results.EFFICIENCY_SCHEMA`.
    """
    keys = ["dataset", "source", "target", "method", "protocol"]
    wanted = table[(table["by"] == "identities") & (table["metric"] == asked.metric)]
    parts = []
    for names, curve in wanted.groupby(keys, sort=False):
        about = dict(zip(keys, map(str, names), strict=True)) | {"metric": f"{asked.metric} kept"}
        if not matches(about["method"], asked.methods):
            continue
        if not matches(about["protocol"], asked.protocols):
            continue
        largest = int(curve["size"].max())
        few = curve[curve["size"] <= asked.most * largest]
        if few.empty:
            why = f"no map was fitted on {asked.most:.0%} or fewer of {largest} identities"
            parts.append(failed(about, why, len(curve)))
            continue
        small, whole = _largest(few, "size"), _largest(curve, "size")
        about["size"] = f"{int(small['size'])} of {largest} identities"
        parts.append(_kept(about, small, whole))
    return parts


def _largest(rows: pd.DataFrame, by: str) -> dict[Any, Any]:
    return rows.sort_values(by, kind="stable").iloc[[-1]].to_dict("records")[0]


def _kept(about: Mapping[str, str], small: dict[Any, Any], whole: dict[Any, Any]) -> Part:
    from scipy.stats import t

    for row in (small, whole):
        if row["status"] != "ok":
            return failed(about, str(row["status"]).removeprefix("failed: "), 2)
    seeds = min(int(small["seeds"]), int(whole["seeds"]))
    if seeds < 2:
        return failed(about, "one seed has no spread, and so no interval", 2)
    gains = [float(row["value"]) - (0.0 if pd.isna(row["chance"]) else float(row["chance"])) for row in (small, whole)]  # fmt: skip
    if gains[1] <= 0:
        return failed(about, "with all identities it is not above chance", 2)
    share = gains[0] / gains[1]
    # The table has the deviation of the seeds as they are, not as a sample of others.
    one, all_of = (float(row["std"]) ** 2 * seeds / (seeds - 1) for row in (small, whole))
    error = math.sqrt((one + share**2 * all_of) / seeds) / gains[1]
    if error == 0:
        return failed(about, "all seeds have the same value, so there is no interval", 2)
    half = float(t.ppf(0.975, seeds - 1)) * error
    measure = Measure(about["metric"], share, share - half, share + half, seeds, "seed")

    def test(threshold: float, side: Side) -> float:
        score = (share - threshold) / error
        return float(t.sf(score if side == "greater" else -score, seeds - 1))

    return Part(dict(about), measure, 2, test)
