"""Official layouts of object sets with their lists of train, val and test, and sets of several files."""

import dataclasses
import hashlib
import io
import tarfile

import numpy as np
import pytest
from scipy.io import savemat

from unispace.config.datasets import Dataset
from unispace.data.prepare import prepare
from unispace.data.registry import lookup
from unispace.data.sources.layouts import layout_of
from unispace.data.sources.raw import raw_files
from unispace.data.sources.registered import fetch_registered
from unispace.errors import UserError


def mat(**variables):
    """A MATLAB file."""
    stream = io.BytesIO()
    savemat(stream, variables)
    return stream.getvalue()


def lines(*rows):
    return ("\n".join(rows) + "\n").encode()


def columns(listing, *names):
    return list(listing[list(names)].itertuples(index=False, name=None))


FOOD = ["food-101/images/apple_pie/1.jpg", "food-101/images/tacos/2.jpg", "food-101/images/tacos/3.jpg"]  # fmt: skip


def test_food101(read_layout):
    lists = {
        "food-101/meta/train.txt": lines("apple_pie/1", "tacos/3"),
        "food-101/meta/test.txt": lines("tacos/2"),
    }
    listing = read_layout("food101:food-101", FOOD, extra=lists)
    assert columns(listing, "label", "split") == [
        ("apple_pie", "train"),
        ("tacos", "test"),
        ("tacos", "train"),
    ]


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (None, r"the list meta/train\.txt is not there"),
        (lines("apple_pie/1", "tacos/9"), "name 1 images that are not in it, such as tacos/9"),
        (lines("tacos/2"), "tacos/2 stands in the lists of train and test"),
        (b"\xff\xfe", r"meta/train\.txt is no text in UTF-8"),
    ],
)
def test_a_wrong_official_list_is_named(read_layout, train, message):
    lists = {"food-101/meta/test.txt": lines("tacos/2")}
    if train is not None:
        lists["food-101/meta/train.txt"] = train
    with pytest.raises(UserError, match=message):
        read_layout("food101:food-101", FOOD, extra=lists)


def test_images_in_no_list_are_left_out(read_layout, caplog):
    caplog.set_level("INFO")
    lists = {
        "food-101/meta/train.txt": lines("apple_pie/1"),
        "food-101/meta/test.txt": lines("tacos/2"),
    }
    assert len(read_layout("food101:food-101", FOOD, extra=lists)) == 2
    assert "1 images in no list of split are left out" in caplog.text


def test_dtd_has_ten_divisions(read_layout):
    names = [f"dtd/images/dotted/dotted_000{i}.jpg" for i in range(3)]
    parts = ("train", "val", "test")
    lists = {
        f"dtd/labels/{part}{fold}.txt": lines(f"dotted/dotted_000{(k + fold) % 3}.jpg")
        for fold in range(1, 11)
        for k, part in enumerate(parts)
    }
    listing = read_layout("dtd:dtd", names, extra=lists)
    for fold in range(1, 11):
        column = "split" if fold == 1 else f"fold_{fold}"
        assert listing[column].tolist() == [parts[(i - fold) % 3] for i in range(3)]


def test_aircraft_has_variants_families_and_manufacturers(read_layout):
    root = "fgvc-aircraft-2013b/data"
    rows = {"train": "0000001", "val": "0000002", "test": "0000003"}
    names = {"variant": "707-320", "family": "Boeing 707", "manufacturer": "Boeing"}
    lists = {
        f"{root}/images_{level}_{part}.txt": lines(f"{key} {name}")
        for level, name in names.items()
        for part, key in rows.items()
    }
    images = [f"{root}/images/{key}.jpg" for key in rows.values()]
    listing = read_layout("fgvc-aircraft:fgvc-aircraft-2013b", images, extra=lists)
    assert columns(listing, "label", "family", "manufacturer", "split") == [
        ("707-320", "Boeing 707", "Boeing", part) for part in rows
    ]


def test_pets_keep_their_lists_in_a_second_archive(read_layout):
    lists = {
        "annotations/trainval.txt": lines("Abyssinian_1 1 1 1", "great_pyrenees_12 2 2 1"),
        "annotations/test.txt": lines("Abyssinian_2 1 1 1"),
        "annotations/trimaps/Abyssinian_1.png": b"no photograph",
    }
    names = ["images/Abyssinian_1.jpg", "images/Abyssinian_2.jpg", "images/great_pyrenees_12.jpg"]
    listing = read_layout("pets", names, "images.tar.gz", beside={"annotations.tar.gz": lists})
    assert columns(listing, "label", "split") == [
        ("Abyssinian", "train"),
        ("Abyssinian", "test"),
        ("great_pyrenees", "train"),
    ]


FLOWERS = {
    "imagelabels.mat": mat(labels=np.array([[77, 77, 5]], np.uint8)),
    "setid.mat": mat(
        trnid=np.array([[2]], np.uint16), valid=np.array([[3]]), tstid=np.array([[1]])
    ),
}
FLOWER_NAMES = [f"jpg/image_0000{i}.jpg" for i in (1, 2, 3)]


