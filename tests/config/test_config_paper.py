"""workflow/studies/paper-compatibility.yaml holds the paper's models as they are known."""

from pathlib import Path

import pytest

from unispace.config.parse import load_yaml, parse_study
from unispace.records.code import own_code

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "workflow" / "studies" / "paper-compatibility.yaml"
TEXT = FILE.read_text("utf-8")
FACE = {"arcface", "adaface", "magface", "magface-as-released"}
FOUNDATION = {"clip", "align", "dinov2", "vit", "sam", "blip2", "llava", "kosmos2", "internvl3", "florence2"}  # fmt: skip


@pytest.fixture(scope="module")
def study():
    return parse_study(load_yaml(TEXT, FILE.name), FILE.name, TEXT)


def test_thirteen_models_are_built_here_and_kprpe_is_brought(study):
    assert set(study.backbones) == FACE | FOUNDATION
    assert [len(models) for models in study.maps.families.values()] == [3, 10]


def test_kprpe_is_a_sound_part_of_the_study_where_its_vectors_are_there():
    head, _, block = TEXT.partition("# embeddings:\n")
    lines, _, tail = block.partition("\n\n")
    given = "\n".join(line.removeprefix("# ") for line in lines.splitlines())
    text = f"{head}embeddings:\n{given}\n\n{tail}".replace("# - kprpe/own", "- kprpe/own")
    study = parse_study(load_yaml(text, FILE.name), FILE.name, text)
    assert "kprpe/own/seed0" in study.maps.families["face"]
    assert len(study.maps.mapped()) == 14


def test_the_trap_of_magface_is_not_stepped_into_unseen(study):
    own, released = study.backbones["magface"], study.backbones["magface-as-released"]
    assert (own.preprocessing.colour_order, own.preprocessing.normalisation) == ("bgr", "unit")
    assert (released.preprocessing.colour_order, released.preprocessing.normalisation) == (
        "rgb",
        "half",
    )
    assert own.weights == released.weights
    # One network in two preparations would be a pair that is no pair.
    chosen = [m for m in study.maps.families["face"] if m.startswith("magface")]
    assert len(chosen) == 1


def test_the_protocol_is_that_of_the_paper(study):
    maps = study.maps
    assert maps.paper_splits == (42, 123, 217, 7, 531)
    assert maps.fit_share == 0.7
    assert {"baseline", "procrustes", "linear", "ridge"} <= set(maps.published())
    assert maps.methods["ridge"].alpha == 0.1
    assert [(a.fit, a.test) for a in maps.across] == [("cfp", "lfw")]
    assert "paper" in maps.identification


def test_sizes_are_those_that_the_models_take(study):
    sizes = {
        name: b.preprocessing.size for name, b in study.backbones.items() if name in FOUNDATION
    }
    assert sizes == {
        "clip": 224,
        "align": 289,
        "dinov2": 224,
        "vit": 224,
        "sam": 1024,
        "blip2": 224,
        "llava": 336,
        "kosmos2": 224,
        "internvl3": 448,
        "florence2": 768,
    }
    assert {study.backbones[name].preprocessing.size for name in FACE} == {112}


def test_every_function_is_there_and_watched(study, monkeypatch):
    monkeypatch.chdir(ROOT)
    own = {b.architecture for b in study.backbones.values() if b.provider == "python"}
    files = {own_code(function) for function in own}
    assert files == {
        Path(f"paper_models/{name}.py")
        for name in ("iresnet", "vision_towers", "transformers_towers")
    }
