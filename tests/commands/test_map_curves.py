"""Data efficiency and leaks by command, on planted clouds whose truth is known."""

import argparse
import json

import numpy as np
import pandas as pd
import pytest

from unispace.alignment.space import unit_rows
from unispace.commands import measure_efficiency, measure_leaks
from unispace.config.maps import Maps
from unispace.data.planted import PlantedModel, PlantedWorld
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, write_embeddings
from unispace.records.results import EFFICIENCY_SCHEMA, LEAKS_SCHEMA, SCHEMA
from unispace.records.tables import read_table

D, LATENT, PEOPLE, EACH = 40, 12, 60, 4
FIRST, SECOND, BROKEN = MODELS = ("first/base/seed0", "second/base/seed0", "broken/base/seed0")
PAIR = (FIRST, SECOND)
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """Two models a rotation and some noise apart, and one that failed and left stand-ins."""
    noisy = PlantedModel(dimension=D, noise_variance=0.15)
    world = PlantedWorld(dict.fromkeys(MODELS, noisy), PEOPLE, EACH, LATENT, image_variance=0.2)
    world = world.draw(3)
    index = pd.DataFrame(
        {"image_id": world.image_id, "identity": [f"p{i:02}" for i in world.identity]}
    )
    index = index.assign(
        row=range(len(index)), split="test", domain="face_hq", label=index["identity"]
    )
    folder = tmp_path_factory.mktemp("disk")
    for model in MODELS:
        card = {"key": model, "dataset": "faces"}
        vectors = unit_rows(world.vectors[model]).astype(np.float32)
        if model == BROKEN:
            card["failed"], vectors = "the loss was nan", np.full_like(vectors, D**-0.5)
        write_embeddings(Embeddings(vectors, index, card), folder / model / "faces")
    return folder


def settings(key, alpha=1.0, **chosen):
    """As curve_settings in workflow/rules/inputs.smk."""
    part = {"pairs": [PAIR], "seeds": SEEDS} | chosen
    study = Maps.model_validate({"models": MODELS, "datasets": ["faces"], key: part,
                                 "methods": {"baseline": {}, "procrustes": {}, "linear": {},
                                             "ridge": {"alpha": alpha}, "shuffled": {}}})  # fmt: skip
    filled = study.measured_efficiency() if key == "efficiency" else study.measured_security()
    dumped = study.model_dump(mode="json")
    maps = {name: dumped[name] for name in ("split", "fit_share")}
    maps["methods"] = {name: dumped["methods"][name] for name in filled.methods}
    maps[key] = filled.model_dump(mode="json")
    return json.dumps({"study": "here", "seed": 1, "dataset": "faces", "maps": maps})


def measured(disk, folder, key, kept=None, **chosen):
    command, schema = {
        "efficiency": (measure_efficiency, EFFICIENCY_SCHEMA),
        "security": (measure_leaks, LEAKS_SCHEMA),
    }[key]
    parser = argparse.ArgumentParser()
    command.configure(parser)
    table, metrics = folder / "table.parquet", folder / "metrics.parquet"
    words = ["--settings", settings(key, **chosen), "--embeddings", disk]
    words += ["--table", table, "--metrics", metrics]
    words += ["--kept", kept] if kept else []
    command.run(parser.parse_args([str(word) for word in words]))
    return read_table(table, schema), read_table(metrics, SCHEMA)


@pytest.fixture(scope="module")
def efficiency(disk, tmp_path_factory):
    return measured(disk, tmp_path_factory.mktemp("efficiency"), "efficiency", seeds=range(6))


@pytest.fixture(scope="module")
def security(disk, tmp_path_factory):
    return measured(disk, tmp_path_factory.mktemp("security"), "security", level=0.4)


def values(table, **where):
    for name, value in where.items():
        table = table[table[name] == value]
    return table


