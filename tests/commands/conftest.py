"""Data sets and models that the tests of several commands use; each module makes those that it asks for."""

import pytest
from made_models import call, pretrain, tuning, write_dataset

from unispace.commands import train_model
from unispace.records.manifest import read_manifest, write_manifest


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with two prepared data sets."""
    root = tmp_path_factory.mktemp("project")
    write_dataset(root / "data" / "things", "object")
    write_dataset(root / "data" / "faces", "face_hq", labels=5)
    return root


@pytest.fixture(scope="module")
def pretrained(project):
    """Folder of a random backbone."""
    return pretrain(project, project / "pretrained", {"kind": "random"})


@pytest.fixture(scope="module")
def tuned(project, pretrained):
    """Folder of a model that was trained without a break."""
    folder = project / "tuned"
    call(train_model, tuning(project, pretrained, folder))
    return folder


@pytest.fixture(scope="module")
def detector(project, pretrained):
    """A model tuned by low-rank updates, with dropout, to tell attacks, beside a task of classes."""
    write_dataset(project / "data" / "attacks", "pad", labels=3, each=8)
    manifest = read_manifest(project / "data/attacks/manifest.parquet")
    kinds = manifest["label"].map(
        {"attacks0": "bona_fide", "attacks1": "print", "attacks2": "mask"}
    )
    write_manifest(manifest.assign(label=kinds), project / "data/attacks/manifest.parquet")
    curriculum = {
        "steps": 60,
        "lora": {"rank": 4, "dropout": 0.1},
        "learning_rate": 5e-3,
        "head_learning_rate": 0.1,
        "augment": 0.0,
        "input": {"normalisation": "half", "colour_order": "bgr", "embed_as": "training"},
        "train_on": {
            "attacks": {"batch_size": 8, "sampling": "balanced"},
            "things": {"batch_size": 4, "weight": 0.1},
        },
    }
    folder = project / "detector"
    call(train_model, tuning(project, pretrained, folder, curriculum))
    return folder, curriculum
