"""Sets of torchvision, packed as an archive: every image, its label in words, its split."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

from unispace.commands.common.run import run_command
from unispace.commands.fetch_torchvision import configure, run
from unispace.config.datasets import Dataset, TorchvisionSource
from unispace.data.prepare import prepare
from unispace.data.sources.archive import read_listing
from unispace.data.sources.raw import raw_files
from unispace.records.files import read_json, sha256_of
from unispace.records.images import ImageStore

FAKE = {"size": 4, "num_classes": 3}


def source(**settings):
    return TorchvisionSource.model_validate({"kind": "torchvision", **settings})


@pytest.fixture
def fetch(tmp_path):
    def fetched(**settings):
        archive = tmp_path / "raw" / "set.tar"
        arguments = ["--settings", source(**settings).to_json(), "--root", str(tmp_path / "root")]
        arguments += ["--archive", str(archive), "--record", f"{archive}.json"]
        return run_command("fetch-torchvision", configure, run, arguments), archive

    return fetched


class Pets(datasets.VisionDataset):
    """A set with a root, a download, splits and names, of which torchvision has many."""

    def __init__(self, root, split="train", download=False):
        super().__init__(root)
        assert download
        if split == "none":
            raise ValueError("no such split")
        (Path(root) / "pets").mkdir(exist_ok=True)
        self.classes = ["cat", "great dog"]
        self.split = split

    def __getitem__(self, index):
        return Image.new("RGB", (4, 4), (index, 0, len(self.split))), index % 2

    def __len__(self):
        return 3


class Gone(datasets.VisionDataset):
    """A set that can no longer be downloaded, as Stanford Cars: its files must be there."""

    def __init__(self, root, split="train", download=False):
        super().__init__(root)
        if download:
            raise ValueError("the address is broken")
        if not (Path(root) / "gone").is_dir():
            raise RuntimeError("not found")

    def __getitem__(self, index):
        return Image.new("RGB", (4, 4), (index, 0, 0)), index % 2

    def __len__(self):
        return 2


def test_files_that_lie_there_already_are_taken_where_a_download_fails(
    fetch, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(datasets, "Gone", Gone, raising=False)
    monkeypatch.setattr(datasets, "__all__", (*datasets.__all__, "Gone"))
    code, archive = fetch(name="Gone")
    assert (code, archive.exists()) == (1, False)
    assert "the address is broken" in capsys.readouterr().err
    (tmp_path / "root" / "gone").mkdir()
    code, archive = fetch(name="Gone")
    assert (code, archive.is_file()) == (0, True)


@pytest.fixture
def pets(monkeypatch):
    monkeypatch.setattr(datasets, "Pets", Pets, raising=False)
    monkeypatch.setattr(datasets, "__all__", (*datasets.__all__, "Pets"))


def test_a_set_that_torchvision_makes_is_packed_whole(fetch):
    code, archive = fetch(name="FakeData", arguments=FAKE)
    assert code == 0
    listing = read_listing(archive, "manifest.csv")
    truth = datasets.FakeData(size=4, num_classes=3)
    assert listing["label"].tolist() == [str(int(truth[i][1])) for i in range(4)]
    assert listing["split"].tolist() == [""] * 4
    with tarfile.open(archive) as packed:
        for i, member in enumerate(listing["member"]):
            content = packed.extractfile(member).read()
            pixels = np.asarray(Image.open(io.BytesIO(content)))
            assert np.array_equal(pixels, np.asarray(truth[i][0]))
    record = read_json(archive.with_name("set.tar.json"))
    assert record["sha256"] == sha256_of(archive)
    assert record["source"]["arguments"] == FAKE
    first = archive.read_bytes()
    assert fetch(name="FakeData", arguments=FAKE)[0] == 0
    assert archive.read_bytes() == first


def test_splits_and_names_go_into_the_manifest_and_from_there_into_a_data_set(
    fetch, pets, tmp_path
):
    splits = {"train": {"split": "train"}, "test": {"split": "holdout"}}
    code, archive = fetch(name="Pets", splits=splits)
    assert code == 0
    settings = {
        "domain": "object",
        "source": {"kind": "torchvision", "name": "Pets", "splits": splits},
        "splits": {"by": "manifest"},
    }
    dataset = Dataset.model_validate(settings)
    out = tmp_path
    manifest = prepare("d", dataset, 1, archive, out)
    assert manifest["split"].tolist() == ["test"] * 3 + ["train"] * 3
    assert manifest["label"].tolist() == ["cat", "great dog", "cat"] * 2
    assert set(manifest["source"]) == {"torchvision:Pets"}
    assert dataset.family == "torchvision Pets"
    image = ImageStore(out / "images.npy").image(1)
    assert image.getpixel((0, 0)) == (1, 0, len("holdout"))


def test_other_settings_make_another_archive():
    names = [
        raw_files(source(**settings))
        for settings in (
            {"name": "FakeData"},
            {"name": "FakeData", "arguments": FAKE},
            {"name": "CIFAR10"},
        )
    ]
    assert len(set(names)) == 3
    assert names[2][0].startswith("torchvision-CIFAR10-")


def test_splits_of_the_set_must_be_named():
    settings = {
        "domain": "object",
        "source": {"kind": "torchvision", "name": "FakeData"},
        "splits": {"by": "manifest"},
    }
    with pytest.raises(ValueError, match=r"so source\.splits must name the splits"):
        Dataset.model_validate(settings)
    settings["source"] = {"kind": "huggingface", "repo": "user/set"}
    with pytest.raises(ValueError, match=r"so source\.files must name the files of each split"):
        Dataset.model_validate(settings)


def test_a_root_and_a_download_are_given_where_they_are_taken(fetch, pets, tmp_path):
    code, archive = fetch(name="Pets")
    assert code == 0
    assert (tmp_path / "root" / "pets").is_dir()
    assert read_listing(archive, "manifest.csv")["label"].tolist() == ["cat", "great dog", "cat"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "CIFAR11"}, "torchvision has no data set `CIFAR11`; did you mean `CIFAR10`"),
        ({"name": "FakeData", "arguments": {"sise": 2}}, "FakeData takes no argument `sise`; did you mean `size`"),
        ({"name": "CIFAR10", "arguments": {"root": "x"}}, "CIFAR10: `root` is set here and can be no argument"),
        ({"name": "FakeData", "arguments": {"size": "many"}}, "FakeData: does not say how many images it holds"),
        ({"name": "Pets", "arguments": {"split": "none"}}, "Pets with {'split': 'none'}: could not be made (no such split)"),
        ({"name": "FakeData", "arguments": {"size": 0}}, "set.tar: the source holds no image"),
    ],
)  # fmt: skip
def test_what_cannot_be_packed_is_said_in_words(fetch, pets, capsys, settings, message):
    code, archive = fetch(**settings)
    assert code == 1
    assert message in capsys.readouterr().err
    assert not archive.exists()
