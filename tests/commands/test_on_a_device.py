"""Training, pretraining and embedding on a device that is not the CPU, and what they write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

HERE = Path(__file__).resolve()
PATHS = [HERE.parents[2] / "workflow", HERE.parent, HERE.parents[1] / "backbones"]

# A process of its own: the device cannot be taken back.
SCRIPT = """
import json, os, sys
from pathlib import Path
from unittest.mock import patch

root = Path(sys.argv[1])
import torch
# What wraps tensors cannot make those of inference mode; without gradients comes to the same.
torch.inference_mode = lambda mode=True: torch.no_grad()
import made_models as given
from unispace.backbones import devices
from unispace.commands import extract_embeddings, pretrain_backbone, train_model
from unispace.embedding import extract
from unispace.backbones.network import Network
from unispace.records.manifest import read_manifest, write_manifest

{device}
seen = set()
features = Network.features

def watched(network, images):
    seen.add((images.device.type, network.training))
    return features(network, images)

def everything(folder, device):
    found = lambda gpus, processes=1: [device] * processes
    with (
        patch.object(devices, "devices_for", found),
        patch.object(pretrain_backbone, "devices_for", found),
        patch.object(extract_embeddings, "devices_for", found),
        patch.object(Network, "features", watched),
    ):
        given.pretrain(root, folder / "pretrained", given.PRETRAIN)
        for name, curriculum in CURRICULA.items():
            given.call(
                train_model, given.tuning(root, folder / "pretrained", folder / name, curriculum)
            )
        model = folder / "plain"
        given.call(
            extract_embeddings,
            ["--settings", json.dumps({{"model": "b/c/seed0", "backbone": given.BACKBONE,
                                             "datasets": {{"things": ["test"]}}}}),
             "--weights", str(model / "model.safetensors"), "--card", str(model / "model.json"),
             "--data", str(root / "data"), "--shelf", str(folder / "shelf"),
             "--output", str(folder / "embeddings"), "--threads", "1"],
        )

BOTH = {{"things": {{"batch_size": 8}}, "faces": {{"batch_size": 8}}}}
CURRICULA = {{
    "plain": {{"steps": 6, "train_on": BOTH, "validate_every": 3, "conflict_every": 2, "ema": 0.9}},
    "surgery": {{"steps": 4, "train_on": BOTH, "coupling": "surgery", "micro_batches": 2}},
    "mixed": {{"steps": 4, "train_on": BOTH, "coupling": "concat", "lora": {{"rank": 2}}}},
    "alternate": {{"steps": 4, "train_on": BOTH, "coupling": "alternate", "freeze_blocks": 1}},
    "adaface": {{"steps": 4, "train_on": {{"faces": {{"batch_size": 8, "head": {{"loss": "adaface"}}}}}}}},
}}
for name, domain in (("things", "object"), ("faces", "face_hq")):
    given.write_dataset(root / "data" / name, domain)
    path = root / "data" / name / "manifest.parquet"
    manifest = read_manifest(path)
    # Two images of each label to validate on.
    manifest.loc[manifest["row"] % 6 > 3, "split"] = "val"
    write_manifest(manifest, path)
everything(root / "out", DEVICE)
print(sorted(seen))
"""
ON_CPU = "DEVICE = torch.device('cpu')"
ON_DEVICE = "from pretend_device import pretend; DEVICE = pretend()"


def run(root: Path, device: str) -> str:
    paths = os.pathsep.join(map(str, PATHS))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(device=device), str(root)],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name not in ("timing.parquet", "embedding.json")
        # Named by how it was computed.
        and "shelf" not in path.parts
    }


@pytest.mark.slow
def test_all_that_computes_does_so_on_its_device_and_learns_what_the_cpu_learns(tmp_path):
    said = run(tmp_path / "device", ON_DEVICE)
    # Training and validation, pretraining and embedding: nothing of it on the CPU.
    assert said == "[('pretend', False), ('pretend', True)]"
    run(tmp_path / "cpu", ON_CPU)
    on_device, on_cpu = (files_of(tmp_path / name / "out") for name in ("device", "cpu"))
    assert len(on_cpu) > 20
    assert on_device.keys() == on_cpu.keys()
    weights = [name for name in on_cpu if name.endswith(".safetensors")]
    assert len(weights) > 5
    for name in weights:
        # Another device sums in another order: last digits of weights of about 1.
        ours, theirs = load(on_device[name]), load(on_cpu[name])
        assert ours.keys() == theirs.keys()
        for key, values in theirs.items():
            assert np.allclose(ours[key], values, rtol=0, atol=1e-5), (name, key)
