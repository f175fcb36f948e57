"""Small networks, easy tasks and data sets on disk."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from unispace.backbones.arithmetic import fix_arithmetic
from unispace.backbones.network import Network
from unispace.config.backbones import Backbone
from unispace.config.curricula import Curriculum, Optimisation, TrainOn
from unispace.config.heads import Head
from unispace.curricula.history import History
from unispace.curricula.resume import Resume
from unispace.curricula.tasks import Task
from unispace.curricula.training import train
from unispace.records.images import write_encoded, write_raw
from unispace.records.manifest import write_manifest


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """As every training job runs."""
    fix_arithmetic(1)


@pytest.fixture(scope="session")
def build():
    """A small network with weights from a seed."""

    def built(architecture="eva02_tiny_patch14_224", seed=0, **options):
        if architecture == "eva02_tiny_patch14_224":
            tiny = {"img_size": 32, "patch_size": 16, "embed_dim": 16, "depth": 2, "num_heads": 2}
            options = tiny | options
        settings = {
            "architecture": architecture,
            "options": options,
            "preprocessing": {"size": 32},
            "weights": {"kind": "random"},
        }
        torch.manual_seed(seed)
        return Network(Backbone.model_validate(settings))

    return built


@pytest.fixture(scope="session")
def coloured():
    """A task that is trivially learnt: each label has a colour of its own, under noise."""

    def made(name="colours", labels=4, each=6, loss="softmax", **changes):
        draw = np.random.default_rng(labels)
        colours = draw.permutation(np.linspace(30, 225, labels))[:, None] * [1, 0.6, 0.2]
        names = np.repeat(np.arange(labels), each)
        noise = draw.normal(0, 12, (len(names), 32, 32, 3))
        images = (colours[names][:, None, None] + noise).clip(0, 255).astype(np.uint8)
        settings = {"head": Head(loss=loss, scale=24, margin=0.2), "batch_size": 8, **changes}
        text = tuple(f"{n:02}" for n in range(labels))
        numbers = names.astype(np.int64)
        return Task(name=name, images=images, labels=numbers, label_names=text, **settings)

    return made


@pytest.fixture(scope="session")
def optimisation():
    """Settings of a short training."""

    def made(**changes):
        # Nothing is left to a default, so that a better default breaks no test.
        stated = {
            "steps": 6,
            "learning_rate": 3e-3,
            "weight_decay": 0.05,
            "warmup": 0.1,
            "clip_norm": 5.0,
            "augment": 0.5,
        }
        return Optimisation(**{**stated, **changes})

    return made


@pytest.fixture(scope="session")
def planned():
    """A curriculum over tasks."""

    def made(tasks, settings, *, weights=None, **changes):
        parts = {
            task.name: TrainOn(
                batch_size=task.batch_size,
                # A shared head is set where it belongs.
                head=None if task.share_head_of else task.head,
                share_head_of=task.share_head_of,
                weight=(weights or {}).get(task.name, 1.0),
            )
            for task in tasks
        }
        plan = Curriculum(train_on=parts, **changes)
        # Past the bounds of the settings, which some tests leave on purpose.
        return plan.model_copy(update=settings.model_dump())

    return made


@pytest.fixture
def run(tmp_path, planned):
    """Train a network on tasks; returns the history. `changes` are keys of the curriculum."""

    def trained(network, tasks, settings, coupling="accumulate", *, seed=0, key="key", **changes):
        curriculum = planned(tasks, settings, coupling=coupling, **changes)
        history = History([task.name for task in tasks])
        train(network, tasks, curriculum, seed, Resume(tmp_path, key), history)
        return history.table()

    return trained


@pytest.fixture(scope="session")
def measured():
    """Values of a measure in the order of data sets and steps."""

    def found(history, measure, dataset=None):
        rows = history[history["measure"] == measure]
        return rows[rows["dataset"] == dataset if dataset else rows["dataset"].notna()]["value"]

    return found


@pytest.fixture
def dataset(tmp_path):
    """Write a data set of random images; returns its folder and the images."""

    def written(labels, splits, *, domain="object", size=32, encoded=False, name="set"):
        folder, count = tmp_path / name, len(labels)
        images = np.random.default_rng(7).integers(0, 256, (count, size, size, 3), np.uint8)
        if encoded:
            write_encoded((png(image) for image in images), folder / "images.npy")
        else:
            write_raw([images], count, size, folder / "images.npy")
        manifest = pd.DataFrame(
            {
                "image_id": [f"{name}/{i}" for i in range(count)],
                "row": range(count),
                "domain": domain,
                "label": list(labels),
                "identity": list(labels) if domain != "object" else None,
                "split": list(splits),
                "source": "drawn",
            }
        )
        write_manifest(manifest, folder / "manifest.parquet")
        return folder, images

    return written


def png(image):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return stream.getvalue()
