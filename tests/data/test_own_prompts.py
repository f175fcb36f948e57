"""The prompts of known data sets: what is written of them is true of the data sets, and wrong words are told."""

import inspect
import string
from pathlib import Path

import numpy as np
import pytest
from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
from torchvision import datasets

from unispace.config.parse import load_yaml, parse_study
from unispace.config.studio import StudioSource
from unispace.data.preflight import check_sources
from unispace.data.prompts.own import known_sets, own_set, read_own, unlisted
from unispace.data.prompts.plan import Asked, asked_of, prompt_plan
from unispace.data.prompts.templates import fill, read_templates
from unispace.data.studio import families
from unispace.data.studio.families import FAMILIES
from unispace.data.studio.family import captions
from unispace.data.studio.world import classes_of
from unispace.errors import UserError

PUBLIC = (
    "Food101", "CIFAR10", "CIFAR100", "SUN397", "StanfordCars", "FGVCAircraft", "DTD", "MNIST", "Flowers102", "STL10",
    "GTSRB", "Country211", "RenderedSST2",
)  # fmt: skip


def study(prompts, templates=("own",), **sources):
    sources = sources or {
        "shapes": {"kind": "studio", "family": "shapes", "labels": 3, "images_per_label": 9}
    }
    return parse_study(
        {
            "study": "s",
            "datasets": {
                n: {"domain": "object", "source": s, "splits": {"train": 0, "val": 0}}
                for n, s in sources.items()
            },
            "backbones": {
                "clip": {
                    "provider": "open_clip",
                    "architecture": "ViT-B-16",
                    "pooling": "token",
                    "preprocessing": {"size": 224},
                    "weights": {"kind": "random"},
                }
            },
            "curricula": {"base": {}},
            "evaluation": {"datasets": list(sources)},
            "prompts": {"datasets": list(sources), "templates": list(templates), **prompts},
        }
    )


@pytest.mark.parametrize("name", known_sets())
def test_a_set_says_where_it_is_from_and_holds_templates(name):
    own = read_own(name)
    assert own.source
    assert own.licence == "MIT"
    assert own.templates
    assert len(set(own.templates)) == len(own.templates)
    for template in own.templates:
        fields = [f for _, f, _, _ in string.Formatter().parse(template) if f is not None]
        assert fields in ([""], ["a"])
    assert all(words.strip() == words and words for words in own.names.values())


@pytest.mark.parametrize("name", PUBLIC)
def test_the_sets_of_the_paper_are_known_by_their_source(name):
    assert hasattr(datasets, name)
    source = {"kind": "torchvision", "name": name}
    found = study({}, a=source).datasets["a"]
    assert own_set(found) == name.lower()
    assert read_own(name.lower()).source.startswith("openai/CLIP, data/prompts.md")


def test_imagenet_v2_is_asked_with_eighty_templates_and_the_published_words():
    own = read_own("imagenet-v2")
    assert own.templates == read_templates("clip-imagenet-80")
    assert [own.names[str(i)] for i in range(1000)] == list(IMAGENET_CLASSNAMES)
    registered = study({}, a={"kind": "registered", "name": "imagenet-v2"}).datasets["a"]
    assert own_set(registered) == "imagenet-v2"


def test_labels_of_torchvision_get_the_published_words():
    """Labels as `fetch-torchvision` writes them: names of classes where the set has some, numbers elsewhere."""
    mnist = read_own("mnist")
    assert [mnist.names[label] for label in datasets.MNIST.classes] == list("0123456789")
    flowers = read_own("flowers102")
    assert set(flowers.names) < set(datasets.Flowers102.classes)
    said = [Asked(flowers.names).words(label) for label in datasets.Flowers102.classes]
    assert said[15] == "globe flower"
    assert not any(set(words) & set("?_") for words in said)
    assert (
        Asked(spaces=read_own("sun397").spaces).words("apartment_building/outdoor")
        == "apartment building outdoor"
    )
    assert set(read_own("gtsrb").names) == {str(i) for i in range(43)}
    countries = read_own("country211").names
    assert len(countries) == 211
    assert list(countries) == sorted(countries)
    assert (countries["DE"], countries["CH"], countries["XK"]) == (
        "Germany",
        "Switzerland",
        "Kosovo",
    )


@pytest.mark.parametrize("family", ["objects", *FAMILIES])
def test_the_studio_is_asked_in_the_words_of_its_captions(family):
    own, words = read_own(f"studio-{family}"), classes_of(family)
    asked = Asked(own.names)
    assert {label: asked.words(label) for label in words} == words
    if family in ("objects", "counts"):
        return  # those of objects are compared in test_prompt_templates; of counts most have a noun or a colour
    tables = families.sample(family, np.random.default_rng(0), 3000)
    labels = np.arange(3000) % len(words)
    said = set(
        captions(
            FAMILIES[family], labels, *tables, np.random.default_rng(1).integers(0, 2**31, 3000)
        )
    )
    for label in list(words)[:3]:
        for sentence in fill(own.templates, words[label]):
            assert sentence in said, sentence


