"""Prompts in the workflow: once for a backbone, asked of every model of it, and rerun by their words."""

import re

import pytest

pytestmark = pytest.mark.slow

TINY = "workflow/studies/tiny.yaml"


def test_prompts_are_embedded_once_for_a_backbone_and_asked_of_every_model(fresh):
    fresh.change(TINY, "curricula: [base, pad]", "curricula: [base, imic-a, pad]")
    fresh.change(TINY, "templates: [own]", "templates: [studio, plain]")
    done = fresh.snakemake(
        "results/tiny/results.parquet",
        *("--dry-run", "--cores", "1", "--printshellcmds"),
        *("--configfile", TINY),
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    prompts = re.findall(r"^rule embed_prompts:\n.*?(?=^rule )", said, re.MULTILINE | re.DOTALL)
    assert len(prompts) == 1
    assert "checkpoints/tiny/clip/pretrained/model.safetensors" in prompts[0]
    for templates in ("studio", "plain"):
        assert f"results/tiny/prompts/clip/objects/{templates}/vectors.npy" in prompts[0]
    assert '"a snapshot of {a}"' in prompts[0]  # the words are part of what the job is
    asked = re.findall(r"^    output: (results/tiny/metrics/zero_shot/[^,\s]+)", said, re.MULTILINE)
    assert sorted(asked) == [
        f"results/tiny/metrics/zero_shot/clip+{curriculum}+seed0.parquet"
        for curriculum in ("base", "imic-a", "pad")
    ]
    # Each with its resamples, for comparisons in pairs.
    samples = re.findall(r"results/tiny/samples/zero_shot/[^,;\s]+", said)
    assert {path.rsplit("/", 1)[1] for path in samples} == {
        path.rsplit("/", 1)[1] for path in asked
    }
