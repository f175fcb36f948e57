"""What weights from outside have seen."""

import pytest

from unispace.data.audit.pretraining import pretraining, seen_by


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("timm/vit_small_patch16_224.augreg_in1k", ("imagenet-1k",)),
        ("timm/eva02_tiny_patch14_224.mim_in22k", ("imagenet-1k",)),
        ("timm/vit_small_patch16_dinov3.lvd1689m", ("imagenet-1k",)),
        ("timm/vit_base_patch16_clip_224.openai", ()),
    ],
)
def test_names_of_weights_say_what_they_have_seen(name, seen):
    assert seen_by(name, ()) == seen


def test_what_the_study_says_comes_first_and_counts_once():
    assert seen_by("x.in1k", ("lfw", "imagenet-1k")) == ("lfw", "imagenet-1k")


def test_every_tested_set_is_set_against_every_backbone():
    rows = pretraining(
        {"faces": None, "pictures": "imagenet-1k"},
        {"vit": ("x.in1k", ()), "net": ("mine.safetensors", ())},
    )
    found = {(r["dataset"], r["subject"]): (r["count"], r["severity"], r["detail"]) for r in rows}
    assert found[("pictures", "vit")] == (1, "note", "x.in1k was trained on imagenet-1k")
    assert found[("faces", "vit")] == (0, "ok", "x.in1k was trained on imagenet-1k")
    unknown = (
        0,
        "note",
        "not known what mine.safetensors was trained on; say it in backbones.net.weights.seen",
    )
    assert found[("faces", "net")] == found[("pictures", "net")] == unknown


def test_without_weights_from_outside_there_is_nothing_to_say():
    assert pretraining({"faces": None}, {}) == []