def test_the_public_study_asks_every_set_in_its_own_words():
    file = Path(__file__).resolve().parents[2] / "workflow" / "studies" / "tradeoffs-public.yaml"
    found = parse_study(load_yaml(file.read_text("utf-8"), file.name))
    assert len(found.prompts.datasets) == 14
    kinds = {found.datasets[d].source.name for d in found.prompts.datasets}
    assert kinds == {*PUBLIC, "imagenet-v2"}
    for dataset in found.prompts.datasets:
        source = found.datasets[dataset].source
        own = read_own(source.name.lower())
        assert asked_of(found, dataset).own == own.templates
        for split in getattr(source, "splits", {}).values():
            takes = inspect.signature(getattr(datasets, source.name)).parameters
            assert set(split) <= set(takes), source.name
    assert {b.architecture for b in found.backbones.values()} == {
        "ViT-B-16-quickgelu", "ViT-L-14-quickgelu",
    }  # fmt: skip


def test_words_of_the_study_come_before_those_of_the_set():
    source = {"kind": "studio", "labels": 54, "images_per_label": 2}
    prompts = {"names": {"lock": "bolt", "car": "motor car", "b": {"car": "automobile"}}}
    found = study(prompts, ("own", "plain"), a=source, b=source)
    one, other = (asked_of(found, name) for name in "ab")
    assert (one.words("lock"), one.words("car"), one.words("balloon"), one.words("ice_cream")) == (
        "bolt", "motor car", "hot air balloon", "ice cream",
    )  # fmt: skip
    assert other.words("car") == "automobile"
    plan = prompt_plan(found)
    assert list(plan["common"]) == ["plain"]
    assert plan["datasets"]["a"]["own"][0] == "{a}"
    assert plan["templates"] == ["own", "plain"]


def refusal(found, tmp_path):
    with pytest.raises(UserError) as caught:
        check_sources(found, tmp_path)
    return str(caught.value)


FOLDER = {"kind": "torchvision", "name": "OxfordIIITPet"}


def test_what_is_not_known_is_told_before_the_first_job(tmp_path):
    message = refusal(study({}, a=FOLDER), tmp_path)
    assert "prompts.templates: of `a` no templates of its own are known" in message
    assert "write `prompts.own: { a: NAME }`" in message
    assert "no prompts `cifr10` are known; did you mean" in refusal(
        study({"own": {"a": "cifr10"}}, a=FOLDER), tmp_path
    )
    assert (
        asked_of(study({"own": {"a": "cifar10"}}, a=FOLDER), "a").own
        == read_own("cifar10").templates
    )


def test_words_for_no_label_are_told_before_the_first_job(tmp_path):
    check_sources(study({"names": {"star": "five-pointed star"}}), tmp_path)
    assert "prompts.names: no data set has the label `starr`; did you mean" in refusal(
        study({"names": {"starr": "star"}}), tmp_path
    )
    assert "prompts.names.shapes: `shapes` has not the label `heart`; allowed: " in refusal(
        study({"names": {"shapes": {"heart": "red heart"}}}), tmp_path
    )


def test_labels_that_the_published_names_do_not_know_are_told(tmp_path):
    found = study({"own": {"shapes": "country211"}})
    assert (
        "has the label `circle`, which is none of the 211 that its published class names are of"
        in refusal(found, tmp_path)
    )
    assert unlisted("country211", ["DE", "circle"]) == ["circle"]
    assert unlisted("cifar10", ["circle"]) == []


def test_a_class_without_a_tested_image_is_told(tmp_path):
    data = study({}).model_dump()
    data["datasets"]["shapes"]["splits"] |= {"train": 0.9, "val": 0.05}
    found = parse_study(data)
    message = refusal(found, tmp_path)
    assert "prompts.datasets: `shapes` has no image of `circle` in split `test`" in message
    assert "give the split a larger share" in message


def test_a_file_of_the_user_is_a_set_of_its_own(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("my {}\n")
    found = study({"files": {"mine": str(file)}}, ["mine", "plain"])
    assert prompt_plan(found)["common"] == {
        "mine": ["my {}"],
        "plain": list(read_templates("plain")),
    }
    check_sources(found, tmp_path)
    file.write_text("my cat\n")
    assert "mine.txt:1: `my cat` has no placeholder; write `{}`" in refusal(found, tmp_path)
    file.unlink()
    assert "prompts.files.mine" in refusal(found, tmp_path)


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ({"templates": ["mine"]}, "there is no set `mine`"),
        (
            {"files": {"plain": "x.txt"}},
            "prompts.files`: `plain` is the name of a set that is there",
        ),
        (
            {"files": {"mine": "x.txt"}},
            "prompts.templates`: the set `mine` of prompts.files is not used; add it here",
        ),
        ({"own": {"shape": "dtd"}}, "prompts.own: `shape` is not defined; did you mean `shapes`"),
        ({"names": {"shape": {"star": "x"}}}, "prompts.names: `shape` is not defined"),
        ({"names": {"shapes": {"star": " "}}}, "prompts.names.shapes.star"),
    ],
)
def test_prompts_that_cannot_be_are_told(prompts, message):
    with pytest.raises(UserError) as caught:
        study(prompts)
    assert message in str(caught.value)


def test_every_family_of_the_settings_has_its_prompts():
    for family in StudioSource.model_fields["family"].annotation.__args__:
        assert f"studio-{family}" in known_sets()
