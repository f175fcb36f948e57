"""The instructions that numerical libraries use: the same everywhere, unless somebody wants his own."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from unispace.errors import UserError
from unispace.kernels import VARIABLE, choose, processor

ROOT = Path(__file__).resolve().parents[1]
X86 = platform.machine() == "x86_64"
ENOUGH = "vendor_id\t: Maker\nflags\t\t: fpu avx2 bmi2 f16c fma avx512f\n"
OLD = "vendor_id\t: Maker\nflags\t\t: fpu avx\n"

# Sums, elementary functions, decompositions and a short training, as studies take them.
ARITHMETIC = """
import hashlib, os, sys
from unispace.kernels import choose
choose(os.environ)
import numpy as np, scipy.linalg, timm, torch
from unispace.backbones.arithmetic import fix_arithmetic
fix_arithmetic(1)
said = hashlib.sha256()
def say(*arrays):
    for array in arrays:
        said.update(np.ascontiguousarray(array).tobytes())
draws = np.random.default_rng(0)
a, b = draws.normal(size=(150, 96)), draws.normal(size=(96, 70))
small = a.astype(np.float32)
say(np.exp(a), np.tanh(small), np.log(np.abs(small)), np.arccos(np.clip(a, -1, 1)), a.std(0), small.sum(1))
say(a @ b, small @ b.astype(np.float32), np.linalg.svd(a)[1], np.linalg.lstsq(a, a[:, :3], rcond=None)[0])
say(*scipy.linalg.eigh(a.T @ a))
torch.manual_seed(0)
images = torch.randn(8, 3, 32, 32)
for name in ("vit_tiny_patch16_224", "eva02_tiny_patch14_224"):
    net = timm.create_model(name, num_classes=0, img_size=32, patch_size=8, depth=1, embed_dim=48, num_heads=2)
    head = torch.nn.Linear(48, 4)
    weights = [*net.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(weights, 1e-3, fused=True)
    for _ in range(2):
        loss = torch.nn.functional.cross_entropy(head(net(images)), torch.arange(8) % 4)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    say(*(weight.detach().numpy() for weight in weights))
print(said.hexdigest(), torch.backends.cpu.get_cpu_capability())
"""


def file(folder: Path, text: str) -> Path:
    path = folder / "cpuinfo"
    path.write_text(text)
    return path


@pytest.mark.skipif(not X86, reason="this is no x86 processor")
@pytest.mark.parametrize(
    ("text", "changed"), [(ENOUGH, True), (OLD, False), (ENOUGH + OLD, False), ("", False)]
)
def test_all_libraries_are_told_where_the_processor_can(tmp_path, text, changed):
    environment = {"HOME": "/", "MKL_CBWR": "COMPATIBLE"}
    choose(environment, file(tmp_path, text))
    assert (environment != {"HOME": "/", "MKL_CBWR": "COMPATIBLE"}) == changed
    assert environment["MKL_CBWR"] == ("AVX2,STRICT" if changed else "COMPATIBLE")


def test_nothing_is_told_without_a_list_of_processors_or_where_the_user_wants_none(tmp_path):
    environment: dict[str, str] = {}
    choose(environment, tmp_path / "nowhere")
    assert environment == {}
    environment = {VARIABLE: "native"}
    choose(environment, file(tmp_path, ENOUGH))
    assert environment == {VARIABLE: "native"}


def test_another_word_is_refused_with_those_that_are_known():
    with pytest.raises(
        UserError, match=r"UNISPACE_INSTRUCTIONS=fast: it is `portable`.* or `native`"
    ):
        choose({VARIABLE: "fast"})


def test_what_computes_is_named_with_its_maker(tmp_path, monkeypatch):
    path = file(tmp_path, ENOUGH + ENOUGH)
    monkeypatch.setattr(os, "environ", {})
    assert processor(path) == f"{platform.machine()} of Maker, native instructions"
    choose(os.environ, path)
    kind = "portable" if X86 else "native"
    assert processor(path) == f"{platform.machine()} of Maker, {kind} instructions"


@pytest.mark.slow
@pytest.mark.skipif(not X86, reason="this is no x86 processor")
@pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="qemu-user is not installed")
def test_processors_of_one_maker_compute_the_same_bits():
    """Emulated ones without AVX-512 and this one; Intel's and AMD's each by themselves, as `kernels` says."""
    makers = {
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if "vendor_id" in line
    }
    here = "EPYC" if any("AMD" in line for line in makers) else "Haswell"
    assert computed() == computed("-cpu", here)
    other = ("Haswell", "Skylake-Client") if here == "EPYC" else ("EPYC", "EPYC-Rome")
    assert computed("-cpu", other[0]) == computed("-cpu", other[1])


def computed(*emulation: str) -> str:
    command = ["qemu-x86_64", *emulation] if emulation else []
    done = subprocess.run(
        [*command, sys.executable, "-c", ARITHMETIC],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow"), VARIABLE: "portable"}
        | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
        capture_output=True,
        text=True,
        check=True,
    )
    digest, capability = done.stdout.split()
    assert capability == "AVX2"
    return digest
