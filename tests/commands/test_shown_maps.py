"""Examples of maps: a planted rotation is undone by Procrustes and by nothing else, in lists and in pictures."""

import argparse
import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from unispace.alignment.maps import fit_baseline, fit_procrustes
from unispace.alignment.storage import load_maps, save_maps
from unispace.commands import project_maps, retrieve_examples
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, write_embeddings
from unispace.records.files import write_json
from unispace.records.images import write_raw
from unispace.records.manifest import write_manifest
from unispace.records.results import MAP_VIEW_SCHEMA, RETRIEVAL_SCHEMA
from unispace.records.tables import read_table
from unispace.records.thumbnails import pixels_of, thumbnail

PEOPLE, EACH, SIDE = 40, 6, 32
MODELS = ("first/base/seed0", "second/base/seed0", "broken/base/seed0")
METHODS = {"baseline": fit_baseline, "procrustes": fit_procrustes}
PAIR = list(MODELS[:2])


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def call(command, **values):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    words = []
    for name, value in values.items():
        words += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    command.run(parser.parse_args(words))


def build(folder, order):
    """Persons in two spaces that are a rotation apart, maps between them fitted on half of the persons."""
    rng = np.random.default_rng(0)
    name = [f"p{i // EACH:02d}" for i in range(PEOPLE * EACH)]
    manifest = pd.DataFrame({"image_id": [f"{p}/{i}" for i, p in enumerate(name)], "label": name})
    manifest = manifest.assign(
        identity=name, split="test", domain="face_hq", source="here", row=range(len(name))
    )
    write_manifest(manifest, folder / "data" / "manifest.parquet")
    tones = np.arange(len(name), dtype=np.uint8)[:, None, None, None]
    pixels = np.broadcast_to(tones, (len(name), SIDE, SIDE, 3))
    write_raw([pixels], len(name), SIDE, folder / "data" / "images.npy")
    centre = np.repeat(rng.normal(size=(PEOPLE, 16)), EACH, axis=0)
    first = unit(centre + 0.1 * rng.normal(size=centre.shape))
    turn = np.linalg.qr(rng.normal(size=(16, 16)))[0]
    second = unit(first @ turn)
    fit = np.arange(len(name)) < len(name) // 2
    for model, vectors in zip(MODELS, (first, second, second), strict=True):
        card = {"key": model, "dataset": "faces"}
        if model.startswith("broken"):
            card["failed"] = "the loss was nan"
        index = manifest.drop(columns="source").iloc[order].reset_index(drop=True)
        write_embeddings(
            Embeddings(vectors[order], index, card), folder / "embeddings" / model / "faces"
        )
    record = {
        "split": "test",
        "fit": {"dataset": "faces"},
        "test": {"dataset": "faces", "images": list(manifest["image_id"][~fit])},
        "pairs": [{"source": MODELS[0], "target": t, "file": "x.safetensors"} for t in MODELS[1:]],
    }
    write_json(folder / "maps" / "maps.json", record)
    fitted = {m: fitting(first[fit], second[fit]) for m, fitting in METHODS.items()}
    save_maps(fitted, folder / "maps" / "x.safetensors")
    return folder


@pytest.fixture
def disk(tmp_path):
    return build(tmp_path, np.arange(PEOPLE * EACH))


def settings(pairs=(PAIR,), methods=tuple(METHODS), **more):
    return json.dumps({"pairs": pairs, "methods": methods, **more})


def retrieved(folder, name="examples", data=("manifest.parquet", "images.npy"), **chosen):
    call(
        retrieve_examples,
        settings=settings(**chosen),
        embeddings=folder / "embeddings",
        maps=folder / "maps",
        data=[folder / "data" / d for d in data],
        examples=folder / f"{name}.parquet",
    )
    return read_table(folder / f"{name}.parquet", RETRIEVAL_SCHEMA)


def projected(folder, name="views", kept=(), **chosen):
    call(
        project_maps,
        settings=settings(seed=1, **chosen),
        embeddings=folder / "embeddings",
        maps=folder / "maps",
        views=folder / f"{name}.parquet",
        **({"kept": kept} if kept else {}),
    )
    return read_table(folder / f"{name}.parquet", MAP_VIEW_SCHEMA)