def test_flowers102(read_layout):
    listing = read_layout("flowers102", FLOWER_NAMES, "102flowers.tgz", beside=FLOWERS)
    assert columns(listing, "label", "split") == [("077", "test"), ("077", "train"), ("005", "val")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"setid.mat": b"MATLAB"}, r"setid\.mat cannot be read as a MATLAB file"),
        ({"setid.mat": mat(trnid=[1])}, r"setid\.mat holds no `valid`"),
        ({"imagelabels.mat": mat(labels=[1, 2])}, "names 2 images, there are more"),
    ],
)
def test_wrong_lists_of_flowers_are_named(read_layout, change, message):
    with pytest.raises(UserError, match=message):
        read_layout("flowers102", FLOWER_NAMES, "f.tgz", beside=FLOWERS | change)


def test_a_file_of_a_set_that_is_not_beside_the_first_is_named(read_layout):
    with pytest.raises(UserError, match=r"imagelabels\.mat must lie beside it and is not there"):
        read_layout("flowers102", FLOWER_NAMES, "102flowers.tgz")


def test_stanford_cars(read_layout, make):
    kind = np.dtype([("class", "O"), ("fname", "O")])
    train = np.array([(2, "00001.jpg"), (1, "00002.jpg")], kind)
    test = np.array([(1, "00001.jpg")], kind)
    names = np.array(["Acura RL Sedan 2012", "Audi R8 Coupe 2012"], object)
    kit = {
        "devkit/cars_meta.mat": mat(class_names=names),
        "devkit/cars_train_annos.mat": mat(annotations=train),
    }
    listing = read_layout(
        "stanford-cars",
        ["cars_train/00001.jpg", "cars_train/00002.jpg"],
        "cars_train.tgz",
        beside={
            "cars_test.tgz": {"cars_test/00001.jpg": make.picture(9)},
            "car_devkit.tgz": kit,
            "cars_test_annos_withlabels.mat": mat(annotations=test),
        },
    )
    assert columns(listing, "image_id", "label", "split") == [
        ("cars_train/00001.jpg", "Audi R8 Coupe 2012", "train"),
        ("cars_train/00002.jpg", "Acura RL Sedan 2012", "train"),
        ("cars_test/00001.jpg", "Acura RL Sedan 2012", "test"),
    ]


def test_gtsrb_takes_the_classes_of_its_test_from_a_third_archive(read_layout, make):
    listing = read_layout(
        "gtsrb:GTSRB",
        ["GTSRB/Training/00014/00003_00029.ppm"],
        "GTSRB-Training_fixed.zip",
        extra={"GTSRB/Readme.txt": b"one", "GTSRB/Training/00014/GT-00014.csv": b"x"},
        beside={
            "GTSRB_Final_Test_Images.zip": {
                "GTSRB/Final_Test/Images/00000.ppm": make.picture(5),
                "GTSRB/Readme.txt": b"two",
            },
            "GTSRB_Final_Test_GT.zip": {
                "GT-final_test.csv": lines("Filename;Width;Height;ClassId", "00000.ppm;53;54;14")
            },
        },
    )
    assert columns(listing, "label", "split", "track") == [
        ("00014", "train", "00014/00003"),
        ("00014", "test", ""),
    ]


