"""Trade-offs in the workflow: once for a backbone that has a base, from the metrics and samples of all its models."""

import re

import pytest
import yaml

pytestmark = pytest.mark.slow

TINY = "workflow/studies/tiny.yaml"


def written(project, **part):
    """The tiny study with two general sets and trade-offs, without texts."""
    path = project.folder / "trades.yaml"
    study = yaml.safe_load((project.folder / TINY).read_text("utf-8"))
    study["backbones"]["clip"]["curricula"] = ["base"]
    del study["curricula"]["pad"]
    study["tradeoffs"] = {"datasets": ["objects", "shapes"], **part}
    study["prompts"] = {}
    path.write_text(yaml.safe_dump(study, sort_keys=False), "utf-8")
    return path.name


def blocks(project, study):
    done = project.snakemake("--dry-run", "--cores", "1", "--configfile", study)
    assert done.returncode == 0, done.stderr
    return re.split(r"\n(?=(?:local)?rule \w+:)", done.stdout + done.stderr)


def test_a_backbone_with_a_base_is_compared_from_all_its_models(fresh):
    study = written(fresh, gain={"fr": {"dataset": "faces"}})
    found = blocks(fresh, study)
    (rule,) = [b for b in found if b.startswith("rule evaluate_tradeoffs:")]
    assert "wildcards: backbone=micro" in rule
    for kind in ("metrics", "samples"):
        for experiment in ("classification", "verification"):
            for curriculum in ("base", "sequential", "imic-a"):
                name = f"{kind}/{experiment}/micro+{curriculum}+seed0.parquet"
                assert f"results/tiny/{name}" in rule
    (collected,) = [b for b in found if b.startswith("rule collect_results:")]
    assert "results/tiny/metrics/gelo/micro.parquet" in collected
    (page,) = [b for b in found if b.startswith("rule render_report:")]
    assert "evaluation/published/tradeoffs.csv" in page
    drawn = {m for b in found for m in re.findall(r"wildcards: figure=(gelo\w*)", b)}
    assert {"gelo", "gelo_drops", "gelo_pareto"} <= drawn


def test_what_is_not_asked_for_is_not_read(fresh):
    found = blocks(fresh, written(fresh, references=False))
    (rule,) = [b for b in found if b.startswith("rule evaluate_tradeoffs:")]
    assert "results/tiny/metrics/classification/micro+base+seed0.parquet" in rule
    assert "results/tiny/metrics/verification" not in rule
    (page,) = [b for b in found if b.startswith("rule render_report:")]
    assert "evaluation/published" not in page
    assert not any("figure=gelo_pareto" in b for b in found)


def test_a_mistake_is_told_before_the_first_job(fresh):
    done = fresh.snakemake("--dry-run", "--configfile", written(fresh, datasets=["objects", "faces"]))  # fmt: skip
    assert done.returncode != 0
    assert "`faces` is of domain face_hq; general sets are of domain object" in done.stderr