def test_a_rotation_is_undone_by_procrustes_and_not_by_the_baseline(disk):
    table = retrieved(disk)
    listed = table[table["rank"] > 0]
    assert (listed["image_id"] != listed["query"]).all()
    assert (listed.groupby(["method", "query"])["rank"].max() == 10).all()
    top = listed[listed["rank"] < EACH]
    assert top[top["method"] == "procrustes"]["correct"].all()
    assert top[top["method"] == "baseline"]["correct"].mean() < 0.5
    asked = table[table["rank"] == 0].set_index("method")
    assert (asked.loc["procrustes", "found"] == EACH - 1).all()
    assert (asked["findable"] == EACH - 1).all()
    assert (asked["gallery"] == PEOPLE * EACH // 2 - 1).all()


def test_a_changed_map_is_placed_alone(disk, monkeypatch):
    placed, joint_views = [], project_maps.joint_views
    monkeypatch.setattr(project_maps, "joint_views", lambda *a: placed.append(1) or joint_views(*a))

    def made(name, **kept):
        placed.clear()
        projected(disk, name, **kept)
        return (disk / f"{name}.parquet").read_bytes()

    first = made("first", kept=disk / "kept")
    assert len(placed) == len(METHODS)
    assert made("again", kept=disk / "kept") == first
    assert placed == []
    maps = load_maps(disk / "maps" / "x.safetensors")
    changed = maps["procrustes"]
    maps["procrustes"] = dataclasses.replace(changed, matrix=changed.matrix[:, ::-1].copy())
    save_maps(maps, disk / "maps" / "x.safetensors")
    other = made("other", kept=disk / "kept")
    assert len(placed) == 1
    assert other == made("cold")
    assert other != first
    assert len(placed) == len(METHODS)


def test_pictures_are_the_images_made_small(disk):
    table = retrieved(disk)
    for row in table.to_dict("records"):
        side = 120 if row["rank"] == 0 else 60
        assert pixels_of(row["picture"]).shape == (side, side, 3)
        assert (pixels_of(row["picture"]) == int(row["image_id"].split("/")[1])).all()


def test_without_images_the_list_is_the_same_and_pictures_are_empty(disk):
    names = retrieved(disk, data=("manifest.parquet",))
    assert names["picture"].isna().all()
    rest = [c for c in names.columns if c != "picture"]
    pd.testing.assert_frame_equal(names[rest], retrieved(disk)[rest])


def test_the_order_of_rows_changes_neither_images_nor_places(disk, tmp_path):
    one = {"methods": ("procrustes",)}
    examples, views = retrieved(disk), projected(disk, **one)
    order = np.random.default_rng(1).permutation(PEOPLE * EACH)
    other = build(tmp_path / "other", order)
    pd.testing.assert_frame_equal(retrieved(other), examples)
    again = projected(other, **one)
    pd.testing.assert_frame_equal(again.drop(columns=["x", "y"]), views.drop(columns=["x", "y"]))
    np.testing.assert_array_equal(again[["x", "y"]], views[["x", "y"]])


def test_the_same_bytes_again(disk):
    for make, name in ((retrieved, "examples"), (projected, "views")):
        make(disk, methods=("procrustes",))
        first = (disk / f"{name}.parquet").read_bytes()
        make(disk, methods=("procrustes",))
        assert (disk / f"{name}.parquet").read_bytes() == first


def test_after_the_map_an_image_lies_beside_itself(disk):
    table = projected(disk)
    assert table["identity"].nunique() == 10
    for (projection, method), here in table.groupby(["projection", "method"]):
        ends = {space: rows.set_index("image_id") for space, rows in here.groupby("space")}
        places = [ends[space][["x", "y"]] for space in ("source", "target")]
        apart = np.linalg.norm(places[0] - places[1].loc[places[0].index], axis=1)
        # Both axes together have unit variance, so places at random are about 2 apart.
        if method == "procrustes":
            assert apart.max() < 0.15, projection
        else:
            assert np.median(apart) > 0.5, projection


def test_a_failed_model_is_told_and_not_shown(disk):
    pairs = [[MODELS[0], MODELS[2]], PAIR]
    examples, views = retrieved(disk, pairs=pairs), projected(disk, pairs=pairs)
    for table, empty in ((examples, "found"), (views, "x")):
        failed = table["target"] == MODELS[2]
        assert set(table["status"][failed]) == {"failed: broken/base/seed0: the loss was nan"}
        assert table[empty][failed].isna().all()
        assert (table["status"][~failed] == "ok").all()
        assert table[empty][~failed].notna().all()
    assert (examples["rank"][examples["status"] != "ok"] == 0).all()


@pytest.mark.parametrize("make", [retrieved, projected])
def test_what_was_not_fitted_is_told(disk, make):
    with pytest.raises(UserError, match="no map `procrustis`; did you mean `procrustes`"):
        make(disk, methods=("procrustis",))
    with pytest.raises(UserError, match="no map from second/base/seed0 to first/base/seed0"):
        make(disk, pairs=[PAIR[::-1]])


def test_persons_with_one_image_cannot_be_searched_for(disk):
    record = json.loads((disk / "maps" / "maps.json").read_text("utf-8"))
    record["test"]["images"] = record["test"]["images"][::EACH]
    write_json(disk / "maps" / "maps.json", record)
    with pytest.raises(
        UserError, match=r"faces: none of 20 identities has two .*maps\.shown: \[\]`"
    ):
        retrieved(disk)


def test_a_picture_of_another_shape_keeps_it():
    high = Image.fromarray(np.zeros((200, 50, 3), np.uint8))
    assert pixels_of(thumbnail(high, 56)).shape == (56, 14, 3)
