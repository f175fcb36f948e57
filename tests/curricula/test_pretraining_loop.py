"""The loop of pretraining: it learns, it records, and a stopped run ends where one that was not would have."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from unispace.backbones.layers import parameter_groups
from unispace.backbones.network import Network
from unispace.config.backbones import Backbone
from unispace.curricula import pretraining
from unispace.curricula.diverged import Diverged
from unispace.curricula.objectives import lesson
from unispace.curricula.pretraining import pretrain
from unispace.curricula.resume import Resume
from unispace.curricula.sources import Source, load_source
from unispace.errors import UserError
from unispace.records.manifest import read_manifest, write_manifest

TINY = {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2}
DINO = {"outputs": 16, "hidden": 16, "bottleneck": 8, "local_crops": 1, "local_size": 16}
CLIP = {
    "provider": "open_clip",
    "architecture": "ViT-B-16",
    "pooling": "token",
    "options": {
        "embed_dim": 16,
        "vision_cfg": {
            "image_size": 32,
            "patch_size": 8,
            "width": 16,
            "layers": 1,
            "head_width": 8,
        },
        "text_cfg": {"context_length": 8, "width": 16, "heads": 2, "layers": 1},
    },
}
OBJECTIVES = {
    "classify": {},
    "contrastive": {},
    "self-distillation": {"self_distillation": DINO},
    "masked-features": {"teacher": "clip"},
}
NAMES = ("red", "green", "blue", "white")


def backbone(objective, **settings):
    weights = {
        "kind": "pretrain",
        "dataset": "colours",
        "objective": objective,
        "steps": 5,
        "batch_size": 6,
        "learning_rate": 3e-3,
        "augment": 0.3,
        **OBJECTIVES[objective],
        **settings,
    }
    timm = {"architecture": "vit_small_patch16_dinov3", "options": TINY}
    made = CLIP if objective == "contrastive" else timm
    return Backbone.model_validate({**made, "preprocessing": {"size": 32}, "weights": weights})


@pytest.fixture(scope="session")
def source(coloured):
    """The planted task of the tuning loop, with captions."""
    task = coloured(each=6)
    captions = tuple(f"a {NAMES[label]} thing" for label in task.labels)
    return Source("colours", task.images, task.labels, captions)


@pytest.fixture(scope="session")
def teacher():
    """An image tower that is learnt from."""
    torch.manual_seed(9)
    settings = {**CLIP, "preprocessing": {"size": 32}, "weights": {"kind": "random"}}
    return Network(Backbone.model_validate(settings)).eval().requires_grad_(False)


@pytest.fixture
def run(source, teacher, tmp_path):
    """Pretrain from a seed; returns the lesson and the history."""

    def made(objective, seed=0, folder="key", **settings):
        how = backbone(objective, **settings)
        torch.manual_seed(0)
        taught = lesson(Network(how), how, source, seed, teacher)
        resume = Resume(tmp_path, folder)
        history = pretrain(taught.objective, taught.inputs, source, how.weights, seed, resume)
        return taught, history

    return made


def weights_of(taught):
    return {k: v.clone() for k, v in taught.objective.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


class Stopped(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_stopped_run_ends_with_the_bits_of_one_that_was_not(run, monkeypatch, objective):
    whole, history = run(objective, folder="whole")
    real = pretraining.batch_rows

    def stopping(count, size, step, *key):
        if step == 3:
            raise Stopped
        return real(count, size, step, *key)

    monkeypatch.setattr(pretraining, "SAVE_EVERY", -1.0)
    monkeypatch.setattr(pretraining, "batch_rows", stopping)
    with pytest.raises(Stopped):
        run(objective)
    steps = []

    def counting(count, size, step, *key):
        steps.append(step)
        return real(count, size, step, *key)

    monkeypatch.setattr(pretraining, "batch_rows", counting)
    resumed, again = run(objective)
    assert steps == [3, 4]
    assert same(weights_of(whole), weights_of(resumed))
    assert history.equals(again)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_another_seed_gives_other_weights(run, objective):
    one, other = (run(objective, seed, str(seed), steps=2)[0] for seed in (0, 1))
    assert not same(weights_of(one), weights_of(other))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_history_is_long_and_holds_every_step(run, objective):
    taught, history = run(objective)
    assert history["measure"].tolist() == ["loss", "learning_rate"] * 5
    assert history["step"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert set(history["dataset"]) == {"colours"}
    assert history["other"].isna().all()
    assert np.isfinite(history["value"]).all()
    assert not any(module.training for module in taught.objective.modules())


@pytest.mark.parametrize("objective", ["classify", "contrastive", "self-distillation"])
def test_images_of_a_colour_come_to_lie_together(run, source, objective):
    koleo = {"self_distillation": DINO | {"momentum": 0.9, "koleo": 0.5, "local_crops": 0}}
    more = koleo if objective == "self-distillation" else {}
    taught, _ = run(objective, steps=60, batch_size=12, augment=0.1, **more)
    vectors = taught.learnt.eval().embed(torch.from_numpy(source.images))
    cosines = vectors @ vectors.T - 2 * torch.eye(len(vectors))
    assert (source.labels[cosines.argmax(1)] == source.labels).mean() > 0.8  # 0.22 by chance


def test_the_features_of_a_teacher_are_learnt(run):
    _, history = run("masked-features", steps=60, augment=0.1)
    losses = history.loc[history["measure"] == "loss", "value"]
    assert losses.tail(5).mean() < losses.head(5).mean() - 0.3


def test_a_teacher_of_weights_of_its_own_stays_as_it_is(run, teacher):
    before = copy.deepcopy(teacher.state_dict())
    run("masked-features")
    assert same(before, teacher.state_dict())


def test_what_self_distillation_has_learnt_is_the_average(run):
    taught, _ = run("self-distillation")
    assert taught.learnt is taught.objective.teacher
    assert not same(taught.learnt.state_dict(), taught.objective.student.state_dict())


def test_what_contrast_has_learnt_are_both_towers(run):
    taught, _ = run("contrastive")
    clip = taught.objective.whole()
    assert taught.learnt.body is clip.visual
    # Those of all tokens, of which few were learnt.
    assert len(clip.token_embedding.weight) == 49408
    assert taught.learnt.dimension == 16


def test_a_loss_that_is_not_finite_stops_with_its_step_and_leaves_the_weights(source, tmp_path):
    class Bad(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2))
            self.calls, self.kept = 0, None

        def forward(self, images):
            self.calls += 1
            self.kept = self.weight.detach().clone()
            # From the third step on, the loss is finite and its gradient is not.
            return (
                (self.weight.sum() - (2 * 0 if self.calls < 3 else self.weight.sum().item()))
                .abs()
                .sqrt()
            )

        def after_step(self, share):
            pass

    bad, settings = Bad(), backbone("classify").weights
    with pytest.raises(Diverged, match=r"the gradient of `colours` became (nan|inf) at step 3"):
        pretrain(bad, lambda i, r, g: (i,), source, settings, 0, Resume(tmp_path, "key"))
    assert torch.equal(bad.weight, bad.kept)


def test_a_network_and_a_teacher_of_other_patches_are_refused(source, teacher):
    how = backbone("masked-features")
    network = Network(how.model_copy(update={"options": TINY | {"patch_size": 16}}))
    with pytest.raises(UserError, match="into 4 patches and its teacher into 16"):
        lesson(network, how, source, 0, teacher)


def test_small_views_that_a_network_cannot_take_are_refused(source):
    how = backbone("self-distillation").model_copy(
        update={"architecture": "eva02_tiny_patch14_224"}
    )
    with pytest.raises(UserError, match=r"local_size 16: the network does not run on images"):
        lesson(Network(how), how, source, 0)


def test_tables_and_tokens_of_both_libraries_do_not_decay(run):
    taught, _ = run("contrastive", steps=1)
    names = {id(p): n for n, p in taught.objective.named_parameters()}
    groups = parameter_groups(taught.objective, 1.0, 0.1)
    decayed, free = (
        {names[id(p)] for g in groups if g["weight_decay"] == decay for p in g["params"]}
        for decay in (0.1, 0.0)
    )
    assert {"clip.token_embedding.weight", "clip.positional_embedding", "clip.logit_scale"} <= free
    assert {"clip.visual.class_embedding", "clip.visual.positional_embedding"} <= free
    assert {"clip.text_projection", "clip.visual.proj", "clip.visual.conv1.weight"} <= decayed
    assert len(decayed) + len(free) == len(names)


# --- what is learnt from ---


@pytest.fixture
def written(dataset):
    """A data set on disk, with captions of its images."""

    def made(captions):
        folder, images = dataset(["b", "a", "b", "a"], ["train", "train", "test", "train"])
        manifest = read_manifest(folder / "manifest.parquet")
        if captions:
            manifest["caption"] = captions
        write_manifest(manifest, folder / "manifest.parquet")
        return folder, images

    return made


def load(folder, tmp_path, captions=True):
    preprocessing = backbone("classify").preprocessing
    return load_source("set", folder, preprocessing, tmp_path / "scratch", captions=captions)


def test_images_labels_and_captions_of_the_train_split_stay_together(written, tmp_path):
    folder, images = written(["one", "two", "three", "four"])
    found = load(folder, tmp_path)
    assert found.captions == ("one", "two", "four")
    assert found.labels.tolist() == [1, 0, 0]
    np.testing.assert_array_equal(found.images, images[[0, 1, 3]])
    assert load(folder, tmp_path, captions=False).captions == ()


def test_a_data_set_without_captions_is_refused(written, tmp_path):
    folder, _ = written(None)
    with pytest.raises(UserError, match="has no column `caption`"):
        load(folder, tmp_path)


def test_an_image_without_caption_is_named(written, tmp_path):
    folder, _ = written(["one", " ", None, "four"])
    with pytest.raises(
        UserError, match="1 of 3 training images have no caption, the first in row 1"
    ):
        load(folder, tmp_path)
