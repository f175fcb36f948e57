"""The command that makes views of embeddings, as its rule calls it."""

import json

import numpy as np
import pandas as pd
import pytest
from made_models import call

from unispace.commands import project_embeddings
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, read_embeddings, write_embeddings
from unispace.records.results import VIEW_SCHEMA
from unispace.records.tables import read_table


@pytest.fixture
def embedded(tmp_path):
    """Embeddings of two data sets: 8 identities of 4 images each, half of them in the test split."""
    draw = np.random.default_rng(0)
    for dataset, domain in (("faces", "face_hq"), ("bodies", "person")):
        label = [f"{dataset}{n}" for n in np.repeat(np.arange(8), 4)]
        index = pd.DataFrame(
            {
                "image_id": [f"{dataset}/{n}" for n in range(32)],
                "row": range(32),
                "domain": domain,
                "label": label,
                "identity": label,
                "split": ["train"] * 16 + ["test"] * 16,
            }
        )
        vectors = draw.normal(size=(32, 6)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        card = {"dataset": dataset}
        write_embeddings(Embeddings(vectors, index, card), tmp_path / "e" / "b/c/seed0" / dataset)
    return tmp_path / "e"


def project_views(embedded, path, **changes):
    settings = {
        "models": ["b/c/seed0"],
        "datasets": ["faces", "bodies"],
        "split": "test",
        "images": 8,
        "seed": 0,
        **changes,
    }
    argv = ["--settings", json.dumps(settings), "--embeddings", str(embedded), "--views", str(path)]
    call(project_embeddings, argv)
    return read_table(path, VIEW_SCHEMA)


def test_a_view_places_whole_identities_of_the_split_of_every_data_set(embedded, tmp_path):
    found = project_views(embedded, tmp_path / "views.parquet")
    assert found.groupby("dataset").size().to_dict() == {"faces": 8, "bodies": 8}
    assert found.groupby("label").size().tolist() == [4, 4, 4, 4]
    assert set(found["image_id"].str.split("/").str[1].astype(int)) <= set(range(16, 32))
    assert not found["image_id"].duplicated().any()
    assert set(found["model"]) == {"b/c/seed0"}
    assert found.groupby("dataset")["domain"].unique().str[0].to_dict() == {
        "faces": "face_hq",
        "bodies": "person",
    }
    np.testing.assert_allclose(found[["x", "y"]].mean(), 0, atol=1e-9)


def test_a_view_is_the_same_file_in_every_run(embedded, tmp_path):
    project_views(embedded, tmp_path / "1.parquet")
    project_views(embedded, tmp_path / "2.parquet")
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()


def test_all_models_show_the_same_images(embedded, tmp_path):
    other = embedded / "b/base/seed0"
    for dataset in ("faces", "bodies"):
        found = read_embeddings(embedded / "b/c/seed0" / dataset)
        turned = np.ascontiguousarray(found.vectors[:, ::-1] * np.float32([1, 1, 1, -1, 1, 1]))
        write_embeddings(Embeddings(turned, found.index, found.card), other / dataset)
    models = ["b/c/seed0", "b/base/seed0"]
    found = project_views(embedded, tmp_path / "v.parquet", models=models)
    shown = [found.loc[found["model"] == m, "image_id"].tolist() for m in models]
    assert shown[0] == shown[1]
    assert len(shown[0]) == 16


def test_a_place_belongs_to_its_image(embedded, tmp_path):
    # One identity that is far from all others is far in the view as well.
    folder = embedded / "b/c/seed0" / "faces"
    found = read_embeddings(folder)
    vectors = np.abs(np.array(found.vectors)) * np.float32([1, 1, 1, 0, 0, 0])
    odd = (found.index["label"] == "faces6").to_numpy()
    vectors[odd] = np.float32([0, 0, 0, 0, 0, 1]) + 0.01 * vectors[odd]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    write_embeddings(Embeddings(vectors, found.index, found.card), folder)
    placed = project_views(embedded, tmp_path / "v.parquet", datasets=["faces"], images=100)
    points = placed[["x", "y"]].to_numpy()
    own = (placed["label"] == "faces6").to_numpy()
    assert own.sum() == 4
    between = np.linalg.norm(points[own][:, None] - points[~own][None], axis=2)
    within = np.linalg.norm(points[own][:, None] - points[own][None], axis=2)
    assert between.min() > within.max()


def test_a_split_that_is_not_there_is_an_error(embedded, tmp_path):
    with pytest.raises(UserError, match="no image in split `val`; it holds: test, train"):
        project_views(embedded, tmp_path / "v.parquet", split="val")
