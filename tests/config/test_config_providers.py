"""Who builds a network, and what is wrong with a backbone before the first job."""

import pytest
import yaml
from pydantic import ValidationError

from unispace.config.backbones import Backbone, Preprocessing
from unispace.config.parse import parse_study
from unispace.errors import UserError

ZEROS = "0" * 64
TEXT = """
study: small
datasets:
  faces: { domain: face_hq, source: { kind: studio, labels: 8, images_per_label: 2 } }
backbones:
  net: { architecture: eva02_tiny_patch14_224, weights: { kind: random } }
curricula:
  base: {}
  tuned: { steps: 4, train_on: { faces: {} } }
evaluation: { datasets: [faces] }
"""


def study_with(**backbone):
    data = yaml.safe_load(TEXT)
    data["backbones"]["other"] = {"weights": {"kind": "random"}, **backbone}
    return parse_study(data, "study.yaml", TEXT)


def file(path, **more):
    return {"kind": "file", "path": path, "sha256": ZEROS, **more}


def hub(repo, filename="model.safetensors", **more):
    return {"kind": "hub", "repo": repo, "revision": "abc", "filename": filename, **more}


GRAPH = {
    "provider": "onnx",
    "architecture": "face-net",
    "weights": file("face.onnx"),
    "curricula": ["base"],
}


def test_the_provider_is_timm_where_none_is_named():
    assert study_with(architecture="test_resnet").backbones["other"].provider == "timm"


@pytest.mark.parametrize(
    "backbone",
    [
        GRAPH,
        {**GRAPH, "options": {"output": "embedding"}},
        {**GRAPH, "options": {"output": 1}},
        {**GRAPH, "weights": hub("who/what", "sub/face.ONNX")},
        {"provider": "python", "architecture": "nets.mine:small", "options": {"anything": [1]}},
        {"architecture": "test_resnet", "weights": file("https://h/w.pth?download=1")},
        {"architecture": "test_resnet", "weights": hub("a/b", "w.bin", sha256=ZEROS)},
        {"architecture": "vit_base_patch16_clip_quickgelu_224", "weights": hub("timm/x.openai")},
        # Tuned by timm, with plain GELU.
        {
            "architecture": "vit_base_patch16_clip_224",
            "weights": hub("timm/vit_base_patch16_clip_224.openai_ft_in1k"),
        },
        # A ResNet of OpenAI has ReLU.
        {"architecture": "resnet50_clip", "weights": hub("timm/resnet50_clip.openai")},
        {
            "architecture": "vit_small_patch16_dinov3",
            "pooling": "avg",
            "weights": hub("timm/vit_small_patch16_dinov3.lvd1689m"),
        },
        # Weights made here: no one else's pooling is to be met.
        {"architecture": "vit_small_patch16_dinov3"},
    ],
    ids=str,
)
def test_what_can_be_built_passes_and_means_the_same_as_a_job_gets_it(backbone):
    found = study_with(**backbone).backbones["other"]
    assert Backbone.model_validate(found.model_dump(mode="json")) == found
    # Jobs that get the weights as a file see them as random.
    trained = {**found.model_dump(mode="json"), "weights": {"kind": "random"}}
    assert Backbone.model_validate(trained).provider == found.provider


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ({"provider": "tim", "architecture": "test_resnet"}, "backbones.other.provider"),
        ({"provider": "python", "architecture": "small"}, "`small` names no function; write `module:function`"),
        ({"provider": "python", "architecture": "a b:small"}, "names no function"),
        ({"provider": "python", "architecture": "nets:small()"}, "names no function"),
        (
            {"provider": "python", "architecture": "unispace.backbones.pixels:Pixels"},
            "is of this project, which would not see a change in it",
        ),
        (
            {"provider": "python", "architecture": "nets:small", "pooling": "token"},
            "provider `python` pools by itself; leave pooling out",
        ),
        ({**GRAPH, "architecture": ""}, "backbones.other.architecture"),
        ({**GRAPH, "pooling": "token"}, "provider `onnx` pools by itself"),
        ({**GRAPH, "options": {"outptu": 1}}, "unknown option `outptu`, did you mean `output`?"),
        ({**GRAPH, "options": {"output": -1}}, "options.output must be the name or the place"),
        ({**GRAPH, "options": {"output": True}}, "options.output must be the name or the place"),
        ({**GRAPH, "weights": {"kind": "random"}}, "takes its network from a file; write `kind: file`"),
        ({**GRAPH, "weights": {"kind": "pretrain", "dataset": "faces"}}, "provider `onnx` cannot be trained"),
        (
            {**GRAPH, "weights": file("face.safetensors")},
            "`face.safetensors` is of no kind that provider `onnx` loads (.onnx)",
        ),
        (
            {**GRAPH, "curricula": ["base", "tuned"]},
            "cannot be trained, as `tuned` does; write `curricula: [base]`",
        ),
        ({**GRAPH, "curricula": None}, "cannot be trained, as `tuned` does; write `curricula: [base]`"),
        (
            {"architecture": "test_resnet", "weights": file("w.onnx")},
            "`w.onnx` is of no kind that provider `timm` loads (.safetensors, .pt,",
        ),
        ({"architecture": "test_resnet", "weights": file("w.pkl")}, "`w.pkl` is of no kind"),
        (
            {"architecture": "test_resnet", "weights": hub("a/b", "pytorch_model.bin")},
            "`pytorch_model.bin` is a pickle, which is opened only with its sha256",
        ),
        (
            {"architecture": "vit_small_patch16_dinov3", "weights": hub("timm/vit_small_patch16_dinov3.lvd1689m")},
            "pooled by its class token where it was published and by the mean in timm; write `pooling: token`",
        ),
        (
            {"architecture": "vit_base_patch16_clip_224", "weights": hub("timm/vit_base_patch16_clip_224.openai")},
            "was trained with QuickGELU, which `vit_base_patch16_clip_224` lacks; "
            "write `architecture: vit_base_patch16_clip_quickgelu_224`",
        ),
        (
            {"architecture": "vit_large_patch14_clip_336", "weights": file("OpenAI/ViT-L-14.pt")},
            "write `architecture: vit_large_patch14_clip_quickgelu_336`",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_named_with_the_remedy(backbone, message):
    with pytest.raises(UserError) as caught:
        study_with(**backbone)
    assert message in str(caught.value)
    assert "study.yaml: 1 problem" in str(caught.value)


def test_a_graph_needs_no_list_of_curricula_where_none_trains():
    data = yaml.safe_load(TEXT)
    data["backbones"] = {"graph": {**GRAPH, "curricula": None}}
    del data["curricula"]["tuned"]
    assert parse_study(data).models() == ("graph/base/seed0",)


def test_a_module_of_the_users_may_be_called_pixels_without_being_the_control():
    backbone = {"provider": "onnx", "architecture": "pixels", "weights": file("p.onnx")}
    assert not Backbone.model_validate(backbone).is_control


def test_a_square_is_cut_out_of_something_larger():
    Preprocessing(size=224, resized=256, aspect="keep")
    with pytest.raises(ValidationError, match="square of 224 cannot be cut out of an image of 200; write at least `resized: 224`"):  # fmt: skip
        Preprocessing(size=224, resized=200)
