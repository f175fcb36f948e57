"""The sentences of prompts, as CLIP and the studio say them."""

import string
from importlib.resources import files
from typing import get_args

import pytest
from open_clip.zero_shot_metadata import OPENAI_IMAGENET_TEMPLATES, SIMPLE_IMAGENET_TEMPLATES

from unispace.config.prompts import Templates
from unispace.data.prompts.templates import fill, read_template_file, read_templates, words_of
from unispace.data.studio.objects_captions import TEMPLATES
from unispace.errors import UserError

NAMES = get_args(Templates)


def test_the_study_may_name_the_sets_that_there_are():
    there = {
        f.name.removesuffix(".txt")
        for f in files("unispace.data.prompts").iterdir()
        if f.name.endswith(".txt")
    }
    assert set(NAMES) == there


@pytest.mark.parametrize("name", NAMES)
def test_every_template_names_the_class_once(name):
    templates = read_templates(name)
    assert templates
    assert len(set(templates)) == len(templates)
    for template in templates:
        assert template == template.strip()
        fields = [
            field for _, field, _, _ in string.Formatter().parse(template) if field is not None
        ]
        assert fields in ([""], ["a"])


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("clip-imagenet-80", OPENAI_IMAGENET_TEMPLATES),
        ("clip-imagenet-7", SIMPLE_IMAGENET_TEMPLATES),
    ],
)
def test_the_published_sets_are_those_of_clip(name, published):
    assert fill(read_templates(name), "cat") == [template("cat") for template in published]


def test_the_studio_is_asked_in_the_words_of_its_captions():
    said = [template.format(thing="an owl") for template in TEMPLATES["photo"]]
    assert fill(read_templates("studio"), "owl") == said


def test_articles_and_words():
    assert fill(["{}", "{a} here"], "Umbrella") == ["Umbrella", "an Umbrella here"]
    assert fill(["{a}"], "hot air balloon") == ["a hot air balloon"]
    assert words_of("ice_cream") == "ice cream"


def test_a_label_with_braces_is_no_template():
    assert fill(["a photo of a {}."], "{0} {a}") == ["a photo of a {0} {a}."]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a photo of a {}.\na photo of a cat\n",
            r"mine.txt:2: `a photo of a cat` has no placeholder",
        ),
        ("# my own\n\na {} and a {}\n", r"mine.txt:3: `a \{\} and a \{\}` has two placeholders"),
        ("a {name}\n", r"mine.txt:1: `a \{name\}` has another placeholder"),
        ("a {:>9}\n", "has another placeholder"),
        ("a {\n", r"mine.txt:1: `a \{` is no template"),
        ("# nothing\n", "mine.txt: holds no template; write one a line"),
        ("a {}\nthe {}\na {}\n", r"`a \{\}` stands there twice"),
    ],
)
def test_a_file_that_holds_no_templates_is_refused(tmp_path, text, message):
    file = tmp_path / "mine.txt"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        read_template_file(file, "mine.txt")


def test_a_file_of_templates_is_read(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("# mine\n\n  a photo of a {}.\n{a}, in snow\n")
    assert read_template_file(file, "mine.txt") == ("a photo of a {}.", "{a}, in snow")
    with pytest.raises(UserError, match="cannot be read as text"):
        read_template_file(tmp_path / "none.txt", "none.txt")
