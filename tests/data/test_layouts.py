"""Archives built exactly as the publishers lay them out, read without unpacking."""

import io
import json
import logging
import pickle
import tarfile

import numpy as np
import pytest

from unispace.config.datasets import Dataset
from unispace.data.prepare import prepare
from unispace.data.sources.layouts import layout_of
from unispace.errors import UserError
from unispace.records.images import ImageStore, decode


def columns(listing, *names):
    return list(listing[list(names)].itertuples(index=False, name=None))


def test_label_folders(read_layout):
    names = ["dtd/images/dotted/dotted_1.jpg", "dtd/images/woven/woven_2.JPG", "dtd/imdb/x/y.jpg"]
    listing = read_layout("label-folders:dtd/images", names, extra={"dtd/labels/train1.txt": b"x"})
    assert columns(listing, "image_id", "label") == [(names[0], "dotted"), (names[1], "woven")]


def test_labels_of_several_folders(read_layout):
    listing = read_layout(
        "label-folders:SUN397", ["SUN397/a/abbey/s.jpg", "SUN397/a/apse/indoor/s.jpg"]
    )
    assert listing["label"].tolist() == ["a/abbey", "a/apse/indoor"]


def test_split_folders(read_layout):
    names = ["country211/train/AD/1.jpg", "country211/valid/AD/2.jpg", "country211/test/AE/3.jpg"]
    listing = read_layout("split-folders:country211", names)
    assert columns(listing, "split", "label") == [("train", "AD"), ("valid", "AD"), ("test", "AE")]


@pytest.mark.parametrize("root", ["lfw", "lfw_funneled", "lfw-deepfunneled"])
def test_lfw(read_layout, root, caplog):
    caplog.set_level(logging.INFO)
    names = [f"{root}/Ann_Lee/Ann_Lee_0001.jpg", f"{root}/Bo_Öz/Bo_Öz_0012.jpg", f"{root}/x/y.jpg"]
    listing = read_layout("lfw", names)
    assert columns(listing, "label", "number") == [("Ann_Lee", "0001"), ("Bo_Öz", "0012")]
    assert "1 images lie outside the layout" in caplog.text


def test_cfp(read_layout):
    names = [
        "cfp-dataset/Data/Images/001/frontal/01.jpg",
        "cfp-dataset/Data/Images/001/profile/04.jpg",
        "__MACOSX/cfp-dataset/Data/Images/001/profile/04.jpg",
        "cfp-dataset/Data/Images/001/frontal/._01.jpg",
    ]
    listing = read_layout("cfp", names, "cfp-dataset.zip")
    assert columns(listing, "label", "pose") == [("001", "frontal"), ("001", "profile")]


def test_market1501(read_layout, caplog):
    caplog.set_level(logging.INFO)
    root = "Market-1501-v15.09.15"
    names = [
        f"{root}/bounding_box_train/0002_c1s1_000451_03.jpg",
        f"{root}/query/0001_c1s1_001051_00.jpg",
        f"{root}/bounding_box_test/0001_c2s3_001051_01.jpg.jpg",
        f"{root}/bounding_box_test/0000_c3s1_000001_01.jpg",
        f"{root}/bounding_box_test/0000_c3s1_000001_02.jpg",
        f"{root}/bounding_box_test/-1_c4s1_000001_01.jpg",
        f"{root}/gt_bbox/0001_c1s1_001051_00.jpg",
    ]
    listing = read_layout("market1501", names, "Market-1501-v15.09.15.zip")
    assert columns(listing, "split", "label", "camera", "distractor") == [
        ("train", "0002", "1", "no"),
        ("query", "0001", "1", "no"),
        ("gallery", "0001", "2", "no"),
        ("gallery", "distractor-0000_c3s1_000001_01", "3", "yes"),
        ("gallery", "distractor-0000_c3s1_000001_02", "3", "yes"),
    ]
    assert "1 junk images (identity -1) left out" in caplog.text
    assert "folder" not in listing


