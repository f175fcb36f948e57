"""The tiny study from nothing to its report."""

from __future__ import annotations

import filecmp
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unispace.records.claims import CLAIMS_SCHEMA, VERDICTS
from unispace.records.left_out import LeftOut, read_left_out
from unispace.records.manifest import read_manifest
from unispace.records.models import HISTORY_SCHEMA
from unispace.records.pairs import read_pairs
from unispace.records.results import SCHEMA
from unispace.records.tables import read_table
from unispace.reporting.times_section import lacks_times, without_times

pytestmark = pytest.mark.slow

TINY = "workflow/studies/tiny.yaml"
MODELS = (
    "micro/base/seed0",
    "micro/expert-face_hq/seed0",
    "micro/sequential/seed0",
    "micro/imic-a/seed0",
    "clip/base/seed0",
    "clip/pad/seed0",
    "pixels/expert-face_hq/seed0",
)
ALL = "micro/imic-a/seed0"
PAGE = "results/tiny/report/index.html"
TIMED = ("index.html",)
LEVELS = ("verification", "identification", "classification")


def test_the_run_says_what_runs_and_where_the_report_is(finished):
    log = (finished.folder / "run.log").read_text()
    assert "Study tiny: 8 data sets, 7 models, 2 maps" in log
    assert "start  train_model  micro/imic-a/0" in log
    assert "left" in log
    assert "Study tiny is complete" in log
    assert "results/tiny/report/index.html" in log


def test_every_artefact_lies_where_the_design_says(finished):
    folder = finished.folder
    for dataset in ("things", "objects", "faces", "faces_lq", "bodies", "shapes"):
        manifest = read_manifest(folder / f"data/tiny/{dataset}/manifest.parquet")
        left_out = read_left_out(folder / f"data/tiny/{dataset}/left_out.json")
        assert left_out == LeftOut(listed=len(manifest), unreadable=())
        assert read_pairs(folder / f"data/tiny/{dataset}/pairs.parquet").empty
    for model in MODELS:
        for name in ("model.safetensors", "heads.safetensors", "history.parquet", "model.json"):
            assert (folder / "checkpoints/tiny" / model / name).is_file()
        for name in ("vectors.npy", "index.parquet", "embedding.json"):
            assert (folder / "results/tiny/embeddings" / model / "faces" / name).is_file()
    assert (folder / "results/tiny/report/index.html").stat().st_size < 15e6
    for dataset in ("objects", "faces", "faces_lq", "bodies"):
        assert (folder / f"results/tiny/analysis/statistics/{dataset}.parquet").is_file()
    for kind in ("curves", "numbers"):
        assert (folder / f"results/tiny/analysis/pca/{kind}/clip+base+seed0.parquet").is_file()
    for figure in (
        *("cmc", "roc", "views", "tasks", "maps", "maps_cmc", "losses", "schedule", "conflicts"),
        *("forgetting", "separability", "pca_transfer", "pca_components"),
        *("retrieval", "maps_views"),
        *("maps_families", "maps_roc", "maps_schematic", "planted"),
        *("gelo", "gelo_pareto", "gelo_drops", "gelo_bond", "det"),
    ):
        for kind in ("svg", "png", "csv"):
            assert (folder / f"results/tiny/report/figures/{figure}.{kind}").stat().st_size > 0
    assert (folder / "logs/tiny/train_model/micro/imic-a/seed0.timing.parquet").is_file()
    assert (folder / "results/tiny/analysis/claim_parts.parquet").is_file()
    assert not list((folder / "checkpoints/tiny/.unfinished").glob("*"))


def test_every_job_has_a_log_and_a_benchmark(finished):
    for rule in (
        "prepare_data",
        "pretrain_backbone",
        "train_model",
        "fit_maps",
        "evaluate_maps",
        "evaluate_maps_paper",
        "evaluate_families",
        "retrieve_examples",
        "project_maps",
        "draw_figure",
        "evaluate_changes",
        "evaluate_separability",
        "evaluate_transfer",
    ):
        assert list((finished.folder / f"logs/tiny/{rule}").rglob("*.log"))
        assert list((finished.folder / f"benchmarks/tiny/{rule}").rglob("*.tsv"))
    assert (finished.folder / "logs/tiny/audit_data.log").is_file()
    assert (finished.folder / "benchmarks/tiny/audit_data.tsv").is_file()


