"""A store that refers to shards reads what it was told of, and says what is wrong where that is gone."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from unispace.errors import UserError
from unispace.records import shards as module
from unispace.records.images import ImageStore
from unispace.records.places import VARIABLE
from unispace.records.shards import PLACE, Shard, ShardReader, write_references


def shard(path, content=b"0123456789"):
    path.write_bytes(content)
    return Shard(str(path), len(content), "0" * 64)


def open_files():
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_bytes_are_read_from_their_place(tmp_path):
    reader = ShardReader([shard(tmp_path / "a"), shard(tmp_path / "b", b"abcdef")], "store")
    assert reader.read(1, 2, 3) == b"cde"
    assert reader.read(0, 9, 1) == b"9"
    assert reader.read(1, 0, 6) == b"abcdef"


def test_shards_are_looked_up_when_an_image_is_read(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    known = shard(tmp_path / "here" / "a.tar")
    write_references([Shard("a.tar", 10, known.sha256)], np.zeros(1, PLACE), tmp_path / "i.npy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    store = ImageStore(tmp_path / "i.npy")
    assert len(store) == 1
    with pytest.raises(UserError, match=rf"i.npy: `a.tar` was not found. Looked for\n    {tmp_path}/a.tar\n  Put it there, or set {VARIABLE}"):  # fmt: skip
        store.image(0)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "here"))
    with pytest.raises(UserError, match=r"i.npy, image 0: cannot be read as an image"):
        store.image(0)  # zero bytes were asked for


@pytest.mark.parametrize("content", [b"012345678", b"0123456789a"])
def test_a_shard_of_another_size_is_refused(tmp_path, content):
    reader = ShardReader([shard(tmp_path / "a")], "data/x/images.npy")
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UserError, match=rf"a: has {len(content)} bytes, and had 10 when data/x/images.npy was made; bring the shard of then back, or run snakemake"):  # fmt: skip
        reader.read(0, 0, 1)


def test_a_shard_that_is_cut_while_it_is_read_is_told(tmp_path):
    reader = ShardReader([shard(tmp_path / "a")], "store")
    reader.read(0, 0, 1)
    os.truncate(tmp_path / "a", 4)
    with pytest.raises(UserError, match=r"a: was cut while it was read"):
        reader.read(0, 2, 5)


def test_a_shard_that_cannot_be_opened_is_told(tmp_path):
    (tmp_path / "a").mkdir()
    size = (tmp_path / "a").stat().st_size
    with pytest.raises(UserError, match=r"a: cannot be read \(Is a directory\)"):
        ShardReader([Shard(str(tmp_path / "a"), size, "")], "store").read(0, 0, 1)


def test_more_shards_than_may_be_open_are_read_and_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_OPEN", 3)
    before = open_files()
    reader = ShardReader([shard(tmp_path / str(i), b"%d" % i) for i in range(9)], "store")
    order = np.random.default_rng(0).integers(0, 9, 200)
    assert [reader.read(i, 0, 1) for i in order.tolist()] == [b"%d" % i for i in order]
    assert open_files() == before + 3
    del reader
    assert open_files() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c[:-1], "Expecting|Unterminated|line 1"),
        (lambda c: c[:-40], "Expecting|Unterminated|line 1"),
        (lambda c: c[: c.index(b"[{")], "Expecting|Unterminated|line 1"),
        (lambda c: c[: c.index(b"[{")] + b"[]", "refers to shards that it does not list"),
        (lambda c: c[: c.index(b"[{")] + b'{"a": 1}', "no list of shards"),
        (lambda c: c[: c.index(b"[{")] + json.dumps([{"path": "a"}]).encode(), "no list of shards"),
    ],
)
def test_a_damaged_store_is_refused(tmp_path, change, message):
    write_references([shard(tmp_path / "a")], np.zeros(4, PLACE), tmp_path / "i.npy")
    content = (tmp_path / "i.npy").read_bytes()
    (tmp_path / "i.npy").write_bytes(change(content))
    with pytest.raises(UserError, match=rf"i.npy: damaged.*(?:{message}).*; delete it and run snakemake"):  # fmt: skip
        ImageStore(tmp_path / "i.npy")


def test_a_store_takes_twenty_bytes_an_image(tmp_path):
    write_references([shard(tmp_path / "a")], np.zeros(1000, PLACE), tmp_path / "i.npy")
    assert PLACE.itemsize == 20
    assert (tmp_path / "i.npy").stat().st_size < 20_000 + 400
