"""The command that fits maps: what it records, and what it refuses before it fits anything."""

import argparse
import dataclasses
import itertools
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from unispace.alignment.fit import fit_map
from unispace.alignment.maps import fit_linear
from unispace.alignment.storage import key_of, load_maps
from unispace.commands import fit_maps
from unispace.config.maps import Maps
from unispace.data.splits import split_by_hash
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, write_embeddings
from unispace.records.files import sha256_of
from unispace.records.names import pair_name

MODELS = {"a/base/seed0": 6, "b/base/seed0": 8, "c/base/seed0": 8}
METHODS = {
    "baseline": {},
    "linear": {},
    "chosen": {"kind": "ridge", "alpha": [0.01, 1.0], "folds": 3},
    "others": {"kind": "linear", "fit_on": "other-images"},
    "centroids": {"kind": "ridge", "fit_on": "centroids"},
    "shuffled": {},
    "random-orthogonal": {},
}


def index_of(images=4, singles=0):
    """Twenty identities with some images each, and some with one."""
    names = [f"p{i:02d}" for i in range(20) for _ in range(images)]
    names += [f"q{i:02d}" for i in range(singles)]
    return pd.DataFrame(
        {
            "image_id": [f"faces/{n:04d}" for n in range(len(names))],
            "row": np.arange(len(names)),
            "domain": "face_hq",
            "label": names,
            "identity": names,
            "split": "test",
        }
    )