def test_results_hold_every_model_data_set_and_metric(finished):
    results = read_table(finished.folder / "results/tiny/results.parquet", SCHEMA)
    assert set(results["experiment"]) == {
        *LEVELS,
        *("change", "separability", "families", "families-paper", "paper", "planted"),
        *("compatibility", "similarity", "centroids", "geometry", "efficiency", "security"),
        *("attack-detection", "gelo"),
    }
    levels = results[results["experiment"].isin(LEVELS)]
    single = levels[levels["model"].notna()]
    assert set(single["model"]) == set(MODELS)
    # 3 identity sets x (AUC, EER, 2 TMR + Rank-1, Rank-5, mAP) + 2 sets of classes x 2 by neighbours and by a linear
    # probe; by texts for the two models of the CLIP
    assert len(single) == len(MODELS) * (3 * 7 + 2 * 2 * 2) + 2 * 2 * 2
    pairs = levels[levels["source"].notna()]
    # 2 fittings x (2 ordered pairs x 4 maps + 2 ceilings) x (2 protocols of verification with AUC, EER, 2 TMR
    # + 3 of identification with Rank-1, Rank-5, mAP)
    assert len(pairs) == 2 * (2 * 4 + 2) * (2 * 4 + 3 * 3)
    assert (pairs["method"] == "same-model").equals(pairs["source"] == pairs["target"])
    assert set(zip(pairs["fitted_on"], pairs["dataset"], strict=True)) == {
        ("faces", "faces"),
        ("faces", "faces_lq"),
    }
    keys = ["model", "source", "target", "method", "fitted_on", "dataset", "protocol", "metric"]
    assert not levels.duplicated(keys).any()


def test_claims_are_judged_and_what_the_study_lacks_is_told(finished):
    claims = read_table(finished.folder / "results/tiny/analysis/claims.parquet", CLAIMS_SCHEMA)
    assert set(claims["verdict"]) <= set(VERDICTS)
    verdict = claims.set_index("claim")["verdict"]
    why = claims.set_index("claim")["why"]
    # One of four experts, spaces of 32 dimensions, and no second size.
    assert verdict["imic-not-inferior"] == verdict["few-components"] == "not testable"
    assert (
        "data sets on which it is compared with `expert`: 1, and 4 are needed"
        in why["imic-not-inferior"]
    )
    assert verdict["larger-loses-less"] == "not testable"
    tested = claims[claims["verdict"] != "not testable"]
    assert {"imic-unseen", "maps-beat-baseline"} <= set(tested["claim"])
    assert tested[["effect", "lower", "upper", "p_value", "p_corrected"]].notna().all(axis=None)
    assert (tested["n"] > 0).all()
    assert tested["about"].ne("").all()
    page = (finished.folder / "results/tiny/report/index.html").read_text("utf-8")
    assert page.index('<section id="claims"') < page.index('<section id="summary"')


def test_results_hold_what_tuning_changed_and_how_far_domains_are_apart(finished):
    results = read_table(finished.folder / "results/tiny/results.parquet", SCHEMA)
    changes = results[results["experiment"] == "change"]
    numbers = {"faces": 2, "faces_lq": 2, "bodies": 2, "objects": 1, "shapes": 1}
    tuned = [f"micro/{name}/seed0" for name in ("expert-face_hq", "sequential", "imic-a")]
    expected = {(model, "micro/base/seed0", d): n for model in tuned for d, n in numbers.items()}
    expected |= {(model, tuned[0], "faces"): 2 for model in tuned[1:]}
    expected |= {("clip/pad/seed0", "clip/base/seed0", d): n for d, n in numbers.items()}
    found = changes.groupby(["model", "source", "dataset"]).size()
    assert found.to_dict() == expected
    apart = results[results["experiment"] == "separability"]
    # Accuracy, 6 pairs, 16 of the confusion; the first two kinds among images that look alike; chance.
    metrics = {"linear": 1 + 6 + 16, "linear/matched": 1 + 6, "linear/shuffled": 1}
    several = [model for model in MODELS if "expert" not in model and "pad" not in model]
    expected = {(model, p): n for model in several for p, n in metrics.items()}
    expected |= {("images", "statistics"): 23, ("images", "statistics/matched"): 7}
    found = apart.assign(model=apart["model"].fillna("images")).groupby(["model", "protocol"])
    assert found.size().to_dict() == expected


