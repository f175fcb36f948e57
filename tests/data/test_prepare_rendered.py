"""From a studio world to a manifest, an image store and the truth behind the images."""

import logging

import numpy as np
import pandas as pd
import pytest

from unispace.config.datasets import Dataset
from unispace.data.prepare import prepare
from unispace.errors import UserError
from unispace.records.factors import read_factors
from unispace.records.left_out import LeftOut, read_left_out
from unispace.records.manifest import read_manifest


def studio(tmp_path, name, domain="face_hq", seed=1, labels=12, images=3, **settings):
    extra = settings.pop("source", {})
    source = {"kind": "studio", "labels": labels, "images_per_label": images, "size": 16, **extra}
    dataset = Dataset.model_validate({"domain": domain, "source": source, **settings})
    tmp_path.mkdir(exist_ok=True)
    prepare(name, dataset, seed, None, tmp_path)
    return read_manifest(tmp_path / "manifest.parquet"), np.load(tmp_path / "images.npy")


def pixels_by_id(result):
    manifest, images = result
    return {i: images[row].tobytes() for i, row in zip(manifest["image_id"], manifest["row"], strict=True)}  # fmt: skip


@pytest.mark.parametrize("domain", ["face_hq", "face_lq", "person", "object"])
def test_rendering_twice_gives_the_same_bytes(tmp_path, domain):
    extra = {"source": {"degrade": {}}} if domain == "face_lq" else {}
    count = {"labels": 3, "images": 2}
    studio(tmp_path / "a", "d", domain, **count, **extra)
    studio(tmp_path / "b", "d", domain, **count, **extra)
    for file in ("manifest.parquet", "images.npy", "factors.parquet", "left_out.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_rendered_set_is_complete(tmp_path):
    manifest, images = studio(tmp_path, "faces")
    assert images.shape == (36, 16, 16, 3)
    assert manifest["image_id"].iloc[4] == "faces/face-0-00001/0001"
    assert (manifest.groupby("label").size() == 3).all()
    assert manifest["label"].nunique() == 12
    assert len(set(pixels_by_id((manifest, images)).values())) == 36


@pytest.mark.parametrize(
    "part",
    [{"max_labels": 2}, {"max_images_per_label": 2}, {"max_labels": 3, "max_images_per_label": 2}],
)
@pytest.mark.parametrize("domain", ["face_lq", "person"])
def test_a_part_of_a_rendered_set_has_the_pixels_of_the_whole(tmp_path, part, domain):
    extra = {"source": {"degrade": {}}} if domain == "face_lq" else {}
    whole = pixels_by_id(studio(tmp_path / "whole", "d", domain, **extra))
    less = pixels_by_id(studio(tmp_path / "less", "d", domain, **part, **extra))
    assert 0 < len(less) < len(whole)
    assert less == {image: whole[image] for image in less}


def test_seed_world_and_name_each_give_other_images(tmp_path):
    one = pixels_by_id(studio(tmp_path / "1", "d", labels=2, images=2))
    others = [
        studio(tmp_path / "2", "d", labels=2, images=2, seed=2),
        studio(tmp_path / "3", "d", labels=2, images=2, source={"world": 1}),
        studio(tmp_path / "4", "e", labels=2, images=2),
    ]
    for other in others:
        assert not set(one.values()) & set(pixels_by_id(other).values())


def test_sets_of_one_world_share_their_identities(tmp_path):
    good, _ = studio(tmp_path / "1", "good")
    bad, _ = studio(tmp_path / "2", "bad", "face_lq", source={"degrade": {}})
    assert good["label"].tolist() == bad["label"].tolist()
    assert good["split"].tolist() == bad["split"].tolist()
    assert not set(good["image_id"]) & set(bad["image_id"])


def test_bad_faces_tell_how_and_bodies_tell_where(tmp_path):
    bad, _ = studio(tmp_path / "1", "bad", "face_lq", source={"degrade": {"kinds": ["jpeg"]}})
    assert set(bad["degradation"]) == {"resample+jpeg"}
    bodies, _ = studio(tmp_path / "2", "bodies", "person", source={"cameras": 2})
    assert set(bodies["camera"]) == {"camera-0", "camera-1"}


def test_rendering_is_told_in_the_log(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    studio(tmp_path, "faces", labels=2, images=2)
    assert "faces: 4 of 4 images rendered" in caplog.text


def test_more_classes_than_there_are_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"datasets.things.source.labels: the studio has \d+ object classes, got 5000"):  # fmt: skip
        studio(tmp_path, "things", "object", labels=5000, images=1)


def test_the_manifest_that_is_returned_is_the_one_that_is_written(tmp_path):
    source = {"kind": "studio", "labels": 2, "images_per_label": 2, "size": 16}
    dataset = Dataset.model_validate({"domain": "face_hq", "source": source})
    returned = prepare("f", dataset, 1, None, tmp_path)
    written = read_manifest(tmp_path / "manifest.parquet")
    pd.testing.assert_frame_equal(returned[written.columns], written, check_dtype=False)


def test_only_the_splits_that_are_wanted_are_rendered(tmp_path):
    whole = pixels_by_id(studio(tmp_path / "1", "f", labels=30))
    kept, images = studio(tmp_path / "2", "f", labels=30, splits={"keep": ["test"]})
    assert set(kept["split"]) == {"test"}
    assert 0 < len(kept) < 90
    part = pixels_by_id((kept, images))
    assert part == {image: whole[image] for image in part}
    assert read_left_out(tmp_path / "2" / "left_out.json") == LeftOut(listed=90, unreadable=())


def test_a_split_that_is_not_there_cannot_be_kept(tmp_path):
    with pytest.raises(
        UserError, match=r"datasets.f.splits.keep: no split `tset`; did you mean `test`"
    ):
        studio(tmp_path, "f", splits={"keep": ["tset"]})


def test_held_out_attacks_are_in_a_split_of_their_own(tmp_path):
    settings = {"splits": {"hold_out": {"label": ["mask"]}}, "source": {"size": 32}}
    manifest, _ = studio(tmp_path, "p", "pad", images=1, **settings)
    assert set(manifest.loc[manifest["label"] == "mask", "split"]) == {"held_out"}
    tested = set(manifest.loc[manifest["split"] == "test", "identity"])
    assert set(manifest.loc[manifest["split"] == "held_out", "identity"]) == tested
    assert not tested & set(manifest.loc[manifest["split"] == "train", "identity"])


def test_factors_stand_beside_every_rendered_image(tmp_path):
    manifest, _ = studio(tmp_path, "f", source={"siblings": 0.2})
    factors = read_factors(tmp_path / "factors.parquet")
    assert factors["image_id"].tolist() == manifest["image_id"].tolist()
    assert factors["row"].tolist() == manifest["row"].tolist()
    persons = factors.filter(like="person.").assign(label=manifest["label"])
    # Who somebody is does not change from image to image; how they are seen does.
    assert (persons.groupby("label").nunique(dropna=False) == 1).all().all()
    assert factors["view.yaw"].nunique() == len(factors)
