"""The image manifest keeps one row an image."""

import pandas as pd
import pytest

from unispace.errors import UserError
from unispace.records.manifest import read_manifest, rows_of_split, write_manifest


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