def test_results_hold_what_tuning_cost_and_how_attacks_are_detected(finished):
    results = read_table(finished.folder / "results/tiny/results.parquet", SCHEMA)
    costs = results[results["experiment"] == "gelo"]
    general = costs[(costs["dataset"] == "general") & costs["source"].notna()]
    tuned = {m for m in MODELS if "base" not in m and not m.startswith("pixels")}
    assert set(general["model"]) == tuned
    # 4 ways to average, over sets that are drawn or fixed; the CLIP is asked by texts too
    assert len(general) == 4 * 2 * (len(tuned) + 1)
    gains = costs[costs["metric"].str.startswith("gain")]
    assert set(zip(gains["model"], gains["dataset"], strict=True)) == {
        *((model, "faces") for model in tuned),
        ("clip/pad/seed0", "attacks"),
    }
    detected = results[results["experiment"] == "attack-detection"]
    assert set(detected["model"]) == {"clip/base/seed0", "clip/pad/seed0"}
    plain = detected[detected["metric"] == "D-EER"].groupby(["model", "dataset"])["protocol"]
    found = {key: {p for p in names if "/" not in p} for key, names in plain}
    both = {"probe", "text:paper"}
    assert found == {
        ("clip/base/seed0", "attacks"): both,
        ("clip/base/seed0", "morphs"): both,
        ("clip/pad/seed0", "attacks"): both | {"head"},
        ("clip/pad/seed0", "morphs"): both,
    }


def test_histories_hold_what_each_curriculum_asks_for(finished):
    folder = finished.folder / "checkpoints/tiny/micro"

    def steps(curriculum, measure):
        history = read_table(folder / curriculum / "seed0/history.parquet", HISTORY_SCHEMA)
        rows = history[history["measure"] == measure]
        return {
            name: rows.loc[g, "step"].tolist() for name, g in rows.groupby("dataset").groups.items()
        }

    names = ("bodies", "faces", "faces_lq", "objects")

    def each(expected):
        return dict.fromkeys(names, expected)

    assert steps("imic-a", "loss") == each([1, 2, 3, 4])
    assert steps("imic-a", "val_rank-1") == each([0, 2, 4])
    assert steps("imic-a", "gradient_norm") == each([1, 3])
    # Each pair stands with the data set that comes first.
    pairs = {name: sorted([1, 3] * (3 - i)) for i, name in enumerate(names[:3])}
    assert {k: sorted(v) for k, v in steps("imic-a", "conflict").items()} == pairs
    assert steps("sequential", "loss") == {
        "objects": [1, 2], "bodies": [3, 4], "faces": [5, 6], "faces_lq": [7, 8],
    }  # fmt: skip
    assert steps("sequential", "conflict") == {}
    assert steps("base", "loss") == {}


def test_a_number_has_an_interval_and_a_failed_cell_says_why(finished):
    results = read_table(finished.folder / "results/tiny/results.parquet", SCHEMA)
    ok = results[results["status"] == "ok"]
    assert ((ok["lower"] <= ok["value"]) & (ok["value"] <= ok["upper"])).all()
    failed = results[results["status"] != "ok"]
    assert failed["value"].isna().all()
    assert failed["status"].str.startswith("failed: ").all()
    # 24 identities cannot support one false match in a thousand.
    assert (failed["metric"] == "TMR@FMR=0.001").any()


def test_the_base_model_is_the_pretrained_backbone(finished):
    for backbone in ("micro", "clip"):
        folder = finished.folder / "checkpoints/tiny" / backbone
        assert filecmp.cmp(
            folder / "pretrained/model.safetensors", folder / "base/seed0/model.safetensors", False
        )


def test_an_embedding_says_what_made_it(finished):
    folder = finished.folder
    card = json.loads((folder / f"checkpoints/tiny/{ALL}/model.json").read_text())
    embedding = json.loads(
        (folder / f"results/tiny/embeddings/{ALL}/faces/embedding.json").read_text()
    )
    assert embedding["model"]["weights_sha256"] == card["weights_sha256"]
    vectors = np.load(folder / f"results/tiny/embeddings/{ALL}/faces/vectors.npy")
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_identities_of_training_and_test_are_disjoint(finished):
    for dataset in ("faces", "faces_lq", "bodies"):
        manifest = read_manifest(finished.folder / f"data/tiny/{dataset}/manifest.parquet")
        assert manifest.groupby("identity")["split"].nunique().max() == 1
    faces, poor = (
        read_manifest(finished.folder / f"data/tiny/{d}/manifest.parquet")
        for d in ("faces", "faces_lq")
    )
    both = pd.concat([faces, poor]).groupby("identity")["split"].nunique()
    assert both.max() == 1


@pytest.mark.parametrize("fitting", ["faces", "faces--faces_lq"])
def test_maps_are_tested_on_identities_that_they_were_not_fitted_on(finished, fitting):
    record = json.loads((finished.folder / f"results/tiny/maps/{fitting}/maps.json").read_text())
    fitted, tested = (
        read_manifest(finished.folder / f"data/tiny/{record[side]['dataset']}/manifest.parquet")
        for side in ("fit", "test")
    )
    tested = tested[tested["image_id"].isin(record["test"]["images"])]
    assert set(tested["split"]) == {"test"}
    assert tested["identity"].nunique() == record["test"]["identities"]
    people = set(fitted[fitted["split"] == "test"]["identity"]) - set(tested["identity"])
    assert len(people) == record["fit"]["identities"] > 0
    # The other side of the division is the same persons in both data sets.
    assert record["shared_identities"] == (fitting != "faces") * len(
        set(fitted[fitted["split"] == "test"]["identity"])
    )


