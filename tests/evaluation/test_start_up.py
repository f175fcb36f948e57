"""Metrics and maps start fast: they import no heavy library until they need it."""

import subprocess
import sys

import pytest

HEAVY = ["torch", "pandas", "snakemake", "sklearn", "scipy", "matplotlib", "safetensors"]


@pytest.mark.parametrize(
    "module",
    [
        "evaluation.verification",
        "evaluation.identification",
        "evaluation.classification",
        "evaluation.changes",
        "evaluation.linear_probe",
        "alignment.fit",
        "alignment.maps",
        "alignment.storage",
    ],
)
def test_import_is_light(module):
    code = f"import sys, unispace.{module}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
