"""Two families of rotated copies, from embeddings to maps, scores, structure, geometry and their figures."""

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ortho_group

from unispace.alignment.mapping import Map
from unispace.alignment.space import unit_rows
from unispace.analysis.map_effects import MappedImages
from unispace.commands import (
    analyse_compatibility,
    analyse_maps,
    draw_figure,
    evaluate_maps,
    fit_maps,
)
from unispace.records.embeddings import Embeddings, write_embeddings
from unispace.records.names import flat_name
from unispace.records.results import ASYMMETRY_SCHEMA, GEOMETRY_SCHEMA, LINKAGE_SCHEMA, SCHEMA
from unispace.records.tables import read_table, write_table

STYLE = Path(__file__).resolve().parents[2] / "workflow" / "report" / "style.mplstyle"
PEOPLE, EACH, SHARED, OWN = 90, 3, 3, 9
FAMILIES = [[f"{f}{i}/base/seed0", f] for f in ("face", "foundation") for i in range(4)]
BROKEN = "broken/base/seed0"
METHODS = ["baseline", "procrustes"]
FITTING = {"fit": "faces", "test": "faces", "shared": None}
MAPS = {"split": "test", "fit_share": 0.6, "methods": {m: {"kind": m} for m in METHODS}}
EVALUATION = {
    "resamples": 100, "ranks": [1], "fmr": [], "fpir": [],
    "identification": ["enrol-one"], "verification": ["all-pairs"],
}  # fmt: skip


def call(command, **values):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    words = []
    for name, value in values.items():
        words += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    command.run(parser.parse_args(words))