def test_the_page_says_where_the_time_went(finished):
    page = (finished.folder / "results/tiny/report/index.html").read_text("utf-8")
    section = page.split('<section id="times"')[1].split("</section>")[0]
    jobs = len(list((finished.folder / "benchmarks/tiny").rglob("*.tsv")))
    assert re.search(r"The run took (\d+ min )?\d+ s on 2 cores\.", section)
    rows = re.findall(r'<tr><th scope="row"><code>(\w+)</code></th><td.*?>(\d+)</td>', section)
    assert sum(int(count) for _, count in rows) == jobs > 100
    assert {"train_model", "draw_figure", "render_report"} <= {rule for rule, _ in rows}
    lines = (finished.folder / "benchmarks/tiny/times.csv").read_text().splitlines()
    assert len(lines) == len(rows) + 1


METRICS = "results/tiny/metrics"
ANALYSIS = "results/tiny/analysis"
ONE_OF_EACH = (
    # A job of each rule up to the measures, with what it is made of.
    "results/tiny/audit.parquet",
    "results/tiny/report/figures/sheet_faces.png",
    *(f"{METRICS}/{kind}/clip+pad+seed0.parquet" for kind in (*LEVELS, "zero_shot")),
    f"{METRICS}/attack_detection/clip+pad+seed0.parquet",
    *(f"{METRICS}/{kind}/clip.parquet" for kind in ("change", "gelo")),
    f"{METRICS}/separability/clip+base+seed0.parquet",
    f"{METRICS}/separability/statistics.parquet",
    f"{ANALYSIS}/pca/curves/clip+base+seed0.parquet",
    f"{METRICS}/maps/faces/micro+imic-a+seed0.parquet",
    *(f"{METRICS}/{kind}/faces.parquet" for kind in ("maps_paper", "families", "compatibility")),
    *(f"{METRICS}/{kind}/faces.parquet" for kind in ("geometry", "efficiency", "security")),
    *(f"{ANALYSIS}/{kind}/faces.parquet" for kind in ("retrieval", "maps_views")),
    f"{METRICS}/planted.parquet",
)
# What of the rest reads all of that; made again, with what reads it in turn.
COLLECTED = ("results/tiny/results.parquet", f"{ANALYSIS}/views.parquet")


def differing(first: Path, second: Path, least: int) -> list[str]:
    """Files of the second folder that are not those of the first, byte by byte, but for times and what is kept of trainings."""
    names = [
        p.relative_to(second)
        for top in ("data", "checkpoints", "results")
        for p in sorted((second / top).rglob("*"))
        if p.is_file() and ".unfinished" not in p.parts and p.name not in TIMED
    ]
    assert len(names) >= least
    different = [str(n) for n in names if not filecmp.cmp(first / n, second / n, shallow=False)]
    if (second / PAGE).exists():
        one, other = ((f / PAGE).read_text("utf-8") for f in (first, second))
        different += [] if without_times(one) == without_times(other) else [PAGE]
    return different


def rules_that_ran(folder: Path) -> set[str]:
    return {path.name.removesuffix(".log") for path in (folder / "logs/tiny").iterdir()}


def test_with_one_core_and_without_forks_a_job_of_each_rule_gives_the_same_bytes(
    finished, fresh, rerun
):
    # Without hooks no server stands by, and every job starts as it does on a cluster.
    alone = ("--cores", "1", "--no-hooks", "--configfile", TINY)
    done = fresh.snakemake(*ONE_OF_EACH, *alone)
    assert done.returncode == 0, done.stderr
    assert differing(finished.folder, fresh.folder, 100) == []
    shutil.rmtree(rerun.folder / "logs")
    for name in COLLECTED:
        (rerun.folder / name).unlink()
    done = rerun.snakemake(*alone)
    assert done.returncode == 0, done.stderr
    assert differing(finished.folder, rerun.folder, 300) == []
    ran = rules_that_ran(fresh.folder) | rules_that_ran(rerun.folder)
    assert ran == rules_that_ran(finished.folder)


@pytest.mark.nightly
def test_another_run_with_other_cores_and_without_forks_gives_the_same_bytes(finished, fresh):
    done = fresh.snakemake("--cores", "1", "--no-hooks", "--configfile", TINY)
    assert done.returncode == 0, done.stderr
    assert differing(fresh.folder, finished.folder, 300) == []
    # Without hooks nobody puts the times in.
    assert lacks_times(fresh.folder / PAGE)
    assert not lacks_times(finished.folder / PAGE)
