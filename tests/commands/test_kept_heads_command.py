"""Heads that are kept with a model, and images that are normalised as in training."""

import numpy as np
import torch
from made_models import BACKBONE, call, card_of, files_of, sha256, tuning

from unispace.backbones.network import Network, load_weights
from unispace.commands import train_model
from unispace.config.backbones import Backbone
from unispace.config.training_input import TrainingInput, embedded_as
from unispace.curricula import training
from unispace.records.heads import read_heads
from unispace.records.manifest import read_manifest


def test_the_head_that_is_kept_gives_the_scores_of_training(
    project, pretrained, detector, tmp_path, monkeypatch
):
    folder, curriculum = detector
    seen = {}
    real = training.Learner.attack_heads

    def watched(self):
        # The last step is over and the updates are merged: what the network and its head say of images now.
        seen["network"], seen["heads"] = self.network, real(self)
        return real(self)

    monkeypatch.setattr(training.Learner, "attack_heads", watched)
    call(train_model, tuning(project, pretrained, tmp_path / "again", curriculum))
    assert files_of(tmp_path / "again") == files_of(folder)

    embedded = embedded_as(Backbone.model_validate(BACKBONE), TrainingInput(**curriculum["input"]))
    network = Network(embedded)
    load_weights(network, folder / "model.safetensors", "m")
    images = np.load(project / "data/attacks/images.npy")
    vectors = network.eval().embed(torch.from_numpy(images)).numpy()
    (head,) = read_heads(folder / "heads.safetensors").values()
    scores = head.scores(vectors)

    trained = seen["network"]
    trained.preprocessed_as(embedded.preprocessing)
    with torch.inference_mode():
        unit = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        features = torch.nn.functional.normalize(trained.features(unit), dim=1)
        expected = seen["heads"]["attacks"].linear(features).softmax(1)[:, 1]
    np.testing.assert_allclose(scores, expected.numpy(), atol=1e-6)
    truth = (
        read_manifest(project / "data/attacks/manifest.parquet")["label"] == "bona_fide"
    ).to_numpy()
    assert scores[truth].min() > scores[~truth].max()


def test_the_card_says_how_images_are_embedded(detector):
    card = card_of(detector[0])
    stated = card["preprocessing"]
    assert (stated["normalisation"], stated["colour_order"]) == ("half", "bgr")
    assert list(read_heads(detector[0] / "heads.safetensors")) == ["attacks"]


def test_or_as_the_backbone_before_tuning(project, pretrained, tmp_path):
    curriculum = {
        "steps": 2,
        "input": {"normalisation": "half"},
        "train_on": {"things": {"batch_size": 4}},
    }
    weights = []
    for name, own in (("own", curriculum["input"]), ("plain", None)):
        call(
            train_model, tuning(project, pretrained, tmp_path / name, {**curriculum, "input": own})
        )
        assert card_of(tmp_path / name)["preprocessing"]["normalisation"] == "clip"
        assert read_heads(tmp_path / name / "heads.safetensors") == {}
        weights.append(sha256(tmp_path / name / "model.safetensors"))
    assert weights[0] != weights[1]


def test_a_base_model_has_no_head(project, pretrained, tmp_path):
    call(train_model, tuning(project, pretrained, tmp_path, {}))
    assert read_heads(tmp_path / "heads.safetensors") == {}