def write_models(folder, families, broken=()):
    """Models of a family see the same of a person, two families share a part; each in its own rotation."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(PEOPLE), EACH)
    index = pd.DataFrame(
        {"image_id": [f"{i:03d}" for i in range(len(who))], "row": range(len(who))}
    )
    name = [f"p{person:02d}" for person in who]
    index = index.assign(identity=name, label=name, split="test", domain="face_hq")
    shared = 0.8 * rng.normal(size=(PEOPLE, SHARED))[who]
    own = {f: rng.normal(size=(PEOPLE, OWN))[who] for f in dict.fromkeys(f for _, f in families)}
    for model, family in families:
        latent = np.hstack([shared, own[family]])
        seen = latent + 0.35 * rng.normal(size=latent.shape)
        card = {"key": model, "dataset": "faces", "dimension": SHARED + OWN}
        if model in broken:
            card["failed"] = "the loss was nan"
        turn = ortho_group.rvs(SHARED + OWN, random_state=rng)
        write_embeddings(
            Embeddings(unit_rows(seen @ turn), index, card), folder / "embeddings" / model / "faces"
        )


def fit(folder, families, **further):
    """Fit the maps, and those of further methods."""
    maps = MAPS | {"methods": MAPS["methods"] | further}
    models = [model for model, _ in families]
    call(
        fit_maps, embeddings=folder / "embeddings", output=folder / "maps",
        settings=json.dumps({"seed": 1, "fitting": FITTING, "models": models, "maps": maps}),
    )  # fmt: skip


def fit_and_test(folder, families):
    fit(folder, families)
    models = [model for model, _ in families]
    for model in models:
        name = f"{flat_name(model)}.parquet"
        told = {"study": "planted", "seed": 1, "target": model, "evaluation": EVALUATION}
        call(
            evaluate_maps, settings=json.dumps(told), embeddings=folder / "embeddings",
            maps=folder / "maps", data=folder, metrics=folder / "metrics" / name,
            curves=folder / "curves" / name, samples=folder / "samples" / name,
        )  # fmt: skip


def analyse(folder, families, name=""):
    """Both commands; gives the tables."""
    told = {"study": "planted", "seed": 1, "families": families, "methods": METHODS}
    paths = {
        part: folder / f"{part}{name}.parquet"
        for part in ("compatibility", "linkage", "asymmetry", "effects", "geometry")
    }
    files = [f"{flat_name(model)}.parquet" for model, _ in families]
    call(
        analyse_compatibility,
        settings=json.dumps(told | {"dataset": "faces", "evaluation": EVALUATION}),
        embeddings=folder / "embeddings",
        measured=[folder / "metrics" / f for f in files],
        samples=[folder / "samples" / f for f in files],
        metrics=paths["compatibility"], linkage=paths["linkage"], asymmetry=paths["asymmetry"],
    )  # fmt: skip
    call(
        analyse_maps,
        settings=json.dumps(
            told | {"fitting": FITTING, "maps": MAPS, "evaluation": {"resamples": 100}}
        ),
        embeddings=folder / "embeddings", maps=folder / "maps",
        metrics=paths["effects"], geometry=paths["geometry"],
    )  # fmt: skip
    return paths


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    write_models(folder, FAMILIES)
    fit_and_test(folder, FAMILIES)
    return folder, analyse(folder, FAMILIES)


@pytest.fixture(scope="module")
def with_broken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken")
    families = [*FAMILIES[:3], [BROKEN, "foundation"], FAMILIES[4]]
    write_models(folder, families, broken=[BROKEN])
    fit_and_test(folder, families)
    return folder, families, analyse(folder, families)


def value(table, **chosen):
    for column, wanted in chosen.items():
        table = table[table[column] == wanted]
    assert len(table) == 1
    return table.iloc[0]


def test_families_are_found_by_the_map_and_not_without_one(planted):
    table = read_table(planted[1]["compatibility"], SCHEMA)
    assert set(table["experiment"]) == {"compatibility"}
    for metric, protocol in (("Rank-1", "enrol-one"), ("AUC", "all-pairs")):
        found = {
            name: value(table, method="procrustes", metric=f"{metric} {name}", protocol=protocol)
            for name in ("within", "between", "within - between", "within - between-p",
                         "cluster agreement", "cluster agreement-p")
        }  # fmt: skip
        assert found["within"]["value"] > found["between"]["value"] + 0.05
        assert found["within - between"]["lower"] > 0
        assert found["within - between-p"]["value"] < 0.05
        assert found["cluster agreement"]["value"] == 1
        assert found["cluster agreement-p"]["value"] < 0.05
    none = value(table, method="baseline", metric="Rank-1 within - between-p")
    assert none["value"] > 0.05


def test_the_dendrogram_splits_the_families(planted):
    linkage = read_table(planted[1]["linkage"], LINKAGE_SCHEMA)
    steps = linkage[(linkage["method"] == "procrustes") & (linkage["metric"] == "Rank-1")]
    leaves = list(steps["leaves"].iloc[-1])
    family = dict(FAMILIES)
    assert len({family[model] for model in leaves[:4]}) == 1
    assert sorted(leaves) == sorted(family)
    assert len(linkage) == len(METHODS) * 2 * (len(family) - 1)


def test_both_directions_of_every_pair_are_those_of_the_scores(planted):
    folder, paths = planted
    pairs = read_table(paths["asymmetry"], ASYMMETRY_SCHEMA)
    assert len(pairs) == len(METHODS) * 2 * 28
    row = pairs[(pairs["method"] == "procrustes") & (pairs["metric"] == "Rank-1")].iloc[5]
    scores = read_table(folder / "metrics" / f"{flat_name(row['second'])}.parquet", SCHEMA)
    forward = value(scores, source=row["first"], method="procrustes", metric="Rank-1")
    assert row["forward"] == forward["value"]
    assert row["difference"] == row["forward"] - row["backward"]
    assert (pairs["gap"] == 0).all()


def test_a_rotation_has_the_shape_of_one_and_brings_persons_together(planted):
    effects = read_table(planted[1]["effects"], SCHEMA)
    turned = effects[effects["method"] == "procrustes"]
    geometry = turned[turned["protocol"] == "fitted-map"]
    assert geometry[geometry["metric"] == "rotation share"]["value"].min() > 0.999999
    assert (geometry["unit"] == "map").all()
    own = effects[effects["metric"] == "own"].groupby("method")["value"].mean()
    assert own["procrustes"] > 0.5 > own["baseline"]
    left = turned[(turned["metric"] == "unexplained") & (turned["source"] == "face0/base/seed0")]
    kin = value(left, target="face1/base/seed0")
    assert kin["upper"] < value(left, target="foundation1/base/seed0")["lower"]


def test_similarity_has_models_as_they_are_and_after_each_map(planted):
    effects = read_table(planted[1]["effects"], SCHEMA)
    alike = effects[effects["experiment"] == "similarity"]
    assert set(alike["method"].fillna("none")) == {"none", *METHODS}
    assert alike.groupby(["source", "target"]).size().eq(3 * (1 + len(METHODS))).all()
    assert alike["source"].nunique() == alike["target"].nunique() == len(FAMILIES)
    family = dict(FAMILIES)
    kin = alike["source"].map(family) == alike["target"].map(family)
    cka = alike["metric"] == "CKA-debiased"
    assert alike[cka & kin]["value"].min() > alike[cka & ~kin]["value"].max()


def test_components_are_those_of_every_map(planted):
    table = read_table(planted[1]["geometry"], GEOMETRY_SCHEMA)
    assert len(table) == 56 * len(METHODS) * (SHARED + OWN)
    turned = table[table["method"] == "procrustes"]
    np.testing.assert_allclose(turned["singular"], 1, atol=1e-5)
    assert table[table["method"] == "baseline"]["singular"].isna().all()
    # It is of the target alone, whatever is mapped into it.
    assert turned.groupby(["target", "component"])["variance"].nunique().eq(1).all()


def test_composed_maps_tell_the_model_in_the_middle(planted):
    effects = read_table(planted[1]["effects"], SCHEMA)
    chains = effects[effects["experiment"] == "transitivity"]
    assert set(chains["method"]) == {"procrustes"}
    assert set(zip(chains["source"], chains["protocol"], chains["target"], strict=True)) == {
        ("face0/base/seed0", "via face1/base/seed0", "face2/base/seed0"),
        ("foundation0/base/seed0", "via foundation1/base/seed0", "foundation2/base/seed0"),
        ("face0/base/seed0", "via foundation0/base/seed0", "face1/base/seed0"),
    }
    lost = chains[chains["metric"] == "composed - direct"].set_index("protocol")["value"]
    # Through another family only what is shared comes back.
    assert lost["via foundation0/base/seed0"] < lost["via face1/base/seed0"]


def test_the_same_bytes_again(planted):
    folder, paths = planted
    again = analyse(folder, FAMILIES, "-again")
    for part, path in paths.items():
        assert path.read_bytes() == again[part].read_bytes(), part


def test_a_failed_model_is_left_out_by_name_and_its_rows_say_so(with_broken):
    _, _, paths = with_broken
    table = read_table(paths["compatibility"], SCHEMA)
    ends = table[table["model"] == BROKEN]
    assert len(ends) == 2 * len(METHODS) * 2
    assert ends["status"].str.contains("the loss was nan").all()
    assert ends["value"].isna().all()
    assert table[table["model"].notna() & (table["model"] != BROKEN)]["status"].eq("ok").all()
    linkage = read_table(paths["linkage"], LINKAGE_SCHEMA)
    assert BROKEN not in {leaf for leaves in linkage["leaves"] for leaf in leaves}
    effects = read_table(paths["effects"], SCHEMA)
    touched = (effects["source"] == BROKEN) | (effects["target"] == BROKEN)
    assert touched.any()
    assert effects[touched]["value"].isna().all()
    assert effects[touched]["status"].str.endswith("the loss was nan").all()
    assert effects[~touched]["status"].eq("ok").all()
    assert not effects["protocol"].str.contains("broken").any()
    geometry = read_table(paths["geometry"], GEOMETRY_SCHEMA)
    touched = (geometry["source"] == BROKEN) | (geometry["target"] == BROKEN)
    assert (geometry[touched]["component"] == 0).all()
    assert geometry[touched]["unexplained"].isna().all()
    assert touched.sum() == 8 * len(METHODS)


@pytest.fixture
def counted(monkeypatch):
    """What is measured on images: how, and by which maps."""
    found = []
    for name in ("unmapped", "similarity", "centroids", "residuals", "composed"):
        measure = getattr(MappedImages, name)

        def counting(images, *arguments, name=name, measure=measure):
            found.append((name, *(a.method for a in arguments if isinstance(a, Map))))
            return measure(images, *arguments)

        monkeypatch.setattr(MappedImages, name, counting)
    return found


def test_a_changed_penalty_analyses_its_maps_alone(tmp_path, counted):
    families = [*FAMILIES[:2], [BROKEN, "foundation"], FAMILIES[4]]
    write_models(tmp_path, families, broken=[BROKEN])
    methods = [*METHODS, "ridge"]

    def files(name, **kept):
        counted.clear()
        told = {"study": "planted", "seed": 1, "families": families, "methods": methods}
        told |= {"fitting": FITTING, "maps": MAPS, "evaluation": {"resamples": 100}}
        paths = {part: tmp_path / f"{part}-{name}.parquet" for part in ("metrics", "geometry")}
        call(
            analyse_maps, settings=json.dumps(told), embeddings=tmp_path / "embeddings",
            maps=tmp_path / "maps", **paths, **kept,
        )  # fmt: skip
        return [path.read_bytes() for path in paths.values()]

    shelf = {"kept": tmp_path / "kept"}
    fit(tmp_path, families, ridge={"kind": "ridge", "alpha": 0.1})
    first = files("first", **shelf)
    cold, pairs = Counter(counted), len(families) * (len(families) - 1)
    assert cold["unmapped",] == cold["residuals", "procrustes"] == pairs
    assert cold["composed", *3 * ["ridge"]] > 0
    assert files("again", **shelf) == first
    assert not counted
    fit(tmp_path, families, ridge={"kind": "ridge", "alpha": 0.2})
    other = files("other", **shelf)
    assert Counter(counted) == {k: n for k, n in cold.items() if "ridge" in k}
    assert other == files("other-cold")
    assert other != first
    assert Counter(counted) == cold


FIGURES = {
    "maps_structure": ["linkage"],
    "maps_centrality": ["asymmetry"],
    "maps_geometry": ["geometry"],
    "maps_similarity": [],
}


def drawn(folder, families, paths, name, to):
    results = [
        *sorted((folder / "metrics").glob("*.parquet")),
        paths["compatibility"],
        paths["effects"],
    ]
    tables = pd.concat([read_table(path, SCHEMA) for path in results], ignore_index=True)
    write_table(tables, SCHEMA, folder / "results.parquet")
    to.mkdir(exist_ok=True)
    told = {
        "figure": name, "models": [m for m, _ in families], "datasets": ["faces"],
        "domains": {"faces": "face_hq"}, "methods": METHODS, "families": families,
    }  # fmt: skip
    call(
        draw_figure, settings=json.dumps(told), style=STYLE,
        tables=[folder / "results.parquet", *(paths[t] for t in FIGURES[name])],
        **{kind: to / f"{name}.{kind}" for kind in ("svg", "png", "csv")},
    )  # fmt: skip
    return tables, pd.read_csv(to / f"{name}.csv")


def test_the_heat_map_holds_the_scores_and_the_ceilings(planted, tmp_path):
    tables, shown = drawn(*(planted[0], FAMILIES, planted[1]), "maps_structure", tmp_path / "a")
    pairs = shown[shown["kind"] == "pair"]
    scores = tables[
        (tables["metric"] == "Rank-1") & tables["method"].isin(["procrustes", "same-model"])
    ]
    keys = ["source", "target"]
    pd.testing.assert_frame_equal(
        pairs[[*keys, "value"]].sort_values(keys, ignore_index=True),
        scores[[*keys, "value"]].sort_values(keys, ignore_index=True),
        check_dtype=False,
    )
    assert (shown["kind"] == "join").sum() == len(FAMILIES) - 1


def test_centrality_draws_models_ceilings_and_pairs(planted, tmp_path):
    tables, shown = drawn(*(planted[0], FAMILIES, planted[1]), "maps_centrality", tmp_path / "a")
    assert dict(shown["kind"].value_counts()) == {"model": 16, "difference": 28, "ceiling": 8}
    row = value(shown, kind="model", model="face2/base/seed0", metric="Rank-1 incoming")
    same = value(tables, model="face2/base/seed0", metric="Rank-1 incoming", method="procrustes")
    assert row["value"] == same["value"]


def test_similarity_and_geometry_draw_every_pair(planted, tmp_path):
    tables, shown = drawn(*(planted[0], FAMILIES, planted[1]), "maps_similarity", tmp_path / "a")
    expected = tables[tables["metric"].isin(["RSA", "CKA-debiased"])]
    assert sorted(shown["value"]) == pytest.approx(sorted(expected["value"]))
    _, shown = drawn(*(planted[0], FAMILIES, planted[1]), "maps_geometry", tmp_path / "a")
    assert (shown["kind"] == "component").sum() == 56 * (SHARED + OWN)
    assert (shown["kind"] == "map").sum() == 56


@pytest.mark.parametrize("name", FIGURES)
def test_figures_show_failed_models_and_are_the_same_again(with_broken, name, tmp_path):
    folder, families, paths = with_broken
    _, shown = drawn(folder, families, paths, name, tmp_path / "a")
    drawn(folder, families, paths, name, tmp_path / "b")
    for kind in ("svg", "png", "csv"):
        files = [tmp_path / end / f"{name}.{kind}" for end in "ab"]
        assert files[0].read_bytes() == files[1].read_bytes()
    assert shown["status"].str.contains("the loss was nan").any()
