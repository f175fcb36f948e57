"""A map survives the disk bit for bit, and a broken write leaves no trace."""

import os

import numpy as np
import pytest
from safetensors.numpy import save_file

from unispace.alignment.lifts import lift_of
from unispace.alignment.maps import METHODS
from unispace.alignment.storage import key_of, load_maps, save_maps


@pytest.fixture
def clouds():
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 6)), rng.normal(size=(30, 4))


@pytest.mark.parametrize("method", METHODS)
def test_round_trip_is_exact(method, clouds, tmp_path):
    fitted = METHODS[method](*clouds)
    save_maps({"one": fitted}, tmp_path / "map.safetensors")
    loaded = load_maps(tmp_path / "map.safetensors")["one"]
    assert (loaded.method, loaded.settings) == (fitted.method, fitted.settings)
    assert loaded.scale == fitted.scale
    assert (loaded.parameter_count, loaded.rows) == (fitted.parameter_count, 30)
    assert loaded.effective_rank == fitted.effective_rank
    assert loaded.source.width == fitted.source.width == 6
    np.testing.assert_array_equal(loaded.source.mean, fitted.source.mean, strict=True)
    np.testing.assert_array_equal(loaded.target.mean, fitted.target.mean, strict=True)
    np.testing.assert_array_equal(
        loaded.transform(clouds[0]), fitted.transform(clouds[0]), strict=True
    )
    np.testing.assert_array_equal(loaded.place(clouds[1]), fitted.place(clouds[1]), strict=True)
    assert [file.name for file in tmp_path.iterdir()] == ["map.safetensors"]


@pytest.mark.parametrize("mismatch", ["pca", "truncate"])
@pytest.mark.parametrize("method", ["procrustes", "quadratic", "mlp"])
def test_round_trip_of_every_part_is_exact(method, mismatch, clouds, tmp_path):
    options = {"mismatch": mismatch, "add_target_mean": True}
    for source, target in (clouds, clouds[::-1]):
        fitted = METHODS[method](source, target, **options)
        save_maps({"one": fitted}, tmp_path / "map.safetensors")
        loaded = load_maps(tmp_path / "map.safetensors")["one"]
        assert loaded.transform(source).any()
        np.testing.assert_array_equal(loaded.transform(source), fitted.transform(source))
        np.testing.assert_array_equal(loaded.place(target), fitted.place(target))


def test_a_lift_of_another_kind_or_without_its_parts_is_refused():
    with pytest.raises(ValueError, match="unknown lift `cubes`"):
        lift_of("cubes", {})
    with pytest.raises(ValueError, match="lift `products` has no tensor 'basis'"):
        lift_of("products", {})


def test_the_penalty_is_read_back(clouds, tmp_path):
    save_maps({"one": METHODS["ridge"](*clouds, alpha=0.3)}, tmp_path / "map.safetensors")
    assert load_maps(tmp_path / "map.safetensors")["one"].settings == {"alpha": 0.3}


def test_equal_maps_give_equal_bytes(clouds, tmp_path):
    for name in ("a", "b"):
        save_maps({"one": METHODS["ridge"](*clouds)}, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_write_that_breaks_keeps_the_old_map(clouds, tmp_path, monkeypatch):
    path = tmp_path / "map.safetensors"
    save_maps({"one": METHODS["linear"](*clouds)}, path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        save_maps({"one": METHODS["ridge"](*clouds)}, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["map.safetensors"]


def test_other_safetensors_are_refused(tmp_path):
    save_file({"weight": np.ones(3, np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"model\.safetensors holds no maps: its metadata has no"):
        load_maps(tmp_path / "model.safetensors")


def test_the_maps_of_a_pair_share_a_file_and_keep_their_order(clouds, tmp_path):
    maps = {name: METHODS[kind](*clouds) for name, kind in (("z", "ridge"), ("a", "linear"))}
    save_maps(maps, tmp_path / "pair.safetensors")
    loaded = load_maps(tmp_path / "pair.safetensors")
    assert list(loaded) == ["z", "a"]
    for name, fitted in maps.items():
        assert loaded[name].method == fitted.method
        np.testing.assert_array_equal(loaded[name].matrix, fitted.matrix)


def test_a_name_with_a_slash_is_refused(clouds, tmp_path):
    with pytest.raises(ValueError, match="a map's name holds no slash, got 'a/b'"):
        save_maps({"a/b": METHODS["ridge"](*clouds)}, tmp_path / "pair.safetensors")


def test_the_key_of_a_map_is_what_it_does(clouds, tmp_path):
    fitted = METHODS["ridge"](*clouds)
    save_maps({"one": fitted}, tmp_path / "map.safetensors")
    assert key_of(load_maps(tmp_path / "map.safetensors")["one"]) == key_of(fitted)
    others = [METHODS["ridge"](*clouds, alpha=0.2), METHODS["linear"](*clouds)]
    others.append(METHODS["ridge"](clouds[0] + 1, clouds[1]))
    assert len({key_of(fitted), *map(key_of, others)}) == 4
