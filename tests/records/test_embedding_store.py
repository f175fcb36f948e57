"""Embeddings on disk: vectors and index belong together."""

import numpy as np
import pandas as pd
import pytest

from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, read_embeddings, write_embeddings


def embeddings(count=5, dimension=3):
    vectors = np.random.default_rng(3).normal(size=(count, dimension)).astype(np.float32)
    index = pd.DataFrame(
        {
            "image_id": [f"i{k}" for k in range(count)],
            "row": range(count),
            "domain": "face_hq",
            "label": [f"p{k // 2}" for k in range(count)],
            "identity": [f"p{k // 2}" for k in range(count)],
            "split": ["train", "test", "train", "test", "test"][:count],
        }
    )
    return Embeddings(vectors, index, {"dataset": "faces", "key": "k"})


def test_embeddings_come_back_bit_for_bit_and_stay_on_disk(tmp_path):
    given = embeddings()
    write_embeddings(given, tmp_path / "x")
    back = read_embeddings(tmp_path / "x")
    assert isinstance(back.vectors, np.memmap)
    assert back.vectors.dtype == np.float32
    assert back.vectors.tobytes() == given.vectors.tobytes()
    assert back.index["image_id"].tolist() == given.index["image_id"].tolist()
    assert back.card == given.card


def test_a_split_takes_the_vectors_of_its_own_images():
    given = embeddings()
    part = given.of_split("test")
    assert part.index["image_id"].tolist() == ["i1", "i3", "i4"]
    assert part.index.index.tolist() == [0, 1, 2]
    assert np.array_equal(part.vectors, given.vectors[[1, 3, 4]])
    assert part.card == given.card


def test_a_missing_split_names_those_that_exist():
    with pytest.raises(UserError, match="of faces: no image in split `val`; it holds: test, train"):
        embeddings().of_split("val")


def test_vectors_and_index_of_two_lengths_are_not_written(tmp_path):
    given = embeddings()
    with pytest.raises(ValueError, match="4 vectors for 5 images"):
        write_embeddings(Embeddings(given.vectors[:4], given.index, {}), tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_vector_that_is_not_finite_is_not_written(tmp_path, bad):
    given = embeddings()
    given.vectors[3, 1] = bad
    with pytest.raises(ValueError, match="vector of i3 is not finite"):
        write_embeddings(given, tmp_path / "x")


def test_vectors_of_another_run_are_refused(tmp_path):
    write_embeddings(embeddings(), tmp_path / "x")
    np.save(tmp_path / "x" / "vectors.npy", np.zeros((4, 3), np.float32))
    with pytest.raises(UserError, match="4 vectors for 5 images; delete the folder"):
        read_embeddings(tmp_path / "x")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("vectors.npy", None, "vectors.npy: not there"),
        ("vectors.npy", b"", r"vectors.npy: damaged \("),
        ("vectors.npy", 100, r"vectors.npy: damaged \("),
        ("vectors.npy", b"\x80\x04]\x94.", r"vectors.npy: damaged \("),  # a pickle
        ("index.parquet", None, "index.parquet: not there"),
        ("index.parquet", 50, r"index.parquet: damaged \("),
        ("embedding.json", None, "embedding.json: not there"),
        ("embedding.json", 5, r"embedding.json: damaged \("),
    ],
)
def test_a_missing_or_damaged_file_is_named(tmp_path, file, content, message):
    write_embeddings(embeddings(), tmp_path)
    path = tmp_path / file
    whole = path.read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(whole[:content] if isinstance(content, int) else content)
    with pytest.raises(UserError, match=message):
        read_embeddings(tmp_path)
