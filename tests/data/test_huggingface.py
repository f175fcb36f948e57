"""Sets of the hub: tables and folders of a local stand-in, at one revision."""

import json
import tarfile

import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unispace.commands.common.run import run_command
from unispace.commands.fetch_huggingface import configure, run
from unispace.config.datasets import HuggingfaceSource
from unispace.data.sources.archive import read_listing
from unispace.data.sources.huggingface import images_of
from unispace.errors import UserError
from unispace.records.files import read_json

NEWEST, OLDER = "a" * 40, "b" * 40


class Hub:
    """A hub with one repository in a folder; it keeps the revisions that were asked for."""

    def __init__(self, folder):
        self.folder, self.asked, self.down = folder, [], False

    def dataset_info(self, repo):
        if self.down:
            raise OSError("no route to host")
        assert repo == "user/set"
        return huggingface_hub.DatasetInfo(id=repo, sha=NEWEST)

    def list_repo_files(self, repo, *, revision, repo_type):
        assert (repo, repo_type) == ("user/set", "dataset")
        return [
            p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file()
        ]

    def download(self, repo, name, *, revision, repo_type):
        assert (repo, repo_type) == ("user/set", "dataset")
        self.asked.append((name, revision))
        return str(self.folder / name)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    hub = Hub(tmp_path / "hub")
    hub.folder.mkdir()
    (hub.folder / "README.md").write_text("x")
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub.download)
    return hub


def table(file, images, labels, classes=None, columns=("image", "label")):
    """A table as the hub has them: images as structs, names of classes in the metadata."""
    data = pa.table({columns[0]: images, columns[1]: labels})
    if classes:
        feature = {"names": classes, "_type": "ClassLabel"}
        about = {"info": {"features": {columns[1]: feature}}}
        data = data.replace_schema_metadata({"huggingface": json.dumps(about)})
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(data, file)


def structs(*contents):
    return [{"bytes": content, "path": f"{i}.png"} for i, content in enumerate(contents)]


def source(**more):
    return HuggingfaceSource.model_validate({"kind": "huggingface", "repo": "user/set", **more})


def test_tables_with_names_of_classes(hub, make):
    images = [make.picture(i) for i in range(3)]
    table(hub.folder / "data/train-0.parquet", structs(*images[:2]), [1, 0], ["cat", "dog"])
    table(hub.folder / "data/test-0.parquet", structs(images[2]), [1], ["cat", "dog"])
    files = {"train": "data/train-*.parquet", "test": "data/test-*.parquet"}
    assert list(images_of(source(files=files), OLDER)) == [
        ("data/train-0/0000000", "dog", "train", images[0]),
        ("data/train-0/0000001", "cat", "train", images[1]),
        ("data/test-0/0000000", "dog", "test", images[2]),
    ]
    assert hub.asked == [("data/train-0.parquet", OLDER), ("data/test-0.parquet", OLDER)]
    assert [split for _, _, split, _ in images_of(source(), OLDER)] == ["", "", ""]


def test_tables_with_other_columns_and_plain_labels(hub, make):
    table(hub.folder / "a.parquet", [make.picture(1)], ["Ann"], columns=("png", "who"))
    table(hub.folder / "b.parquet", [make.picture(2)], [7], columns=("png", "who"))
    found = list(images_of(source(image="png", label="who"), OLDER))
    assert [(path, label) for path, label, *_ in found] == [("a/0000000", "Ann"), ("b/0000000", "7")]  # fmt: skip


