"""The curriculum study on real images keeps what its comments promise."""

import re
from pathlib import Path

import pytest

from unispace.config.parse import load_yaml, parse_study

FILE = Path(__file__).resolve().parents[2] / "workflow" / "studies" / "real-curriculum.yaml"
TEXT = FILE.read_text("utf-8")


def study(text=TEXT):
    return parse_study(load_yaml(text, FILE.name), FILE.name, text)


def without(backbone):
    """The text without the lines of a backbone."""
    lines = rf"  {backbone}:.*\n(?:(?:    .*)?\n)*"
    shorter, found = re.subn(lines, "", TEXT)
    assert found == 1
    return shorter


@pytest.mark.parametrize("backbone", study().backbones)
def test_a_backbone_can_be_taken_out_by_deleting_its_lines(backbone):
    left = [name for name in study().backbones if name != backbone]
    assert list(study(without(backbone)).backbones) == left


def test_the_four_tasks_have_experts_and_all_else_is_unseen():
    assert set(study().tasks()) == {"objects", "faces", "faces_lq", "bodies"}
    assert set(study().unseen_datasets()) == {"objects_new", "textures", "things", "faces_new"}


def test_persons_who_are_in_two_archives_are_in_one_split():
    faces, bodies = study().datasets["faces_lq"].splits, study().datasets["bodies"].splits
    assert faces == bodies
    assert faces.by == "hash"


def test_every_curriculum_sees_equally_many_images_of_a_data_set():
    seen = {}
    for name, curriculum in study().curricula.items():
        for dataset, part in curriculum.train_on.items():
            # Of each round of blocks, the cycles that visit the data set.
            visits = [b.cycles for b in curriculum.blocks if dataset in b.weights]
            share = sum(visits) / sum(b.cycles for b in curriculum.blocks) if visits else 1.0
            seen[name, dataset] = curriculum.steps * share * part.batch_size
    assert len(seen) == 4 + 3 * 4
    assert len(set(seen.values())) == 1


def test_no_picture_that_weights_are_made_of_is_tested_on():
    datasets = study().datasets
    pretraining, tested = datasets["pictures"], datasets["things"]
    assert pretraining.source == tested.source
    assert pretraining.splits.keep == ("train",)
    assert pretraining.splits.by == tested.splits.by == "manifest"
