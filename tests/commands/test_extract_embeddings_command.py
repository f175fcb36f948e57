"""The command that embeds data sets, as its rule calls it."""

import numpy as np
import pytest
from made_models import BACKBONE, embed, sha256

from unispace.errors import UserError
from unispace.records.embeddings import read_embeddings


def test_every_data_set_is_embedded_with_the_weights_of_the_model(
    project, pretrained, tuned, tmp_path
):
    vectors = {}
    for model in (pretrained, tuned):
        embed(project, model, tmp_path / model.name)
        for dataset, count in (("things", 24), ("faces", 30)):
            found = read_embeddings(tmp_path / model.name / "embeddings" / dataset)
            assert found.vectors.shape == (count, 16)
            np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
            assert found.card["dataset"] == dataset
            assert found.card["model"]["weights_sha256"] == sha256(model / "model.safetensors")
            vectors[model.name, dataset] = np.array(found.vectors)
    assert not np.allclose(vectors["tuned", "things"], vectors["pretrained", "things"], atol=0.01)
    assert len(list((tmp_path / "tuned" / "shelf").iterdir())) == 2


def test_the_card_of_other_weights_is_refused(project, pretrained, tuned, tmp_path):
    with pytest.raises(UserError, match=r"model\.json is not the card of .*model\.safetensors"):
        embed(project, tuned, tmp_path, card=pretrained / "model.json")
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_embedded_as_its_card_says(project, detector, tmp_path):
    folder, curriculum = detector
    with pytest.raises(UserError, match=r"'colour_order': 'bgr'.*, and the study says .*'rgb'"):
        embed(project, folder, tmp_path)
    stated = {**curriculum["input"]}
    stated.pop("embed_as")
    backbone = {**BACKBONE, "preprocessing": {**BACKBONE["preprocessing"], **stated}}
    embed(project, folder, tmp_path, backbone=backbone, datasets=("things",))
    found = read_embeddings(tmp_path / "embeddings/things")
    assert found.card["model"]["preprocessing"]["normalisation"] == "half"


# --- project-embeddings ---
