"""What reruns after a change, by the list of jobs."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.slow

TINY = "workflow/studies/tiny.yaml"
PAGE = {
    "collect_results",
    "compare_humans",
    "evaluate_claims",
    "render_report",
    "summarise_results",
}
TESTS = ("verification", "identification", "classification")
FITTINGS = ("faces", "faces--faces_lq")
MAPPED = ("micro+expert-face_hq+seed0", "micro+imic-a+seed0")
MAPS = {
    f"{rule} {f}"
    for rule in (
        *("fit_maps", "evaluate_families", "evaluate_maps_paper"),
        *("analyse_compatibility", "analyse_maps"),
    )
    for f in FITTINGS
}
MAPS |= {f"evaluate_maps {f} {target}" for f in FITTINGS for target in MAPPED}
# Examples are shown on the first fitting.
MAPS |= {f"{rule} {FITTINGS[0]}" for rule in ("retrieve_examples", "project_maps")}
MAPS |= {"draw_figure retrieval", "draw_figure maps_views"}
# Curves are measured within data sets alone.
MAPS |= {"measure_efficiency faces", "measure_leaks faces"}
MAPS |= {"draw_figure maps_efficiency", "draw_figure maps_security"}


def drawn(*figures: str) -> set[str]:
    return {f"draw_figure {figure}" for figure in figures}


FROM_RESULTS = drawn(
    *("tasks", "maps", "cmc", "roc", "maps_cmc", "views", "forgetting", "separability"),
    *("maps_families", "maps_roc", "planted"),
    *("maps_structure", "maps_centrality", "maps_geometry", "maps_similarity"),
    *("gelo", "gelo_pareto", "gelo_drops", "gelo_bond", "det"),
)


def test_a_second_run_has_nothing_to_do(finished):
    done = finished.snakemake("--cores", "2", "--configfile", TINY)
    assert done.returncode == 0
    assert "Nothing to be done" in done.stderr
    assert finished.jobs() == []


def test_a_ridge_penalty_reruns_maps_scores_and_report_only(rerun):
    rerun.change(TINY, "  fit_share: 0.5", "  fit_share: 0.5\n  methods: { ridge: { alpha: 1.0 } }")
    # Leaving out methods changes the list of outputs; the penalty alone is the case in question.
    rerun.change(
        TINY,
        "methods: { ridge: { alpha: 1.0 } }",
        "methods: { baseline: {}, procrustes: {}, linear: {}, ridge: { alpha: 1.0 } }",
    )
    assert set(rerun.jobs()) == MAPS | PAGE | FROM_RESULTS


def test_training_steps_rerun_that_model_and_what_depends_on_it(rerun):
    rerun.change(TINY, "imic-a:\n    steps: 4", "imic-a:\n    steps: 5")
    model = "micro imic-a 0"
    assert set(rerun.jobs()) == (
        {f"{rule} {model}" for rule in ("train_model", "extract_embeddings")}
        | {f"evaluate_{e} {model}" for e in (*TESTS, "separability", "transfer")}
        | {"project_embeddings", "evaluate_changes micro", "evaluate_tradeoffs micro"}
        | MAPS
        | PAGE
        | FROM_RESULTS
        | drawn("losses", "conflicts", "schedule", "pca_transfer", "pca_components")
    )


def test_a_title_rerenders_the_page_alone(rerun):
    rerun.change(TINY, "title: Unispace tiny study", "title: Another title")
    assert rerun.jobs() == ["render_report"]


def test_a_margin_judges_the_claims_again_and_measures_nothing(rerun):
    rerun.change(TINY, "  resamples: 100", "  resamples: 100\n  margins: { AUC: 0.02 }")
    assert rerun.jobs() == ["evaluate_claims", "render_report"]


def test_a_changed_claim_is_judged_again(rerun):
    rerun.change("workflow/claims/papers.yaml", "alpha: 0.05", "alpha: 0.01")
    assert rerun.jobs() == ["evaluate_claims", "render_report"]


def test_a_wrong_file_of_claims_stops_the_run_before_its_first_job(rerun):
    rerun.change("workflow/claims/papers.yaml", "alpha: 0.05", "alpa: 0.05")
    done = rerun.snakemake("--dry-run", "--cores", "1", "--configfile", TINY)
    assert done.returncode != 0
    assert (
        "workflow/claims/papers.yaml:5: `alpa`: unknown key, did you mean `alpha`?" in done.stderr
    )


def test_more_resamples_rerun_no_training_and_no_embedding(rerun):
    rerun.change(TINY, "resamples: 100", "resamples: 120")
    rules = {job.split()[0] for job in rerun.jobs()}
    assert rules == {
        "evaluate_verification",
        "evaluate_identification",
        "evaluate_classification",
        "evaluate_zero_shot",
        "evaluate_attacks",
        "evaluate_maps",
        "analyse_compatibility",
        "analyse_maps",
        "evaluate_families",
        "evaluate_planted",
        "evaluate_changes",
        "evaluate_tradeoffs",
        "evaluate_separability",
        "evaluate_statistics",
        "evaluate_transfer",
        "collect_results",
        "summarise_results",
        "compare_humans",
        "evaluate_claims",
        "draw_figure",
        "render_report",
    }


def test_a_touched_file_reruns_nothing(rerun):
    for name in (
        "data/tiny/faces/images.npy",
        "checkpoints/tiny/micro/pretrained/model.safetensors",
        "results/tiny/embeddings/micro/imic-a/seed0/faces/vectors.npy",
        "workflow/unispace/curricula/training.py",
    ):
        os.utime(rerun.folder / name)
    assert rerun.jobs() == []


def test_a_moved_project_has_nothing_to_do(rerun):
    # `rerun` is itself a copy in another folder.
    assert rerun.jobs() == []


def test_code_reruns_what_is_made_of_it_and_nothing_else(rerun):
    path = "workflow/unispace/evaluation/classification.py"
    rerun.change(path, '"""', '"""Changed. ')
    rules = {job.split()[0] for job in rerun.jobs()}
    assert rules == {
        # Transfer between domains takes nearest neighbours of objects, too.
        *("evaluate_classification", "evaluate_transfer", "evaluate_changes", "draw_figure"),
        *("evaluate_zero_shot", "evaluate_tradeoffs"),
        *PAGE,
    }


def test_the_audit_is_made_again_without_a_training(rerun):
    path = "workflow/unispace/data/audit/sharing.py"
    rerun.change(path, '"""', '"""Changed. ')
    assert rerun.jobs() == ["audit_data", "render_report"]


def test_a_changed_data_set_is_audited_again(rerun):
    rerun.change(TINY, "degrade: {} }", "degrade: { severity: [0.3, 0.8] } }")
    jobs = rerun.jobs()
    assert {"prepare_data faces_lq", "audit_data", "train_model micro imic-a 0"} <= set(jobs)
    assert "train_model micro expert-face_hq 0" not in jobs


def test_images_that_come_out_the_same_retrain_nothing(rerun):
    rerun.change("workflow/unispace/data/splits.py", '"""', '"""Changed. ')
    assert any(job.startswith("train_model") for job in rerun.jobs())
    names = ("things", "objects", "faces", "faces_lq", "bodies", "shapes", "attacks", "morphs")
    targets = [f"data/tiny/{name}/images.npy" for name in names]
    done = rerun.snakemake(*targets, "--cores", "2", "--configfile", TINY)
    assert done.returncode == 0, done.stderr
    # The images are newer than the models now, but equal to what these were trained on. What is left is made
    # of the changed module itself.
    rules = {job.split()[0] for job in rerun.jobs()}
    assert rules == {
        "draw_contact_sheet",
        "project_embeddings",
        "project_maps",
        "retrieve_examples",
        "measure_efficiency",
        "measure_leaks",
        "fit_maps",
        "analyse_compatibility",
        "analyse_maps",
        "evaluate_maps_paper",
        "evaluate_families",
        "evaluate_planted",
        "evaluate_verification",
        "evaluate_identification",
        "evaluate_classification",
        "evaluate_zero_shot",
        "evaluate_attacks",
        "evaluate_changes",
        "evaluate_tradeoffs",
        "evaluate_separability",
        "evaluate_statistics",
        "evaluate_transfer",
        "evaluate_maps",
        "collect_results",
        "summarise_results",
        "compare_humans",
        "evaluate_claims",
        "draw_figure",
        "render_report",
    }


def test_another_model_is_added_without_touching_the_others(rerun):
    rerun.change(TINY, "\ncurricula:\n  base: {}", "\ncurricula:\n  base: {}\n  other: {}")
    rerun.change(TINY, "sequential, imic-a]", "sequential, imic-a, other]")
    jobs = rerun.jobs()
    assert "train_model micro other 0" in jobs
    assert [job for job in jobs if job.startswith("train_model")] == ["train_model micro other 0"]
    assert not any(job.startswith(("prepare_data", "pretrain_backbone")) for job in jobs)


def test_another_curriculum_of_one_backbone_adds_its_model_alone(rerun):
    rerun.change(TINY, "curricula: [expert-face_hq]", "curricula: [expert-face_hq, imic-a]")
    jobs = rerun.jobs()
    model = "pixels imic-a 0"
    about_a_model = [job for job in jobs if job.endswith(" 0")]
    assert about_a_model == sorted(
        [f"{rule} {model}" for rule in ("train_model", "extract_embeddings")]
        + [f"evaluate_{e} {model}" for e in (*TESTS, "separability", "transfer")]
    )
    assert not any(job.startswith(("prepare_data", "pretrain_backbone")) for job in jobs)
