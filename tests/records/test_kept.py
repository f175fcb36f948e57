"""What is kept of a job's parts: whole or not there, checked on reading, and equal to what would be made."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from unispace.records.kept import read_kept, write_kept
from unispace.records.kept_tables import KeptTables, key_of_parts
from unispace.records.tables import write_table

SCHEMAS = {
    "numbers": pa.schema(
        [("name", pa.string()), ("value", pa.float64()), ("samples", pa.list_(pa.float32()))]
    ),
    "points": pa.schema([("x", pa.float64())]),
}


def frames(seed):
    """Two tables of a part, with empty cells, numbers that are none, and samples that are missing."""
    rng = np.random.default_rng(seed)
    numbers = pd.DataFrame({"name": ["a", None, f"p{seed}"], "value": [rng.random(), np.nan, 0.1]})
    samples = np.empty(3, object)
    samples[:] = [rng.random(4), None, np.array([np.nan, rng.random()])]
    return {
        "numbers": numbers.assign(samples=samples),
        "points": pd.DataFrame({"x": rng.random(seed)}),
    }


class Maker:
    """Makes parts and counts which."""

    def __init__(self):
        self.made = []

    def tables(self, path, seeds, about="code"):
        kept = KeptTables(path, SCHEMAS, about)
        for seed in seeds:
            kept.add(f"key {seed}", lambda seed=seed: self.make(seed))
        return {name: pickled(table) for name, table in kept.tables().items()}

    def make(self, seed):
        self.made.append(seed)
        return frames(seed)


def pickled(frame):
    """A frame as bytes of each cell, so that equal means equal to the bit."""
    return [
        [c.tobytes() if isinstance(c, np.ndarray) else repr(c) for c in frame[name]]
        for name in frame
    ]


@pytest.fixture
def maker():
    return Maker()


def test_only_what_changed_is_made_again_and_all_is_equal(tmp_path, maker):
    path = tmp_path / "kept"
    maker.tables(path, [1, 2, 3])
    assert maker.made == [1, 2, 3]
    found = maker.tables(path, [1, 5, 3])
    assert maker.made == [1, 2, 3, 5]
    assert found == Maker().tables(None, [1, 5, 3])


def test_the_order_is_that_of_this_run(tmp_path, maker):
    path = tmp_path / "kept"
    maker.tables(path, [1, 2, 3])
    assert maker.tables(path, [3, 1, 4, 2]) == Maker().tables(None, [3, 1, 4, 2])
    assert maker.made == [1, 2, 3, 4]


def test_what_a_run_did_not_ask_for_is_no_longer_kept(tmp_path, maker):
    path = tmp_path / "kept"
    maker.tables(path, [1, 2, 3])
    maker.tables(path, [1])
    size = path.stat().st_size
    maker.tables(path, [1, 2])
    assert maker.made == [1, 2, 3, 2]
    maker.tables(path, [1])
    assert path.stat().st_size == size


def test_other_code_makes_all_anew(tmp_path, maker):
    maker.tables(tmp_path / "kept", [1, 2])
    maker.tables(tmp_path / "kept", [1, 2], about="other code")
    assert maker.made == [1, 2, 1, 2]


@pytest.mark.parametrize("place", [0, 40, 70, -1])
def test_a_damaged_file_is_made_anew(tmp_path, maker, place, caplog):
    path = tmp_path / "kept"
    wanted = maker.tables(path, [1, 2])
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))
    assert maker.tables(path, [1, 2]) == wanted
    assert maker.made == [1, 2, 1, 2]
    assert "damaged" in caplog.text
    assert maker.tables(path, [1, 2]) == wanted
    assert maker.made == [1, 2, 1, 2]


@pytest.mark.parametrize("length", [0, 10, 64, 100])
def test_a_file_that_was_cut_off_is_damaged(tmp_path, length):
    path = tmp_path / "kept"
    write_kept(path, {"of": "this"}, {"one": b"1" * 50, "two": b""})
    assert read_kept(path) == ({"of": "this"}, {"one": b"1" * 50, "two": b""})
    path.write_bytes(path.read_bytes()[:length])
    assert read_kept(path) is None


def test_a_job_that_fails_leaves_what_was_kept(tmp_path, maker):
    path = tmp_path / "kept"
    maker.tables(path, [1, 2])
    before = path.read_bytes()
    kept = KeptTables(path, SCHEMAS, "code")
    kept.add(
        "key 3", lambda: {"numbers": pd.DataFrame({"name": [1.5]}), "points": frames(1)["points"]}
    )
    with pytest.raises((ValueError, KeyError)):
        kept.tables()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


def test_two_parts_with_one_key_are_refused(maker):
    with pytest.raises(ValueError, match="two parts have the key"):
        maker.tables(None, [1, 1])


def test_a_key_tells_apart_what_differs():
    array = np.arange(6, dtype=np.float32)
    parts = [
        ("ab",), ("a", "b"), (["a", "b"],), (["ab"],), (["a"], ["b"]),
        (array,), (array.reshape(2, 3),), (array.astype(np.float64),), (array[::-1],), (array.astype(np.int32),),
    ]  # fmt: skip
    assert len({key_of_parts(*part) for part in parts}) == len(parts)
    assert key_of_parts(array[::2]) == key_of_parts(array[::2].copy())


def test_each_part_comes_back_by_its_key(tmp_path, maker):
    path = tmp_path / "kept"
    maker.tables(path, [1, 2, 3])
    kept = KeptTables(path, SCHEMAS, "code")
    for seed in (3, 5, 1):
        kept.add(f"key {seed}", lambda seed=seed: maker.make(seed))
    found = kept.by_part()
    assert maker.made == [1, 2, 3, 5]
    assert list(found) == ["key 3", "key 5", "key 1"]
    for seed in (3, 5, 1):
        alone = Maker().tables(None, [seed])
        assert {n: pickled(t) for n, t in found[f"key {seed}"].items()} == alone
        assert list(found[f"key {seed}"]["points"].index) == list(range(seed))


def test_a_file_of_rows_does_not_show_which_were_kept(tmp_path, maker):
    many, path = 40_000, tmp_path / "kept"
    maker.tables(path, [many])
    files = []
    for place in (path, None):
        kept = KeptTables(place, SCHEMAS, "code")
        for seed in (many, 7):
            kept.add(f"key {seed}", lambda seed=seed: maker.make(seed))
        file = tmp_path / "points.parquet"
        write_table(kept.tables()["points"], SCHEMAS["points"], file)
        files.append(file.read_bytes())
    assert maker.made == [many, 7, many, 7]
    assert files[0] == files[1]