def test_caltech101_lies_in_an_archive_in_an_archive(tmp_path, make):
    names = [
        f"101_ObjectCategories/{label}/image_000{i}.jpg"
        for label in ("BACKGROUND_Google", "accordion", "ant")
        for i in (1, 2)
    ]
    images = {name: make.picture(i, form="JPEG") for i, name in enumerate(names)}
    inner = make.pack(tmp_path / "101_ObjectCategories.tar.gz", images).read_bytes()
    members = {
        "caltech-101/101_ObjectCategories.tar.gz": inner,
        "caltech-101/Annotations.tar": b"x",
    }
    path = make.pack(tmp_path / "caltech-101.zip", members)
    reader = layout_of("caltech101")
    listing = reader.read_listing(path)
    assert listing["label"].tolist() == ["accordion", "accordion", "ant", "ant"]
    # Also backwards, though that reads the archive again.
    wanted = list(listing["member"])[::-1]
    assert list(reader.contents(path, wanted)) == [(name, images[name]) for name in wanted]
    with pytest.raises(UserError, match=r"holds 0 archives .*101_ObjectCategories"):
        reader.read_listing(make.pack(tmp_path / "x.zip", {"a": b"b"}))


def pickled(content):
    """As the publisher's Python 2 did it: protocol 2."""
    return pickle.dumps(content, protocol=2)


def cifar(fine, batches, meta, meta_name, root):
    members = {f"{root}/{meta_name}": pickled(meta)}
    for name, (data, labels) in batches.items():
        members[f"{root}/{name}"] = pickled({"batch_label": name, "data": data, **labels})
    return members


def pixels(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8)


def test_cifar10(tmp_path, make):
    data = {"data_batch_2": pixels(2, 1), "data_batch_1": pixels(3, 2), "test_batch": pixels(1, 3)}
    batches = {name: (d, {"labels": [i % 2 for i in range(len(d))]}) for name, d in data.items()}
    members = cifar(
        "labels", batches, {"label_names": ["cat", "dog"]}, "batches.meta", "cifar-10-batches-py"
    )
    path = make.pack(tmp_path / "cifar-10-python.tar.gz", members)
    reader = layout_of("cifar-python")
    listing = reader.read_listing(path)
    assert columns(listing, "image_id", "label", "split") == [
        ("data_batch_1/0", "cat", "train"),
        ("data_batch_1/1", "dog", "train"),
        ("data_batch_1/2", "cat", "train"),
        ("data_batch_2/0", "cat", "train"),
        ("data_batch_2/1", "dog", "train"),
        ("test_batch/0", "cat", "test"),
    ]
    for member, content in reader.contents(path, ["data_batch_2/1", "test_batch/0"]):
        batch, number = member.split("/")
        red_first = data[batch][int(number)].reshape(3, 32, 32)
        assert np.array_equal(np.asarray(decode(content, "x")), np.moveaxis(red_first, 0, 2))


def test_cifar100_has_superclasses(tmp_path, make):
    meta = {"fine_label_names": ["oak", "pike"], "coarse_label_names": ["fish", "trees"]}
    labels = {"fine_labels": [1, 0], "coarse_labels": [0, 1]}
    batches = {"train": (pixels(2), labels), "test": (pixels(2, 1), labels)}
    members = cifar("fine", batches, meta, "meta", "cifar-100-python")
    listing = layout_of("cifar-python").read_listing(make.pack(tmp_path / "c.tar.gz", members))
    assert columns(listing, "split", "label", "superclass") == [
        ("train", "pike", "fish"),
        ("train", "oak", "trees"),
        ("test", "pike", "fish"),
        ("test", "oak", "trees"),
    ]


class Attack:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