def tar_of(members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def imagenet(tmp_path, make):
    """The three files of the 2012 set, with two classes, two images for training and two for validation."""
    images = {
        "n01440764.tar/n01440764_10026.JPEG": make.picture(1, form="JPEG"),
        "n02119789.tar/n02119789_1.JPEG": make.picture(2, form="JPEG"),
        "ILSVRC2012_img_val.tar/ILSVRC2012_val_00000002.JPEG": make.picture(3, form="JPEG"),
        "ILSVRC2012_img_val.tar/ILSVRC2012_val_00000001.JPEG": make.picture(4, form="JPEG"),
    }
    inner: dict[str, dict[str, bytes]] = {}
    for name, content in images.items():
        outer, member = name.split("/")
        inner.setdefault(outer, {})[member] = content
    (tmp_path / "ILSVRC2012_img_val.tar").write_bytes(tar_of(inner.pop("ILSVRC2012_img_val.tar")))
    path = make.pack(
        tmp_path / "ILSVRC2012_img_train.tar", {name: tar_of(m) for name, m in inner.items()}
    )
    synset = np.dtype(
        [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("num_children", "O")]
    )
    synsets = np.array(
        [(1, "n02119789", "kit fox", 0), (2, "n01440764", "tench", 0), (3, "n00001740", "all", 2)],
        synset,
    )
    kit = "ILSVRC2012_devkit_t12/data"
    make.pack(
        tmp_path / "ILSVRC2012_devkit_t12.tar.gz",
        {
            f"{kit}/meta.mat": mat(synsets=synsets),
            f"{kit}/ILSVRC2012_validation_ground_truth.txt": lines("2", "1"),
        },
    )
    return path, images


def test_imagenet_is_an_archive_of_archives(imagenet):
    path, images = imagenet
    reader = layout_of("imagenet")
    listing = reader.read_listing(path)
    assert columns(listing, "image_id", "label", "split") == [
        ("n01440764.tar/n01440764_10026.JPEG", "n01440764", "train"),
        ("n02119789.tar/n02119789_1.JPEG", "n02119789", "train"),
        ("ILSVRC2012_img_val.tar/ILSVRC2012_val_00000002.JPEG", "n02119789", "val"),
        ("ILSVRC2012_img_val.tar/ILSVRC2012_val_00000001.JPEG", "n01440764", "val"),
    ]
    assert dict(reader.contents(path, list(listing["member"]))) == images
    wanted = list(listing["member"])[::-2]  # archives may be left out and come in any order
    assert list(reader.contents(path, wanted)) == [(name, images[name]) for name in wanted]


def test_what_is_no_imagenet_is_refused(imagenet, make):
    path, _ = imagenet
    reader = layout_of("imagenet")
    with pytest.raises(UserError, match="holds no archive of a class, such as n01440764"):
        reader.read_listing(make.pack(path.with_name("x.tar"), {"a.jpg": b"x"}))
    make.pack(path.with_name("ILSVRC2012_img_val.tar"), {"ILSVRC2012_val_00000003.JPEG": b"x"})
    with pytest.raises(UserError, match=r"ILSVRC2012_val_00000003\.JPEG is no image of the 2 for"):
        reader.read_listing(path)
    path.with_name("ILSVRC2012_devkit_t12.tar.gz").unlink()
    with pytest.raises(UserError, match=r"ILSVRC2012_devkit_t12\.tar\.gz must lie beside it"):
        reader.read_listing(path)


def test_imagenet_v2_has_its_classes_as_folders(read_layout):
    root = "imagenetv2-matched-frequency-format-val"
    listing = read_layout(lookup("imagenet-v2").layout, [f"{root}/7/a.jpeg", f"{root}/12/b.jpeg"])
    assert listing["label"].tolist() == ["7", "12"]


def test_a_set_of_several_files_comes_from_its_server_and_is_prepared(files, tmp_path, make, monkeypatch):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    images = {name: make.picture(i, form="JPEG") for i, name in enumerate(FLOWER_NAMES)}
    published = {
        "102flowers.tgz": make.pack(tmp_path / "f.tgz", images).read_bytes(),
        **FLOWERS,
    }
    entry = lookup("flowers102")
    served = []
    for file in entry.files:
        name = file.name.rpartition("/")[2]
        files.contents[f"/{name}"] = published[name]
        checksum = "md5:" + hashlib.md5(published[name], usedforsecurity=False).hexdigest()
        served.append(
            dataclasses.replace(file, urls=(f"{files.url}/{name}",), checksums=(checksum,))
        )
    dataset = Dataset.model_validate(
        {
            "domain": "object",
            "source": {"kind": "registered", "name": "flowers102"},
            "splits": {"by": "manifest"},
        }
    )
    raw = tmp_path / "raw"
    for file, place in zip(served, raw_files(dataset.source), strict=True):
        fetch_registered(entry, file, None, None, raw / place, raw / f"{place}.json")
    first = raw / raw_files(dataset.source)[0]
    manifest = prepare("f", dataset, 1, first, tmp_path)
    assert columns(manifest, "label", "split") == [("077", "test"), ("077", "train"), ("005", "val")]  # fmt: skip
    assert len(files.asked) == 3


def test_another_official_division_is_chosen_by_its_column(tmp_path, make):
    names = [f"dtd/images/{c}/{c}_000{i}.jpg" for c in ("dotted", "woven") for i in range(2)]
    lists = {}
    for fold in range(1, 11):
        for k, part in enumerate(("train", "val", "test")):
            chosen = [n for n in names if k == (0 if f"{fold % 2}.jpg" in n else 2)]
            lists[f"dtd/labels/{part}{fold}.txt"] = lines(
                *(n[len("dtd/images/") :] for n in chosen)
            )
    images = {name: make.picture(i, form="JPEG") for i, name in enumerate(names)}
    path = make.pack(tmp_path / "dtd.tar", images | lists)

    def splits(**given):
        settings = {
            "domain": "object",
            "source": {"kind": "registered", "name": "dtd"},
            "splits": {"by": "manifest", **given},
        }
        out = tmp_path
        return prepare("d", Dataset.model_validate(settings), 1, path, out)["split"].tolist()

    assert splits() == ["test", "train", "test", "train"]
    assert splits(column="fold_2") == ["train", "test", "train", "test"]
    with pytest.raises(
        UserError, match=r"splits\.column: no column `fold_11` names a split; did you"
    ):
        splits(column="fold_11")
