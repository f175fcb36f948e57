"""The image manifest keeps one row an image."""

import time

import pandas as pd
import pyarrow as pa
import pytest

from unispace.errors import UserError
from unispace.records.manifest import SCHEMA, read_manifest, rows_of_split, write_manifest
from unispace.records.tables import write_table


def manifest(count=4, **columns):
    base = {
        "image_id": [f"i{k}" for k in range(count)],
        "row": range(count),
        "domain": "face_hq",
        "label": ["p", "p", "q", "q"][:count],
        "identity": ["p", "p", "q", "q"][:count],
        "split": ["train", "train", "test", "test"][:count],
        "source": "studio",
    }
    return pd.DataFrame({**base, **columns})


def test_a_manifest_comes_back_with_its_further_columns(tmp_path):
    path = tmp_path / "manifest.parquet"
    write_manifest(manifest(camera=["a", "b", "a", "b"]), path)
    back = read_manifest(path)
    assert back["camera"].tolist() == ["a", "b", "a", "b"]
    assert back["image_id"].tolist() == ["i0", "i1", "i2", "i3"]
    assert back["row"].tolist() == [0, 1, 2, 3]


def test_objects_have_no_identity(tmp_path):
    write_manifest(manifest(identity=None), tmp_path / "m")
    assert read_manifest(tmp_path / "m")["identity"].isna().all()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image_id": ["a", "b", "c", "b"]}, "image_id 'b' occurs twice"),
        ({"row": [0, 1, 3, 4]}, "rows must count from 0 without gaps"),
        ({"row": [1, 2, 3, 4]}, "rows must count from 0 without gaps"),
        ({"row": [1, 0, 2, 3]}, "rows must count from 0 without gaps"),
        ({"label": ["a", None, "b", "b"]}, "column label holds empty cells"),
        ({"split": None}, "column split holds empty cells"),
    ],
)
def test_a_manifest_that_is_none_is_not_written(tmp_path, columns, message):
    with pytest.raises(ValueError, match=message):
        write_manifest(manifest(**columns), tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_rows_of_a_split_keep_their_order_and_count_anew(tmp_path):
    rows = rows_of_split(manifest(), "test", tmp_path)
    assert rows["row"].tolist() == [2, 3]
    assert rows.index.tolist() == [0, 1]


def test_a_missing_split_names_those_that_exist(tmp_path):
    with pytest.raises(UserError, match="m: no image in split `val`; it holds: test, train"):
        rows_of_split(manifest(), "val", tmp_path / "m")


def test_only_the_columns_that_are_asked_for_are_read(tmp_path):
    write_manifest(manifest(), tmp_path / "m")
    rows = read_manifest(tmp_path / "m", ("split", "row"))
    assert list(rows.columns) == ["split", "row"]
    assert rows["split"].tolist() == ["train", "train", "test", "test"]
    with pytest.raises(KeyError, match="spilt"):
        read_manifest(tmp_path / "m", ("spilt",))


def test_a_column_that_is_asked_for_and_missing_is_named(tmp_path):
    less = pa.schema([field for field in SCHEMA if field.name != "split"])
    write_table(manifest().drop(columns="split"), less, tmp_path / "m")
    assert len(read_manifest(tmp_path / "m", ("label",))) == 4
    with pytest.raises(UserError, match="m: column `split` is missing"):
        read_manifest(tmp_path / "m", ("label", "split"))


@pytest.mark.slow
def test_a_million_rows_open_at_once_and_as_arrow_strings(tmp_path):
    count = 1_000_000
    number = pd.Series(range(count)).astype("str")
    label = "person-" + (pd.Series(range(count)) // 20).astype("str")
    about = {"image_id": number + ".jpg", "label": label, "identity": label}
    table = pd.DataFrame(
        {**about, "row": range(count), "domain": "face_hq", "split": "train", "source": "s"}
    )
    write_manifest(table, tmp_path / "m")
    started = time.process_time()
    back = read_manifest(tmp_path / "m")
    assert time.process_time() - started < 5
    pd.testing.assert_frame_equal(back[table.columns], table)
    # Seven columns; as objects of Python they would take more than 400 bytes a row.
    assert back.memory_usage(deep=True).sum() / count < 130
