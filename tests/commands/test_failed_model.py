"""A model that failed in training, from its card to the last table."""

import argparse
import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from unispace.commands import (
    evaluate_classification,
    evaluate_families,
    evaluate_identification,
    evaluate_maps,
    evaluate_maps_paper,
    evaluate_verification,
    extract_embeddings,
    fit_maps,
    pretrain_backbone,
    project_embeddings,
    train_model,
)
from unispace.config.evaluation import Evaluation
from unispace.config.maps import Maps
from unispace.records.embeddings import read_embeddings
from unispace.records.files import sha256_of
from unispace.records.heads import read_heads
from unispace.records.images import write_raw
from unispace.records.manifest import write_manifest
from unispace.records.results import (
    CURVE_SCHEMA,
    PAIR_SAMPLES_SCHEMA,
    SAMPLES_SCHEMA,
    SCHEMA,
    VIEW_SCHEMA,
)
from unispace.records.tables import read_table

BACKBONE = {
    "architecture": "eva02_tiny_patch14_224",
    "options": {"img_size": 32, "patch_size": 16, "embed_dim": 16, "depth": 1, "num_heads": 2},
    "preprocessing": {"size": 32},
    "weights": {"kind": "random"},
}
HEAD = {"loss": "softmax", "scale": 1e38}
BROKEN = {
    "steps": 3,
    "learning_rate": 1.0,
    "warmup": 0.0,
    "train_on": {"faces": {"batch_size": 8, "head": HEAD}},
}
MODELS = {"b/base/seed0": {}, "b/broken/seed0": BROKEN}
WHY = r"of `faces` became \S+ at step 1 with learning rate 1; lower"


def call(command, **options):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    line = []
    for name, value in options.items():
        values = value if isinstance(value, list) else [value]
        line += [f"--{name.replace('_', '-')}", *map(str, values)]
    command.run(parser.parse_args(line))


