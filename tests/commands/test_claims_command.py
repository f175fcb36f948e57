"""Command evaluate-claims: from a study's tables to verdicts."""

from __future__ import annotations

import argparse
import json

import numpy as np
import pandas as pd
import pytest

from unispace.commands import evaluate_claims
from unispace.errors import UserError
from unispace.records.claims import CLAIMS_SCHEMA, PARTS_SCHEMA
from unispace.records.results import SAMPLES_SCHEMA, SCHEMA
from unispace.records.tables import read_table, write_table

RESAMPLES = 400
FILE = """\
claims:
  better:
    statement: IMIC is better than its base on every set.
    source: ours
    ours: all of it
    family: all
    compare:
      - { kind: models, curriculum: [imic], against: base, datasets: [faces*], holds: above }
    figure: tasks
  gains:
    statement: A rotation gains something over no map.
    source: Somebody (arXiv 1234)
    family: all
    compare:
      - { kind: rows, where: { method: procrustes, metric: AUC-gain }, holds: above, than: 0.05 }
  few:
    statement: Few components are enough for everything.
    source: ours
    family: all
    compare:
      - { kind: components, curriculum: [imic], holds: above, than: 0.95 }
"""
VALUES = {
    ("imic", "faces"): 0.8,
    ("base", "faces"): 0.7,
    ("imic", "faces_lq"): 0.75,
    ("base", "faces_lq"): 0.7,
}
ROLES = {
    "base": "base",
    "tasks": [],
    "experts": {},
    "unseen": [],
    "domains": [["faces", "face_hq"], ["faces_lq", "face_lq"]],
    "general": [],
    "accuracy": "top-1",
    "sizes": [],
}


def row(model, dataset, metric, value, **other):
    known = {"study": "s", "experiment": "verification", "protocol": "all-pairs", "seed": 1}
    ends = {"lower": value - 0.05, "upper": value + 0.05, "n": 40, "unit": "identity"}
    rest = {"status": "ok", "origin": "o", "chance": 0.5}
    empty = dict.fromkeys(("source", "target", "method", "fitted_on"))
    return (
        known
        | ends
        | rest
        | empty
        | {"model": model, "dataset": dataset, "metric": metric, "value": value}
        | other
    )


@pytest.fixture
def study(tmp_path):
    """Results and resamples of two models, and a row of a map."""
    rows, drawn = [], []
    for (name, dataset), value in VALUES.items():
        model = f"m/{name}/seed0"
        rows.append(row(model, dataset, "AUC", value))
        # What is hard is hard for both; the difference has a deviation of 0.01.
        common = np.random.default_rng(len(dataset)).normal(0, 0.05, RESAMPLES)
        own = np.random.default_rng([9, len(dataset)]).normal(0, 0.01, RESAMPLES)
        values = value + common + (own if name == "imic" else 0)
        keys = {"experiment": "verification", "model": model, "dataset": dataset}
        keys |= {"protocol": "all-pairs", "metric": "AUC"}
        drawn.append(pd.DataFrame({**keys, "resample": np.arange(RESAMPLES), "value": values}))
    rows.append(
        row(None, "faces", "AUC-gain", 0.09, experiment="families", method="procrustes", source="face", target="tuned", fitted_on="faces")
    )  # fmt: skip
    write(tmp_path, rows, drawn)
    (tmp_path / "claims.yaml").write_text(FILE, "utf-8")
    return tmp_path


def write(folder, rows, drawn) -> None:
    write_table(pd.DataFrame(rows), SCHEMA, folder / "results.parquet")
    samples = pd.concat(drawn, ignore_index=True).astype({"resample": np.int32})
    write_table(samples, SAMPLES_SCHEMA, folder / "samples.parquet")


def judged(folder, **settings):
    """Verdicts by claim, and all parts."""
    known = {
        "seed": 1,
        "files": [str(folder / "claims.yaml")],
        "models": ["m/imic/seed0", "m/base/seed0"],
    }
    known |= {"roles": ROLES, "evaluation": {"resamples": RESAMPLES}, "margins": {"AUC": 0.03}}
    parser = argparse.ArgumentParser()
    evaluate_claims.configure(parser)
    outputs = folder / "claims.parquet", folder / "parts.parquet"
    evaluate_claims.run(
        parser.parse_args(
            [
                *(
                    "--settings",
                    json.dumps(known | settings),
                    "--results",
                    str(folder / "results.parquet"),
                ),
                *("--samples", str(folder / "samples.parquet")),
                *("--verdicts", str(outputs[0]), "--parts", str(outputs[1])),
            ]
        )
    )
    return read_table(outputs[0], CLAIMS_SCHEMA).set_index("claim"), read_table(
        outputs[1], PARTS_SCHEMA
    )


def test_verdicts_hold_effect_interval_and_p_values(study):
    claims, parts = judged(study)
    better = claims.loc["better"]
    assert better["verdict"] == "supported"
    # The weaker of the two, with a paired interval: that of the levels is wider by far.
    assert better["effect"] == pytest.approx(0.05)
    assert 0.025 < better["lower"] < 0.035
    assert better["about"] == "m/imic/seed0 against m/base/seed0 on faces_lq (all-pairs)"
    assert better["p_value"] == 1 / (RESAMPLES + 1)
    # Two claims could be tested, so Holm doubles the smaller p value.
    assert better["p_corrected"] == 2 * better["p_value"]
    assert (better["parts"], better["met"], better["rows"]) == (2, 2, 4)
    assert (better["n"], better["unit"], better["figure"]) == (40, "identity", "tasks")
    assert list(parts[parts["claim"] == "better"]["dataset"]) == ["faces", "faces_lq"]
    assert parts["fitted_on"].notna().sum() == 1


def test_a_row_without_samples_is_tested_by_its_interval(study):
    gains = judged(study)[0].loc["gains"]
    assert gains["verdict"] == "inconclusive"
    # (0.09 - 0.05) / (0.05 / 1.96): 1.57 deviations.
    assert gains["p_value"] == pytest.approx(0.0584, abs=5e-4)


def test_what_was_not_measured_is_not_testable(study):
    few = judged(study)[0].loc["few"]
    assert few["verdict"] == "not testable"
    assert few["why"] == "this study has no numbers that it is about"
    assert np.isnan(few["effect"])


def test_a_failed_cell_is_told_and_never_supports(study):
    results = read_table(study / "results.parquet", SCHEMA)
    here = (results["model"] == "m/imic/seed0") & (results["dataset"] == "faces")
    results.loc[here, ["value", "lower", "upper"]] = np.nan
    results.loc[here, "status"] = "failed: its loss is not finite at step 3"
    write_table(results, SCHEMA, study / "results.parquet")
    claims, parts = judged(study)
    assert claims.loc["better", "verdict"] == "not testable"
    assert "model its loss is not finite at step 3" in claims.loc["better", "why"]
    assert (parts["status"] != "ok").sum() == 1


def test_the_same_results_give_the_same_bytes(study):
    judged(study)
    first = (study / "claims.parquet").read_bytes(), (study / "parts.parquet").read_bytes()
    judged(study)
    assert first == (
        (study / "claims.parquet").read_bytes(),
        (study / "parts.parquet").read_bytes(),
    )


def test_a_wrong_file_is_refused(study):
    (study / "claims.yaml").write_text("claims: {}\n", "utf-8")
    with pytest.raises(UserError, match="needs at least 1 of them"):
        judged(study)