def write(folder, index, models=None, **changes):
    """Embeddings of every model; `changes` of a model take its vectors and index and give others."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(len(index), 5))
    for model, width in (models or MODELS).items():
        vectors = latent @ rng.normal(size=(5, width)) + 0.1 * rng.normal(size=(len(index), width))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        card = {"key": model, "dataset": "faces"}
        made = Embeddings(vectors, index.copy(), card)
        if model[0] in changes:
            made = changes[model[0]](made)
        write_embeddings(made, folder / "embeddings" / model / "faces")


def fit(folder, methods=None, models=None, seed=1, kept=None):
    models = list(models or MODELS)
    maps = Maps(models=models, datasets=("faces",), fit_share=0.6, methods=methods or METHODS)
    fitting = {"fit": "faces", "test": "faces", "shared": None}
    settings = {"seed": seed, "models": models, "fitting": fitting}
    parser = argparse.ArgumentParser()
    fit_maps.configure(parser)
    line = ["--settings", json.dumps({**settings, "maps": maps.model_dump(mode="json")})]
    line += ["--embeddings", str(folder / "embeddings"), "--output", str(folder / "maps")]
    line += [] if kept is None else ["--kept", str(kept)]
    fit_maps.run(parser.parse_args(line))
    return json.loads((folder / "maps" / "maps.json").read_text())


def test_every_map_is_written_and_told(tmp_path):
    index = index_of(singles=5)
    write(tmp_path, index)
    record = fit(tmp_path)
    fitted = np.asarray(split_by_hash(index["identity"], 0.6, 0.0, salt="maps") == "train")
    counts = index["identity"][fitted].value_counts()
    assert record["fit"] == {
        "dataset": "faces",
        "images": fitted.sum(),
        "identities": len(counts),
        "single_image_identities": (counts == 1).sum(),
    }
    assert (counts == 1).any()
    assert record["test"]["images"] == sorted(index["image_id"][~fitted])
    assert record["test"]["identities"] == index["identity"][~fitted].nunique()
    pairs = {(p["source"], p["target"]): p for p in record["pairs"]}
    assert len(pairs) == len(record["pairs"])
    assert set(pairs) == {(s, t) for s in MODELS for t in MODELS}
    for (source, target), pair in pairs.items():
        loaded = load_maps(tmp_path / "maps" / pair["file"])
        if source == target:
            # The ceiling: a model's own vectors in its own frame.
            assert list(loaded) == ["same-model"]
            assert loaded["same-model"].matrix is None
            continue
        assert list(loaded) == list(METHODS)
        assert list(pair["methods"]) == sorted(METHODS)  # as JSON has them
        for name, told in pair["methods"].items():
            made = loaded[name]
            assert (told["parameters"], told["rows"]) == (made.parameter_count, made.rows)
            assert told["effective_rank"] == pytest.approx(made.effective_rank, abs=1e-6)
            assert told["kind"] == made.method
            assert told["chosen"] == made.settings
        assert pair["methods"]["chosen"]["chosen"]["alpha"] in (0.01, 1.0)
        assert pair["methods"]["chosen"]["settings"]["alpha"] == [0.01, 1.0]
        rows = {name: told["rows"] for name, told in pair["methods"].items()}
        assert rows["linear"] == fitted.sum()
        assert rows["others"] == fitted.sum() - (counts == 1).sum()
        assert rows["centroids"] == len(counts)


def test_a_map_is_fitted_on_the_fit_part_alone(tmp_path):
    index = index_of()
    write(tmp_path, index)
    fit(tmp_path)
    fitted = np.asarray(split_by_hash(index["identity"], 0.6, 0.0, salt="maps") == "train")
    s, t = list(MODELS)[:2]
    vectors = [np.load(tmp_path / "embeddings" / m / "faces/vectors.npy") for m in (s, t)]
    expected = fit_linear(*(v[fitted] for v in vectors))
    made = load_maps(tmp_path / "maps" / f"{pair_name(s, t)}.safetensors")["linear"]
    np.testing.assert_allclose(made.matrix, expected.matrix, atol=1e-5)


def test_again_gives_the_same_bytes_and_another_seed_other_controls(tmp_path):
    write(tmp_path, index_of())
    found = []
    for seed in (1, 1, 2):
        fit(tmp_path, seed=seed)
        files = sorted((tmp_path / "maps").glob("*.safetensors"))
        assert len(files) == len(MODELS) ** 2
        keys = {(f.name, n): key_of(m) for f in files for n, m in load_maps(f).items()}
        found.append((keys, [sha256_of(f) for f in files]))
    assert found[0] == found[1]
    first, other = found[0][0], found[2][0]
    assert {name for pair, name in first if first[pair, name] != other[pair, name]} == {
        "shuffled",
        "random-orthogonal",
    }


def without_last(made):
    return Embeddings(made.vectors[:-2], made.index[:-2], made.card)


def turned(made):
    return Embeddings(made.vectors[::-1], made.index[::-1].reset_index(drop=True), made.card)


def renamed(made):
    index = made.index.copy()
    index.loc[7, "identity"] = "p99"
    return Embeddings(made.vectors, index, made.card)


def same_card(made):
    return Embeddings(made.vectors, made.index, {**made.card, "key": "a/base/seed0"})


def zeroed(made):
    vectors = made.vectors.copy()
    vectors[[3, 9]] = 0
    return Embeddings(vectors, made.index, made.card)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            without_last,
            "faces: a/base/seed0 and b/base/seed0 embed different images: 2 only by a/base/seed0 and not by "
            "b/base/seed0, such as faces/0078",
        ),
        (turned, "embed different images: the same ones in another order"),
        (renamed, "faces: image faces/0007 is of p01 to a/base/seed0 and of p99 to b/base/seed0"),
        (same_card, "faces: a/base/seed0 and b/base/seed0 are one model"),
        (
            zeroed,
            "faces: b/base/seed0 embeds image faces/0003 as a vector that is zero (2 such images)",
        ),
    ],
)
def test_embeddings_that_do_not_go_together_are_refused(change, message, tmp_path):
    write(tmp_path, index_of(), b=change)
    with pytest.raises(UserError) as caught:
        fit(tmp_path)
    assert message in str(caught.value)
    assert not (tmp_path / "maps").exists()


def test_a_vector_that_is_not_finite_is_refused(tmp_path):
    write(tmp_path, index_of())
    path = tmp_path / "embeddings/c/base/seed0/faces/vectors.npy"
    vectors = np.load(path)
    vectors[5, 1] = np.nan
    np.save(path, vectors)
    with pytest.raises(
        UserError, match="c/base/seed0 embeds image faces/0005 as a vector that is "
    ):
        fit(tmp_path)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (
            {"kind": "shuffled", "of": {"kind": "linear", "fit_on": "other-images"}},
            "`maps.methods.m` is fitted on other images of an identity, and each of the",
        ),
        (
            {"kind": "ridge", "alpha": [1, 2], "folds": 15},
            "`maps.methods.m` chooses its penalty on 15 folds of identities, and the fit part has",
        ),
    ],
)
def test_methods_that_need_more_identities_or_images_are_refused(method, message, tmp_path):
    write(tmp_path, index_of(images=1))
    with pytest.raises(UserError) as caught:
        fit(tmp_path, {"m": method})
    assert message in str(caught.value)
    assert not (tmp_path / "maps").exists()


def test_too_few_identities_are_refused(tmp_path):
    index = index_of()
    write(tmp_path, index[index["identity"] == "p00"])
    with pytest.raises(
        UserError,
        match=r"of its 1 identities are left to .*, at least 2 are needed; change maps.fit",
    ):
        fit(tmp_path)


def bytes_of_maps(folder):
    return {path.name: path.read_bytes() for path in (folder / "maps").iterdir()}


@pytest.fixture
def fits(monkeypatch):
    """The methods that are fitted, in their order; ceilings, which take no fit, among them."""
    found = []

    def counted(method, *arguments):
        found.append(method.kind)
        return fit_map(method, *arguments)

    monkeypatch.setattr("unispace.alignment.fit.fit_map", counted)
    return found


def again(folder, methods=None, models=None, seed=1):
    """Fit once more where outputs were removed, as Snakemake does before a job; gives the bytes of all maps."""
    shutil.rmtree(folder / "maps")
    fit(folder, methods, models, seed, folder / "kept")
    return bytes_of_maps(folder)


def test_of_a_changed_penalty_its_maps_alone_are_fitted(tmp_path, fits):
    write(tmp_path, index_of())
    fit(tmp_path, kept=tmp_path / "kept")
    assert len(fits) == 6 * len(METHODS)
    fits.clear()
    before = bytes_of_maps(tmp_path)
    assert again(tmp_path) == before
    assert fits == []
    changed = METHODS | {"centroids": {"kind": "ridge", "fit_on": "centroids", "alpha": 7}}
    kept = again(tmp_path, changed)
    assert fits == 6 * ["ridge"]
    assert kept != before
    shutil.rmtree(tmp_path / "kept")
    assert again(tmp_path, changed) == kept


def test_kept_maps_hold_no_second_copy(tmp_path):
    write(tmp_path, index_of())
    fit(tmp_path, kept=tmp_path / "kept")
    for source, target in itertools.permutations(MODELS, 2):
        file = f"{pair_name(source, target)}.safetensors"
        assert (tmp_path / "kept" / file).samefile(tmp_path / "maps" / file)


def test_maps_are_kept_where_files_have_one_name(tmp_path, fits, monkeypatch):
    def refused(*names):
        raise PermissionError("no second names here")

    monkeypatch.setattr("os.link", refused)
    write(tmp_path, index_of())
    fit(tmp_path, kept=tmp_path / "kept")
    before = bytes_of_maps(tmp_path)
    fits.clear()
    assert again(tmp_path) == before
    assert fits == []


@pytest.mark.parametrize("ending", ["safetensors", "json"])
def test_damaged_kept_maps_are_fitted_anew(tmp_path, fits, caplog, ending):
    write(tmp_path, index_of())
    fit(tmp_path, kept=tmp_path / "kept")
    before = bytes_of_maps(tmp_path)
    fits.clear()
    damaged = tmp_path / "kept" / f"{pair_name('a/base/seed0', 'b/base/seed0')}.{ending}"
    content = damaged.read_bytes()
    damaged.unlink()
    damaged.write_bytes(content[:-40])
    assert again(tmp_path) == before
    # Both directions, which share what they have in common.
    assert len(fits) == 2 * len(METHODS)
    assert "made anew" in caplog.text
    fits.clear()
    assert again(tmp_path) == before
    assert fits == []


def test_what_maps_are_fitted_on_and_drawn_by_decides_what_is_kept(tmp_path, fits):
    index = index_of()
    write(tmp_path, index)
    fit(tmp_path, kept=tmp_path / "kept")
    fits.clear()
    seeded = again(tmp_path, seed=2)
    assert len(fits) == 6 * len(METHODS)
    fits.clear()

    def turned(embeddings):
        return dataclasses.replace(embeddings, vectors=-embeddings.vectors)

    write(tmp_path, index, b=turned)
    assert again(tmp_path, seed=2) != seeded
    # All maps from and to one of three models.
    assert len(fits) == 4 * len(METHODS)


def test_maps_of_a_model_that_is_left_out_are_not_kept_for_ever(tmp_path):
    write(tmp_path, index_of())
    fit(tmp_path, kept=tmp_path / "kept")
    again(tmp_path, models=list(MODELS)[:2])
    assert len(list((tmp_path / "kept").iterdir())) == 2 * 2


def test_code_decides_what_is_kept(tmp_path, fits, monkeypatch):
    write(tmp_path, index_of())
    fit(tmp_path, kept=tmp_path / "kept")
    fits.clear()
    monkeypatch.setattr("unispace.commands.fit_maps.version_of", lambda *names: "other code")
    again(tmp_path)
    assert len(fits) == 6 * len(METHODS)