def write_dataset(folder, domain):
    draw = np.random.default_rng(3)
    names = np.repeat(np.arange(8), 6)
    images = draw.integers(0, 256, (len(names), 32, 32, 3), np.uint8)
    write_raw([images], len(names), 32, folder / "images.npy")
    # A linear probe chooses its strength on a val split.
    splits = ("test", "train", "val") if domain == "object" else ("test", "train")
    label = [f"n{n}" for n in names]
    manifest = pd.DataFrame(
        {
            "image_id": [f"{folder.name}/{n}" for n in range(len(names))],
            "row": range(len(names)),
            "domain": domain,
            "label": label,
            "identity": None if domain == "object" else label,
            "split": [splits[n % len(splits)] for n in range(len(names))],
            "source": "drawn",
        }
    )
    write_manifest(manifest, folder / "manifest.parquet")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Data, a base model, a model that diverged and had its weights turned into nan, and all embeddings."""
    root = tmp_path_factory.mktemp("project")
    write_dataset(root / "data/faces", "face_hq")
    write_dataset(root / "data/things", "object")

    def model(folder):
        return {
            "weights": folder / "model.safetensors",
            "history": folder / "history.parquet",
            "card": folder / "model.json",
            "resume": root / "unfinished",
            "threads": 1,
        }

    settings = json.dumps({"name": "b", "seed": 1, "backbone": BACKBONE})
    call(pretrain_backbone, settings=settings, **model(root / "b/pretrained"))
    for name, curriculum in MODELS.items():
        told = {"model": name, "seed": 1, "backbone": BACKBONE, "curriculum": curriculum}
        call(
            train_model,
            settings=json.dumps(told),
            pretrained=root / "b/pretrained/model.safetensors",
            pretrained_card=root / "b/pretrained/model.json",
            data=root / "data",
            heads=root / name / "heads.safetensors",
            timing=root / name / "timing.parquet",
            **model(root / name),
        )
    spoil(root / "b/broken/seed0")
    for name in MODELS:
        told = {"model": name, "backbone": BACKBONE, "datasets": {"faces": None, "things": None}}
        call(
            extract_embeddings,
            settings=json.dumps(told),
            weights=root / name / "model.safetensors",
            card=root / name / "model.json",
            data=root / "data",
            shelf=root / "shelf",
            output=root / "embeddings" / name,
            threads=1,
        )
    return root


def spoil(folder):
    """The worst that a diverged training may leave."""
    path = folder / "model.safetensors"
    save_file({k: torch.full_like(v, torch.nan) for k, v in load_file(path).items()}, path)
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**card, "weights_sha256": sha256_of(path)}))


def test_the_card_and_the_history_say_how_far_it_came(project):
    card = json.loads((project / "b/broken/seed0/model.json").read_text())
    assert re.search(WHY, card["failed"])
    assert "failed" not in json.loads((project / "b/base/seed0/model.json").read_text())
    assert pd.read_parquet(project / "b/broken/seed0/history.parquet").empty
    assert read_heads(project / "b/broken/seed0/heads.safetensors") == {}
    assert not list((project / "unfinished").glob("*/state.safetensors"))


def test_it_has_finite_vectors_that_no_other_study_takes_over(project):
    found = read_embeddings(project / "embeddings/b/broken/seed0/faces")
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-6)
    assert found.card["failed"]
    assert read_embeddings(project / "embeddings/b/base/seed0/faces").card["failed"] is None
    assert len(list((project / "shelf").iterdir())) == 2


EVALUATION = Evaluation(datasets=("faces",), fmr=(0.1,), ranks=(1, 5), resamples=100)


@pytest.mark.parametrize(
    ("command", "dataset"),
    [
        (evaluate_verification, "faces"),
        (evaluate_identification, "faces"),
        (evaluate_classification, "things"),
    ],
)
def test_every_number_of_it_is_blank_and_those_of_others_are_not(
    project, tmp_path, command, dataset
):
    tables = {}
    for name in MODELS:
        settings = {
            "study": "s",
            "model": name,
            "seed": 1,
            "datasets": [dataset],
            "evaluation": EVALUATION.model_dump(mode="json"),
        }
        options = {"settings": json.dumps(settings), "metrics": tmp_path / "m.parquet"}
        options["embeddings"] = project / "embeddings" / name
        options["samples"] = tmp_path / "s.parquet"
        if command is not evaluate_classification:
            options["curves"] = tmp_path / "c.parquet"
        if command is evaluate_verification:
            options["data"] = project / "data"
        call(command, **options)
        tables[name] = read_table(tmp_path / "m.parquet", SCHEMA)
        samples = read_table(tmp_path / "s.parquet", SAMPLES_SCHEMA)
        assert samples.empty == (name == "b/broken/seed0")
        if "curves" in options:
            curves = read_table(tmp_path / "c.parquet", CURVE_SCHEMA)
            assert curves.empty == (name == "b/broken/seed0")
    good, bad = tables.values()
    assert bad["value"].isna().all()
    assert bad["lower"].isna().all()
    assert bad["upper"].isna().all()
    assert bad["status"].str.contains(WHY).all()
    assert (good["status"] == "ok").all()
    about = ["experiment", "dataset", "protocol", "metric", "n", "unit"]
    pd.testing.assert_frame_equal(good[about], bad[about])


def test_maps_from_and_to_it_fail(project, tmp_path):
    methods = {"baseline": {}, "procrustes": {}, "linear": {}, "ridge": {}}
    maps = Maps(models=tuple(MODELS), datasets=("faces",), fit_share=0.5, methods=methods)
    maps = maps.model_dump(mode="json")
    fitting = {"fit": "faces", "test": "faces", "shared": None}
    settings = {"seed": 1, "models": list(MODELS), "maps": maps, "fitting": fitting}
    call(
        fit_maps,
        settings=json.dumps(settings),
        embeddings=project / "embeddings",
        output=tmp_path / "maps",
    )
    assert len(list(tmp_path.glob("maps/*.safetensors"))) == 4
    tables = {kind: [] for kind in ("metrics", "samples", "curves")}
    for target in MODELS:
        files = {kind: tmp_path / kind / target for kind in tables}
        told = {"study": "s", "target": target, "seed": 1}
        told["evaluation"] = EVALUATION.model_dump(mode="json")
        call(
            evaluate_maps,
            settings=json.dumps(told),
            embeddings=project / "embeddings",
            maps=tmp_path / "maps",
            data=project / "data",
            **files,
        )
        for kind, path in files.items():
            tables[kind].append(path)
    table = pd.concat([read_table(path, SCHEMA) for path in tables["metrics"]])
    assert set(table["method"]) == {*methods, "same-model"}
    # Only the model that is whole has a ceiling.
    whole = (table["source"] == table["target"]) & (table["source"] != "b/broken/seed0")
    assert whole.any()
    assert (table[whole]["status"] == "ok").any()
    assert table[~whole]["value"].isna().all()
    assert table[~whole]["status"].str.contains(f"^failed: b/broken/seed0: .*{WHY}").all()
    for kind, schema in (("curves", CURVE_SCHEMA), ("samples", PAIR_SAMPLES_SCHEMA)):
        found = pd.concat([read_table(path, schema) for path in tables[kind]])
        assert set(found["method"]) == {"same-model"}
    families = dict.fromkeys(MODELS, "one")
    call(
        evaluate_families,
        settings=json.dumps({"study": "s", "seed": 1, "families": families}),
        measured=tables["metrics"],
        samples=tables["samples"],
        metrics=tmp_path / "f.parquet",
    )
    means = read_table(tmp_path / "f.parquet", SCHEMA)
    assert set(means["method"]) == {*methods, "same-model"}
    assert means["status"].str.contains(f"maps: b/broken/seed0: .*{WHY}").all()
    paper = {"study": "s", "seed": 1, "fitting": fitting, "families": families, "maps": maps}
    paper["evaluation"] = EVALUATION.model_dump(mode="json")
    call(
        evaluate_maps_paper,
        settings=json.dumps(paper),
        embeddings=project / "embeddings",
        metrics=tmp_path / "p.parquet",
    )
    published = read_table(tmp_path / "p.parquet", SCHEMA)
    assert set(published["experiment"]) == {"paper", "families-paper"}
    assert published["status"].str.contains(f"b/broken/seed0: .*{WHY}").all()


@pytest.mark.parametrize("models", [list(MODELS), ["b/broken/seed0"]])
def test_views_leave_it_out(project, tmp_path, models):
    settings = {"datasets": ["faces"], "split": "test", "images": 10, "seed": 1}
    call(
        project_embeddings,
        settings=json.dumps({**settings, "models": models}),
        embeddings=project / "embeddings",
        views=tmp_path / "views.parquet",
    )
    views = read_table(tmp_path / "views.parquet", VIEW_SCHEMA)
    assert set(views["model"]) == set(models) - {"b/broken/seed0"}
