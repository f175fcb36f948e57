"""The command that pretrains a backbone, as its rule calls it."""

import pytest
import torch
from made_models import PRETRAIN, card_of, files_of, pretrain, sha256
from safetensors.torch import load_file

from unispace.curricula import pretraining
from unispace.records.models import DECISIVE, HISTORY_SCHEMA
from unispace.records.tables import read_table


def test_a_pretrained_backbone_has_learnt_and_its_card_is_complete(project, pretrained, tmp_path):
    folder = pretrain(project, tmp_path / "m", PRETRAIN)
    history = read_table(folder / "history.parquet", HISTORY_SCHEMA)
    losses = history[history["measure"] == "loss"]
    assert losses["step"].tolist() == list(range(1, 21))
    assert losses["value"].tail(3).mean() < 0.8 * losses["value"].head(3).mean()
    card = card_of(folder)
    assert set(DECISIVE) <= set(card)
    assert card["weights_sha256"] == sha256(folder / "model.safetensors")
    assert card["weights"]["steps"] == 20
    assert (card["backbone"], card["seed"], card["dimension"]) == ("b", 1, 16)
    before = load_file(pretrained / "model.safetensors")
    after = load_file(folder / "model.safetensors")
    assert {k: v.shape for k, v in before.items()} == {k: v.shape for k, v in after.items()}
    assert not torch.equal(before["pos_embed"], after["pos_embed"])


def test_random_weights_have_an_empty_history(pretrained):
    assert read_table(pretrained / "history.parquet", HISTORY_SCHEMA).empty
    assert card_of(pretrained)["weights"] == {"kind": "random"}


@pytest.mark.parametrize("weights", [{"kind": "random"}, {**PRETRAIN, "steps": 3}], ids=str)
def test_pretraining_depends_on_seed_and_name_and_on_nothing_else(project, tmp_path, weights):
    first = pretrain(project, tmp_path / "1", weights)
    torch.rand(5)
    again = pretrain(project, tmp_path / "2", weights)
    assert files_of(first) == files_of(again)
    other = pretrain(project, tmp_path / "3", weights, seed=2)
    named = pretrain(project, tmp_path / "4", weights, name="c")
    assert len({sha256(f / "model.safetensors") for f in (first, other, named)}) == 3


def test_a_finished_pretraining_leaves_nothing_behind(project, tmp_path, monkeypatch):
    monkeypatch.setattr(pretraining, "SAVE_EVERY", -1.0)
    pretrain(project, tmp_path / "m", {**PRETRAIN, "steps": 3})
    assert not any((project / ".unfinished").rglob("*"))


# --- fetch-weights ---
