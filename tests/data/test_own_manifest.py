"""A table of the user's own images, as CSV and as parquet."""

import json

import pandas as pd
import pytest

from unispace.config.datasets import Dataset
from unispace.config.study import Study
from unispace.data.preflight import check_sources, content_of
from unispace.data.prepare import prepare
from unispace.data.sources.own_manifest import contents, fingerprint, read_listing
from unispace.errors import UserError
from unispace.records.places import VARIABLE

ROWS = [("a/1.png", "Zoë", "train"), ("b/2.png", "007", "test"), ("b/Ü 3.png", "007", "test")]
COLUMNS = ["path", "identity_or_class", "split"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(tmp_path, make):
    for i, (name, _, _) in enumerate(ROWS):
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / name).write_bytes(make.picture(i))
    return tmp_path / "own"


def written(file, rows=ROWS, columns=COLUMNS):
    """A table in the form that its name says."""
    frame = pd.DataFrame(rows, columns=columns)
    if file.suffix == ".csv":
        frame.to_csv(file, index=False)
    else:
        frame.to_parquet(file, index=False)
    return file


both = pytest.mark.parametrize("name", ["t.csv", "t.parquet"])


@both
def test_a_table_is_listed_and_its_images_are_read(folder, name):
    table = written(folder / name)
    listing = read_listing(table)
    assert listing["image_id"].tolist() == [path for path, _, _ in ROWS]
    assert listing["label"].tolist() == ["Zoë", "007", "007"]
    assert listing["split"].tolist() == ["train", "test", "test"]
    read = dict(contents(table, list(listing["member"])))
    assert read == {path: (folder / path).read_bytes() for path, _, _ in ROWS}


@both
def test_images_may_lie_below_the_folder_of_all_data(folder, tmp_path, monkeypatch, name):
    table = written(tmp_path / name)
    with pytest.raises(UserError, match=r"names 3 images that are not there, such as a/1\.png .*below UNISPACE_DATA, which is not set"):  # fmt: skip
        read_listing(table)
    monkeypatch.setenv(VARIABLE, str(folder))
    assert len(dict(contents(table, list(read_listing(table)["member"])))) == 3
    (folder / "a/1.png").unlink()
    with pytest.raises(UserError, match=r"1 images that are not there, such as a/1\.png \(neither .* nor .*own"):  # fmt: skip
        read_listing(table)


@both
def test_numbers_as_labels_become_texts_and_empty_cells_empty_texts(folder, name):
    rows = [("a/1.png", 7, "x"), ("b/2.png", 8, None)]
    listing = read_listing(written(folder / name, rows, ["path", "identity_or_class", "camera"]))
    assert listing["label"].tolist() == ["7", "8"]
    assert listing["camera"].tolist() == ["x", ""]
    assert "split" not in listing


@both
@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (ROWS, ["path", "who", "split"], "has no column `identity_or_class`; it needs path, identity_or_class"),
        ([], COLUMNS, "lists no image"),
        ([("a/1.png", "x", "y"), ("b/2.png", None, "y")], COLUMNS, "identity_or_class is empty"),
        ([ROWS[0], ROWS[0]], COLUMNS, r"names a/1\.png twice"),
        ([("../own/a/1.png", "x", "y")], COLUMNS, r"names \.\./own/a/1\.png; paths begin beside the table"),
        ([("/etc/passwd", "x", "y")], COLUMNS, "names /etc/passwd; paths begin beside the table"),
    ],
)  # fmt: skip
def test_a_table_with_a_mistake_is_refused(folder, name, rows, columns, message):
    with pytest.raises(UserError, match=message):
        read_listing(written(folder / name, rows, columns))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", None, r"t\.csv: not a file; it must be a table"),
        ("t.txt", b"x", r"t\.txt: a table of images ends in \.csv or \.parquet"),
        ("t.parquet", b"PAR1 not really", r"t\.parquet: cannot be read as a table of texts"),
        ("t.csv", b"path,identity_or_class\n\xff,x\n", r"t\.csv is no text in UTF-8"),
    ],
)
def test_what_is_no_table_is_refused(folder, name, content, message):
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_listing(folder / name)


def test_an_empty_label_of_a_parquet_table_is_named_with_its_row(folder):
    rows = [("a/1.png", "x"), ("b/2.png", " ")]
    with pytest.raises(UserError, match=r"t\.parquet, row 2: identity_or_class is empty"):
        read_listing(written(folder / "t.parquet", rows, COLUMNS[:2]))


def test_an_image_that_went_away_is_named(folder):
    table = written(folder / "t.csv")
    (folder / "a/1.png").unlink()
    with pytest.raises(UserError, match=r"a/1\.png: cannot be read \(No such file"):
        dict(contents(table, ["a/1.png"]))


@both
def test_the_fingerprint_sees_the_table_and_every_image(folder, tmp_path, name, make):
    table, cache = written(folder / name), tmp_path / "c.json"
    seen = {fingerprint(table, cache)}
    assert fingerprint(table, cache) in seen
    (folder / "a/1.png").write_bytes(make.picture(9))
    seen.add(fingerprint(table, cache))
    written(table, [("a/1.png", "other", "train"), *ROWS[1:]])
    seen.add(fingerprint(table, cache))
    (folder / "b/unnamed.png").write_bytes(b"x")
    seen.add(fingerprint(table, cache))
    assert len(seen) == 3


def dataset(path, **more):
    return {"domain": "face_hq", "source": {"kind": "manifest", "path": path}, **more}


@both
def test_a_table_becomes_manifest_and_store(folder, tmp_path, name):
    written(folder / name)
    made = Dataset.model_validate(dataset(f"own/{name}", splits={"by": "manifest"}))
    manifest = prepare("f", made, 1, None, tmp_path)
    assert manifest["split"].tolist() == ["train", "test", "test"]
    assert set(manifest["source"]) == {"manifest:f"}
    assert json.loads((tmp_path / "left_out.json").read_text())["listed"] == 3
    assert made.family == f"manifest own/{name}"


def study(path, **more):
    return Study.model_validate(
        {
            "study": "s",
            "datasets": {"d": dataset(path, **more)},
            "backbones": {
                "b": {"architecture": "eva02_tiny_patch14_224", "weights": {"kind": "random"}}
            },
            "curricula": {"base": {}},
            "evaluation": {"datasets": ["d"]},
        }
    )


def test_what_is_wrong_with_a_table_is_told_before_the_first_job(folder, tmp_path):
    written(folder / "t.csv", [row[:2] for row in ROWS], COLUMNS[:2])
    check_sources(study("own/t.csv", splits={"train": 0, "val": 0}), tmp_path)
    with pytest.raises(UserError, match=r"datasets\.d\.source: own/t\.csv has no column `split`"):
        check_sources(study("own/t.csv", splits={"by": "manifest"}), tmp_path)
    with pytest.raises(UserError, match=r"datasets\.d\.source: `own/u\.csv` was not found"):
        check_sources(study("own/u.csv"), tmp_path)
    source = study("own/t.csv").datasets["d"].source
    assert content_of(source, "d", tmp_path) == fingerprint(folder / "t.csv", tmp_path / "e.json")