def test_images_in_folders(hub, make):
    for name in ("train/cat/1.png", "train/dog/2.JPG", "test/cat/3.png"):
        (hub.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (hub.folder / name).write_bytes(make.picture(1))
    found = images_of(source(files={"train": "train/*", "test": "test/*"}), OLDER)
    assert [image[:3] for image in found] == [
        ("train/cat/1.png", "cat", "train"),
        ("train/dog/2.JPG", "dog", "train"),
        ("test/cat/3.png", "cat", "test"),
    ]


@pytest.mark.parametrize(
    ("images", "labels", "more", "message"),
    [
        (structs(b"x"), [2], {}, r"a\.parquet, row 0: its label 2 is none of 2 classes"),
        (structs(b"x"), [None], {}, r"a\.parquet, row 0: has no label"),
        (structs(None), [1], {}, r"a\.parquet, row 0: its image is not in the table"),
        (structs(b"x"), [1], {"label": "lable"}, "has no column `lable`; did you mean `label`.*as `label` of the source"),
        (structs(b"x"), [1], {"image": "img"}, "has no column `img`; .*as `image` of the source"),
        (structs(b"x"), [1], {"files": {"train": "b*"}}, r"no parquet table and no image matches `b\*`"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_set_is_named(hub, images, labels, more, message):
    table(hub.folder / "a.parquet", images, pa.array(labels, pa.int64()), ["cat", "dog"])
    with pytest.raises(UserError, match=f"user/set: .*{message}"):
        list(images_of(source(**more), OLDER))


def test_a_damaged_table_and_an_image_without_folder_are_named(hub):
    (hub.folder / "a.parquet").write_bytes(b"PAR1 damaged")
    with pytest.raises(UserError, match=r"a\.parquet cannot be read as a parquet table"):
        list(images_of(source(), OLDER))
    (hub.folder / "a.parquet").rename(hub.folder / "a.png")
    with pytest.raises(
        UserError, match=r"the image a\.png lies in no folder that could be its label"
    ):
        list(images_of(source(), OLDER))


@pytest.fixture
def fetch(tmp_path):
    def fetched(**settings):
        archive = tmp_path / "raw" / "set.tar"
        arguments = ["--settings", source(**settings).to_json(), "--archive", str(archive)]
        arguments += ["--record", f"{archive}.json"]
        return run_command("fetch-huggingface", configure, run, arguments), archive

    return fetched


def test_the_newest_revision_is_recorded_and_kept(hub, fetch, make, monkeypatch, caplog):
    table(hub.folder / "a.parquet", structs(make.picture(1)), ["cat"])
    code, archive = fetch()
    record = read_json(archive.with_name("set.tar.json"))
    assert (code, record["revision"], record["trusted"]) == (0, NEWEST, "first use")
    assert read_listing(archive, "manifest.csv")["label"].tolist() == ["cat"]
    first = archive.read_bytes()
    monkeypatch.setattr(hub, "dataset_info", None)  # not asked again
    assert fetch()[0] == 0
    assert hub.asked == [("a.parquet", NEWEST)] * 2
    assert archive.read_bytes() == first


def test_the_revision_of_the_study_is_the_one_that_is_fetched(hub, fetch, make):
    table(hub.folder / "a.parquet", structs(make.picture(1)), ["cat"])
    code, archive = fetch(revision=OLDER)
    assert (code, hub.asked) == (0, [("a.parquet", OLDER)])
    assert read_json(archive.with_name("set.tar.json"))["trusted"] == "study"
    with tarfile.open(archive) as made:
        assert {(m.mtime, m.uid, m.uname) for m in made} == {(0, 0, "")}


def test_a_hub_that_is_not_there_is_said_in_words(hub, fetch, capsys):
    hub.down = True
    code, archive = fetch()
    assert code == 1
    assert "user/set: not to be had from the hub (no route to host). Check names and network" in capsys.readouterr().err  # fmt: skip
    assert not archive.exists()


def test_a_set_without_images_leaves_nothing(hub, fetch, capsys):
    table(hub.folder / "a.parquet", pa.array([], pa.binary()), pa.array([], pa.string()))
    code, archive = fetch()
    assert code == 1
    assert "set.tar: the source holds no image" in capsys.readouterr().err
    assert list(archive.parent.iterdir()) == []
