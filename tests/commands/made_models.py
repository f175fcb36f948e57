"""Models of the smallest kind, made by the commands as the rules call them."""

import argparse
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd

from unispace.commands import extract_embeddings, pretrain_backbone, train_model
from unispace.records.images import write_raw
from unispace.records.manifest import write_manifest

WORKFLOW = Path(train_model.__file__).resolve().parents[2]
BACKBONE = {
    "architecture": "eva02_tiny_patch14_224",
    "options": {"img_size": 32, "patch_size": 16, "embed_dim": 16, "depth": 1, "num_heads": 2},
    "preprocessing": {"size": 32},
    "weights": {"kind": "random"},
}
STEPS = 60
CURRICULUM = {
    "steps": STEPS,
    "train_on": {"things": {"batch_size": 8}, "faces": {"batch_size": 8}},
}


def write_dataset(folder, domain, labels=4, each=6):
    draw = np.random.default_rng(labels)
    names = np.repeat(np.arange(labels), each)
    images = draw.integers(0, 256, (labels, 32, 32, 3))[names]
    images = (images + draw.normal(0, 20, images.shape)).clip(0, 255).astype(np.uint8)
    write_raw([images], len(names), 32, folder / "images.npy")
    label = [f"{folder.name}{n}" for n in names]
    manifest = pd.DataFrame(
        {
            "image_id": [f"{folder.name}/{n}" for n in range(len(names))],
            "row": range(len(names)),
            "domain": domain,
            "label": label,
            "identity": None if domain == "object" else label,
            "split": ["test" if n % each == 0 else "train" for n in range(len(names))],
            "source": "drawn",
        }
    )
    write_manifest(manifest, folder / "manifest.parquet")


def line(folder, settings, **options):
    """Arguments of a command that makes a model in `folder`."""
    given = {
        "settings": json.dumps(settings, sort_keys=True),
        "weights": folder / "model.safetensors",
        "history": folder / "history.parquet",
        "card": folder / "model.json",
        **options,
    }
    return [text for key, value in given.items() for text in (f"--{key}", str(value))]


def call(command, argv):
    """Run a command in this process, errors and all."""
    parser = argparse.ArgumentParser()
    command.configure(parser)
    command.run(parser.parse_args(argv))


def pretrain(project, folder, weights, name="b", seed=1):
    settings = {"name": name, "seed": seed, "backbone": {**BACKBONE, "weights": weights}}
    resume = project / ".unfinished"
    argv = line(folder, settings, data=project / "data/things", resume=resume, threads=1)
    call(pretrain_backbone, argv)
    return folder


def tuning(project, pretrained, folder, curriculum=CURRICULUM, seed=2, resume=None):
    settings = {
        "model": "b/c/seed0",
        "seed": seed,
        "backbone": BACKBONE,
        "curriculum": curriculum,
    }
    return line(
        folder,
        settings,
        **{"pretrained": pretrained / "model.safetensors"},
        **{"pretrained-card": pretrained / "model.json"},
        data=project / "data",
        heads=folder / "heads.safetensors",
        timing=folder / "timing.parquet",
        resume=resume or project / ".unfinished",
        threads=1,
    )


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_of(folder):
    """The checksums of all files but the one that no two runs agree on; pytest compares large bytes for minutes."""
    return {p.name: sha256(p) for p in folder.iterdir() if p.name != "timing.parquet"}


def card_of(folder):
    return json.loads((folder / "model.json").read_text())


def environment():
    return {**os.environ, "PYTHONPATH": str(WORKFLOW), "OMP_NUM_THREADS": "1"}


PRETRAIN = {
    "kind": "pretrain",
    "dataset": "things",
    "steps": 20,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "augment": 0.1,
}


def embed(project, model, output, card=None, datasets=("things", "faces"), backbone=BACKBONE):
    settings = {"model": "b/c/seed0", "backbone": backbone, "datasets": dict.fromkeys(datasets)}
    given = {
        "settings": json.dumps(settings),
        "weights": model / "model.safetensors",
        "card": card or model / "model.json",
        "data": project / "data",
        "shelf": output / "shelf",
        "output": output / "embeddings",
        "threads": 1,
    }
    call(extract_embeddings, [t for k, v in given.items() for t in (f"--{k}", str(v))])