def test_least_squares_dips_where_n_is_d_and_ridge_does_not(efficiency):
    table, metrics = efficiency
    over = {"by": "images", "protocol": "enrol-one", "metric": "Rank-1"}
    linear, ridge = (
        values(table, method=m, **over).set_index("size")["value"] for m in ("linear", "ridge")
    )
    assert linear.loc[D + 1] < 0.6 * min(linear.loc[D // 2], linear.loc[2 * D])
    assert ridge.loc[D + 1] > ridge.loc[D // 2]
    depths = values(metrics, metric="Rank-1-dip", protocol="enrol-one").set_index("method")
    assert depths.loc["linear", "lower"] > 0
    assert depths.loc["ridge", "upper"] < 0
    shoulders = values(table, method="linear", **over).set_index("size")
    assert depths.loc["linear", "value"] <= (
        shoulders.loc[[D // 2, 2 * D], "value"].min() - shoulders.loc[D + 1, "value"] + 1e-12
    )


def test_enough_identities_are_among_the_sizes_and_keep_the_level(efficiency):
    table, metrics = efficiency
    enough = values(metrics, metric="Identities@Rank-1=95%", protocol="enrol-one")
    assert set(enough["method"]) == {"procrustes", "linear", "ridge"}
    assert (enough["experiment"] == "efficiency").all()
    for row in enough.to_dict("records"):
        here = values(table, method=row["method"], by="identities", protocol="enrol-one",
                      metric="Rank-1").set_index("size")["value"]  # fmt: skip
        assert list(here.index) == [6, 12, 18, 24, 30, 36, 42]
        assert (here.loc[row["value"] :] >= 0.95 * here.loc[42]).all()
        assert row["lower"] <= row["value"] <= row["upper"]


def test_baseline_and_ceiling_stand_beside_the_curves(efficiency):
    table, _ = efficiency
    auc = values(table, metric="AUC").set_index(["method", "by", "size"])
    assert auc.loc[("baseline", "identities", 42), "value"] == pytest.approx(0.5, abs=0.1)
    ceiling = auc.loc[("same-model", "identities", 42), "value"]
    assert ceiling > 0.8
    assert 0.8 < auc.loc[("procrustes", "identities", 42), "value"] < ceiling + 0.02
    # The last size by images is the last by identities: the same maps.
    for method in ("procrustes", "linear", "ridge"):
        assert auc.loc[(method, "images", 42 * EACH), "value"] == pytest.approx(
            auc.loc[(method, "identities", 42), "value"], abs=1e-12
        )
    assert (table["status"] == "ok").all()
    assert set(table["varies"]) == {"training and test identities"}
    assert (table["dimension"] == D).all()


def test_databases_a_rotation_apart_are_linked_after_d_leaks_and_not_before_any(security):
    table, metrics = security
    before = values(metrics, metric="D_sys", method="baseline").set_index("protocol")
    for protocol, secret in (("unprotected", False), ("secret-rotation", True)):
        row = before.loc[protocol]
        assert row["lower"] <= row["chance"] + 0.05
        here = values(table, method="procrustes", metric="D_sys", secret=secret)
        here = here.set_index("leaked")["value"]
        assert here.loc[[k for k in here.index if k >= D]].min() > 0.4
        pairs = values(metrics, metric="Pairs@D_sys=0.4", protocol=protocol).set_index("method")
        assert 2 <= pairs.loc["procrustes", "value"] <= D
        assert pairs.loc["linear", "value"] > D
        assert pairs.loc["shuffled", "status"].startswith("failed: not reached with up to 84 pairs")
    assert set(metrics["experiment"]) == {"security"}


def test_a_secret_rotation_costs_least_squares_no_pair(security):
    _, metrics = security
    for metric in ("Pairs@D_sys=0.4", "Pairs@Rank-1=0.4"):
        for method in ("linear", "ridge"):
            rows = values(metrics, metric=metric, method=method)
            assert len(rows) == 2
            assert rows["value"].nunique(dropna=False) == 1


@pytest.mark.parametrize("key", ["efficiency", "security"])
def test_the_same_bytes_again(disk, tmp_path, key):
    sizes = {"shares": [0.5], "images": [10]} if key == "efficiency" else {"leaked": [10]}
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        measured(disk, tmp_path / name, key, **sizes)
        written.append([p.read_bytes() for p in sorted((tmp_path / name).iterdir())])
    assert written[0] == written[1]


@pytest.fixture
def counted(monkeypatch):
    """What is measured: the methods of each curve."""
    found = []

    def counting(curve, name):
        def measure(*arguments, **named):
            found.append(list(named[name]))
            return curve(*arguments, **named)

        return measure

    for command, curve, name in (
        (measure_efficiency, "efficiency_curve", "methods"),
        (measure_leaks, "leak_curve", "attacks"),
    ):
        monkeypatch.setattr(command, curve, counting(getattr(command, curve), name))
    return found


@pytest.mark.parametrize(
    ("key", "sizes", "cold", "changed"),
    [
        (
            "efficiency",
            {"shares": [0.3, 0.5], "images": [10, 900]},
            [["baseline"], ["same-model"], *2 * [["procrustes", "linear", "ridge"]]],
            [["ridge"], ["ridge"]],
        ),
        (
            "security",
            {"leaked": [10, 20, 900]},
            [["procrustes", "linear", "ridge", "shuffled"]],
            [["ridge"]],
        ),
    ],
)
def test_a_changed_penalty_measures_its_curve_alone(
    disk, tmp_path, counted, key, sizes, cold, changed
):
    pairs, kept = [PAIR, PAIR[::-1]], tmp_path / "kept"

    def files(name, **chosen):
        (tmp_path / name).mkdir()
        counted.clear()
        measured(disk, tmp_path / name, key, pairs=pairs, **sizes, **chosen)
        return [p.read_bytes() for p in sorted((tmp_path / name).iterdir())]

    first = files("first", kept=kept)
    assert counted == 2 * cold
    assert files("again", kept=kept) == first
    assert counted == []
    other = files("other", kept=kept, alpha=2.0)
    assert counted == 2 * changed
    assert other == files("other-cold", alpha=2.0)
    assert other != first
    assert files("first-cold") == first
    # Only the last run is kept.
    files("back", kept=kept)
    assert counted == 2 * changed


@pytest.mark.parametrize("key", ["efficiency", "security"])
def test_other_seeds_or_embeddings_take_nothing_over(disk, tmp_path, counted, key):
    sizes = {"shares": [0.5], "images": []} if key == "efficiency" else {"leaked": [10]}
    kept = tmp_path / "kept"
    measured(disk, tmp_path, key, kept=kept, **sizes)
    cold = list(counted)
    counted.clear()
    measured(disk, tmp_path, key, kept=kept, seeds=(1, 2, 4), **sizes)
    assert counted == cold
    counted.clear()
    measured(disk, tmp_path, key, kept=kept, seeds=(1, 2, 4), pairs=[(FIRST, BROKEN)], **sizes)
    assert counted == cold


def test_sizes_that_the_data_do_not_have_are_failed_rows(disk, tmp_path):
    table, metrics = measured(disk, tmp_path, "efficiency", shares=[], images=[20, 900])
    beyond = values(table, size=900)
    assert set(beyond["status"]) == {"failed: 900 images cannot be fitted on, there are 168"}
    assert len(beyond) == 3 * 5
    assert beyond[["value", "lower", "upper", "std", "images"]].isna().all(axis=None)
    assert (values(table, size=20)["status"] == "ok").all()
    assert set(metrics["status"]) == {"failed: no map was fitted on 41 images"}
    table, metrics = measured(disk, tmp_path, "security", leaked=[20, 900])
    beyond = values(table, leaked=900)
    assert set(beyond["status"]) == {"failed: 900 pairs cannot leak, there are 84"}
    assert len(beyond) == 4 * 2 * 3
    assert beyond["value"].isna().all()


def test_sizes_of_which_the_data_have_none_are_refused(disk, tmp_path):
    with pytest.raises(
        UserError, match="faces has 168 images to fit on, and the smallest number is 900"
    ):
        measured(disk, tmp_path, "efficiency", images=[900])
    with pytest.raises(
        UserError, match="at most 84 pairs of faces can leak, and the smallest number"
    ):
        measured(disk, tmp_path, "security", leaked=[900])


@pytest.mark.parametrize("key", ["efficiency", "security"])
def test_a_failed_model_has_rows_without_numbers(disk, tmp_path, key):
    pairs = [PAIR, (FIRST, BROKEN), (BROKEN, FIRST)]
    sizes = {"shares": [0.7], "images": []} if key == "efficiency" else {"leaked": [20]}
    for table in measured(disk, tmp_path, key, pairs=pairs, **sizes):
        broken = (table[["source", "target"]] == BROKEN).any(axis=1)
        assert set(table["status"][broken]) == {f"failed: {BROKEN}: the loss was nan"}
        assert table["value"][broken].isna().all()
        assert broken.sum() == 2 * (~broken).sum()
        assert not table["status"][~broken].str.contains("nan").any()


@pytest.mark.parametrize(
    ("command", "key"), [(measure_efficiency, "efficiency"), (measure_leaks, "security")]
)
def test_nothing_to_measure_is_told(disk, tmp_path, command, key):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    text = json.dumps({"study": "here", "seed": 1, "dataset": "faces", "maps": {key: None}})
    words = [
        "--settings",
        text,
        "--embeddings",
        disk,
        "--table",
        tmp_path / "t",
        "--metrics",
        tmp_path / "m",
    ]
    with pytest.raises(UserError, match=rf"maps\.{key} names no pairs and methods to measure"):
        command.run(parser.parse_args([str(word) for word in words]))


def test_too_few_identities_are_told_with_the_way_out(disk, tmp_path):
    alone = tmp_path / "alone"
    for model in PAIR:
        vectors = np.eye(4, D, dtype=np.float32)
        index = pd.DataFrame({"image_id": list("abcd"), "identity": ["p", "p", "q", "q"]})
        index = index.assign(row=range(4), split="test", domain="face_hq", label=index["identity"])
        write_embeddings(
            Embeddings(vectors, index, {"key": model, "dataset": "faces"}), alone / model / "faces"
        )
    for key in ("efficiency", "security"):
        with pytest.raises(UserError, match=rf"faces: .*would be tested.*`maps\.{key}: null`"):
            measured(alone, tmp_path, key)
