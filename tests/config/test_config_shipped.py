"""The studies, the editor schema and the reference page in the repository agree with the model."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from unispace.config.backbones import known_architectures
from unispace.config.parse import load_yaml, parse_study
from unispace.config.reference import reference_text, schema_text

ROOT = Path(__file__).resolve().parents[2]
STUDIES = [ROOT / "config.yaml", *sorted((ROOT / "workflow" / "studies").glob("*.yaml"))]
SCHEMA = ROOT / "workflow" / "schemas" / "study.schema.json"


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_a_shipped_study_is_sound(file):
    text = file.read_text("utf-8")
    parse_study(load_yaml(text, file.name), file.name, text)


def test_shipped_studies_do_not_share_a_name_and_so_a_folder():
    names = [yaml.safe_load(file.read_text("utf-8"))["study"] for file in STUDIES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_a_shipped_study_satisfies_the_editor_schema(file):
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    study = yaml.safe_load(file.read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(study)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"curiculum": {}}, "curiculum"),
        ({"seed": -1}, "less than the minimum"),
        ({"study": "Not A Name"}, "does not match"),
        ({"seeds": []}, "should be non-empty"),
        ({"report": {"titel": "x"}}, "titel"),
    ],
)
def test_the_editor_schema_refuses_what_the_model_refuses(change, message):
    study = {**yaml.safe_load(STUDIES[0].read_text("utf-8")), **change}
    with pytest.raises(jsonschema.ValidationError, match=message):
        jsonschema.validate(study, json.loads(SCHEMA.read_text("utf-8")))


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_a_shipped_study_names_the_schema_for_editors(file):
    first = file.read_text("utf-8").splitlines()[0]
    path = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert path, f"{file}: the first line must name the schema"
    assert (file.parent / path[1]).resolve() == SCHEMA


def test_every_key_of_the_default_study_has_a_comment():
    lines = (ROOT / "config.yaml").read_text("utf-8").splitlines()
    bare = [
        f"config.yaml:{number}: {line.strip()}"
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("#") and not re.search(r" # \S", line)
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("path", "text"), [("docs/config.md", reference_text), (SCHEMA, schema_text)]
)
def test_what_is_made_from_the_model_is_up_to_date(path, text):
    assert (ROOT / path).read_text("utf-8") == text(), f"{path} is out of date; run `make schema`"


def test_the_reference_page_tells_every_key_with_its_meaning():
    page = reference_text()
    schema = json.loads(schema_text())
    for block in [schema, *schema["$defs"].values()]:
        for key, field in block.get("properties", {}).items():
            row = next(
                line
                for line in page.splitlines()
                if line.startswith(f"| `{key}` |") and field["description"][:20] in line
            )
            assert len(re.findall(r"(?<!\\)\|", row)) == 5


def test_the_reference_page_writes_bounds_as_they_are():
    assert "whole number ≥ 0 < 4294967296" in reference_text()


def test_every_link_of_the_reference_page_has_its_heading():
    page = reference_text()
    headings = {line[3:].lower() for line in page.splitlines() if line.startswith("## ")}
    links = set(re.findall(r"\]\(#([^)]+)\)", page))
    assert links
    assert links <= headings


def test_known_architectures_stand_once_and_sorted():
    file = ROOT / "workflow" / "unispace" / "config" / "architectures.txt"
    names = file.read_text("utf-8").splitlines()
    assert names == sorted(set(names))
    assert "eva02_tiny_patch14_224" in known_architectures()


@pytest.mark.slow
def test_known_architectures_are_those_of_the_timm_in_use():
    import timm

    missing = set(timm.list_models()) - known_architectures()
    gone = known_architectures() - set(timm.list_models())
    assert (missing, gone) == (set(), set())