def test_a_forged_pickle_does_nothing(tmp_path, make):
    meta = pickled({"label_names": ["cat"]})
    forged = pickled({"data": Attack(tmp_path / "owned"), "labels": [0]})
    path = make.pack(tmp_path / "c.tar.gz", {"c/batches.meta": meta, "c/data_batch_1": forged})
    with pytest.raises(UserError, match=r"c/data_batch_1 is damaged .*it asks for \S+open"):
        layout_of("cifar-python").read_listing(path)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (b"no pickle", "damaged or is no batch"),
        (pickled([1]), "is no batch of CIFAR"),
        (pickled({"data": pixels(2), "labels": [0]}), "one label for each of its 2 images"),
        (pickled({"data": [1], "labels": [0]}), "no images of 32x32"),
        (pickled({"data": np.zeros((2, 5), np.uint8), "labels": [0, 0]}), "no images of 32x32"),
    ],
)
def test_a_damaged_batch_is_named(tmp_path, make, batch, message):
    members = {"c/batches.meta": pickled({"label_names": ["cat"]}), "c/data_batch_1": batch}
    path = make.pack(tmp_path / "c.tar.gz", members)
    with pytest.raises(UserError, match=f"c.tar.gz: c/data_batch_1 .*{message}"):
        layout_of("cifar-python").read_listing(path)


def test_an_archive_that_is_no_cifar_is_refused(tmp_path, make):
    reader = layout_of("cifar-python")
    with pytest.raises(UserError, match="no batch of CIFAR, such as"):
        reader.read_listing(make.pack(tmp_path / "a.tar", {"x": b"y"}))
    batch = pickled({"data": pixels(1), "labels": [0]})
    with pytest.raises(UserError, match="no list of class names"):
        reader.read_listing(make.pack(tmp_path / "b.tar", {"c/test_batch": batch}))


@pytest.mark.parametrize(
    "layout", ["label-folders", "split-folders", "lfw", "cfp", "market1501", "dtd", "food101", "ijb", "nuaa"]
)  # fmt: skip
def test_a_repacked_archive_is_refused_with_what_was_expected(tmp_path, make, layout):
    reader = layout_of(layout)
    path = make.pack(tmp_path / "a.zip", {"image.png": make.picture(1)})
    with pytest.raises(UserError, match=r"a\.zip: no image lies as in the official archive, such as .*; it holds such as image\.png"):  # fmt: skip
        reader.read_listing(path)
    with pytest.raises(UserError, match="it holds no image at all"):
        reader.read_listing(make.pack(tmp_path / "b.zip", {"x.txt": b""}))


def test_nothing_outside_the_folder_and_no_link_is_read_layout(tmp_path, make, caplog):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("../dtd/images/x/1.jpg", "/dtd/images/x/2.jpg", "dtd/images/x/3.jpg"):
            info = tarfile.TarInfo(name)
            info.size = 1
            archive.addfile(info, io.BytesIO(b"x"))
        link = tarfile.TarInfo("dtd/images/x/4.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    listing = layout_of("label-folders:dtd/images").read_listing(path)
    assert listing["image_id"].tolist() == ["dtd/images/x/3.jpg"]
    assert "1 images are links, which are not followed" in caplog.text


def test_a_registered_set_becomes_manifest_and_store(tmp_path, make, caplog):
    caplog.set_level(logging.INFO)
    names = [f"lfw/{who}/{who}_000{i}.jpg" for who in ("Ann_Lee", "Bo_Ra") for i in (1, 2)]
    path = make.pack(tmp_path / "lfw.tgz.tar", {n: make.picture(i) for i, n in enumerate(names)})
    settings = {"domain": "face_hq", "source": {"kind": "registered", "name": "lfw"}}
    dataset = Dataset.model_validate(settings)
    manifest = prepare("faces", dataset, 1, path, tmp_path)
    assert manifest["identity"].tolist() == ["Ann_Lee", "Ann_Lee", "Bo_Ra", "Bo_Ra"]
    assert set(manifest["source"]) == {"registered:lfw"}
    assert len(ImageStore(tmp_path / "images.npy")) == 4
    assert "lfw: 4 images of 2 labels in the archive (published: 13,233 images of 5,749 labels)" in caplog.text  # fmt: skip
    assert json.loads(dataset.to_json())["source"]["mirror"] is None
