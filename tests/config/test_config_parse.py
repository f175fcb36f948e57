"""A study with a mistake is refused with the place, the value and the remedy."""

import copy
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from unispace.config.curricula import Curriculum
from unispace.config.parse import line_of, parse_study
from unispace.config.study import Study
from unispace.errors import UserError, did_you_mean

TEXT = """\
study: small
seed: 1
seeds: [0]
datasets:
  things:
    domain: object
    source: { kind: studio, labels: 4, images_per_label: 6 }
  faces:
    domain: face_hq
    source:
      kind: studio
      labels: 24
      images_per_label: 4
      degrade:
        severity: [0.2, 0.8]
    splits:
      train: 0.5
backbones:
  micro:
    architecture: eva02_tiny_patch14_224
    weights: { kind: pretrain, dataset: things, steps: 4 }
curricula:
  base: {}
  tuned:
    steps: 4
    train_on:
      faces: { batch_size: 4 }
maps:
  models:
    - micro/base/seed0
    - micro/tuned/seed0
  datasets: [faces]
  methods:
    ridge: { alpha: 0.1 }
evaluation:
  datasets: [things, faces]
  fmr: [0.01, 0.1]
"""

# What stands in the text, what is written instead (`#!` marks the line that the error must name),
# and what the error must say.
MISTAKES = {
    "unknown key at the top": (
        "curricula:",
        "curiculum: {} #!\ncurricula:",
        "`curiculum`: unknown key, did you mean `curricula`?",
    ),
    "unknown key in a block": (
        "      labels: 24",
        "      labels: 24\n      lables: 3 #!",
        "`datasets.faces.source.lables`: unknown key, did you mean `labels`?",
    ),
    "unknown key in an inline map": (
        "weights: { kind: pretrain,",
        "weights: #!\n      { kind: pretrain,\n        step: 3, #!!\n",
        "`backbones.micro.weights.step`: unknown key, did you mean `steps`?",
    ),
    "unknown key two levels below a name": (
        "faces: { batch_size: 4 }",
        "faces: { batchsize: 4 } #!",
        "`curricula.tuned.train_on.faces.batchsize`: unknown key, did you mean `batch_size`?",
    ),
    "unknown key without a near one": (
        "alpha: 0.1",
        "zzz: 1 #!\n     ",
        "`maps.methods.ridge.zzz`: unknown key, allowed: add_target_mean, alpha, centre, fit_on, folds, intercept, kind",
    ),
    "text for a whole number": (
        "seed: 1",
        "seed: one #!",
        "`seed`: got 'one', needs a whole number",
    ),
    "fraction for a whole number": (
        "    steps: 4\n",
        "    steps: 4.5 #!\n",
        "`curricula.tuned.steps`: got 4.5, needs a whole number",
    ),
    "switch for a number": ("seed: 1", "seed: yes #!", "`seed`: got True, needs a number"),
    "switch in a list of numbers": (
        "seeds: [0]",
        "seeds: [on] #!",
        "`seeds`: got [True], needs a number",
    ),
    "text for a list": (
        "datasets: [faces]",
        "datasets: faces #!",
        "`maps.datasets`: got 'faces', needs a list, such as [a, b]",
    ),
    "text for a number in a list": (
        "[0.01, 0.1]",
        "[0.01, often] #!",
        "`evaluation.fmr.1`: got 'often', needs a number",
    ),
    "number for a text": (
        "eva02_tiny_patch14_224",
        "7 #!",
        "`backbones.micro.architecture`: got 7, needs a text",
    ),
    "text for a block": (
        "    splits:\n      train: 0.5",
        "    splits: half #!",
        "`datasets.faces.splits`: got 'half', needs a block of `key: value` lines",
    ),
    "nothing for a block": (
        "  base: {}",
        "  base: #!",
        "`curricula.base`: got None, needs a block of `key: value` lines",
    ),
    "below the range": (
        "labels: 4,",
        "labels: 1, #!\n              ",
        "`datasets.things.source.labels`: got 1. Input should be greater than or equal to 2",
    ),
    "above the range": (
        "train: 0.5",
        "train: 1.5 #!",
        "`datasets.faces.splits.train`: got 1.5. Input should be less than or equal to 1",
    ),
    "on the open end of a range": (
        "alpha: 0.1",
        "alpha: 0 #!\n           ",
        "`maps.methods.ridge.alpha`: got 0. Input should be greater than 0",
    ),
    "not a finite number": (
        "    steps: 4\n",
        "    clip_norm: .inf #!\n",
        "`curricula.tuned.clip_norm`: got inf. Input should be a finite number",
    ),
    "out of range in a list": (
        "[0.01, 0.1]",
        "[0.01, 1] #!",
        "`evaluation.fmr.1`: got 1. Input should be less than 1",
    ),
    "falling range": (
        "      degrade:\n        severity: [0.2, 0.8]",
        "      degrade: #!\n        severity: [0.8, 0.2]",
        "`datasets.faces.source.degrade`: severity must be two rising numbers in 0 to 1",
    ),
    "range with one end": (
        "[0.2, 0.8]",
        "[0.2] #!",
        "`datasets.faces.source.degrade.severity.1`: missing; the list needs an entry more",
    ),
    "range with three ends": (
        "[0.2, 0.8]",
        "[0.2, 0.5, 0.8] #!",
        "`datasets.faces.source.degrade.severity`: got [0.2, 0.5, 0.8], needs at most 2 of them",
    ),
    "shares above one": (
        "    splits:\n      train: 0.5",
        "    splits: #!\n      train: 0.7\n      val: 0.4",
        "`datasets.faces.splits`: train + val must not exceed 1, got 0.7 + 0.4",
    ),
    "empty list": ("seeds: [0]", "seeds: [] #!", "`seeds`: got [], needs at least 1 of them"),
    "empty block": (
        "curricula:\n  base: {}\n  tuned:\n    steps: 4\n    train_on:\n      faces: { batch_size: 4 }\n",
        "curricula: {} #!\n",
        "`curricula`: needs at least one where there are backbones; `curricula: { base: {} }` leaves",
    ),
    "repeated entry": ("seeds: [0]", "seeds: [0, 3, 0] #!", "`seeds`: `0` is named twice"),
    "repeated data set": (
        "[things, faces]",
        "[things, faces, things] #!",
        "`evaluation.datasets`: `things` is named twice",
    ),
    "unknown backbone": (
        "eva02_tiny_patch14_224",
        "eva02_tiny_patch14_22 #!",
        "unknown backbone `eva02_tiny_patch14_22`: did you mean `eva02_tiny_patch14_224`",
    ),
    "unknown word": (
        "domain: face_hq",
        "domain: face_hd #!",
        "`datasets.faces.domain`: got 'face_hd', did you mean `face_hq`?",
    ),
    "unknown word in a list": (
        "        severity: [0.2, 0.8]",
        "        kinds: [noise, jpg] #!",
        "`datasets.faces.source.degrade.kinds.1`: got 'jpg', did you mean `jpeg`?",
    ),
    "unknown kind": (
        "      kind: studio",
        "      kind: studoi #!",
        "`datasets.faces.source.kind`: got 'studoi', did you mean `studio`?",
    ),
    "missing kind": (
        "    source:\n      kind: studio",
        "    source: #!",
        "`datasets.faces.source.kind`: missing; one of: archive, digits, folder, huggingface, index, manifest, registered, shards, studio, torchvision",
    ),
    "missing key": (
        "    domain: face_hq\n",
        "",
        "`datasets.faces.domain`: missing; add the line `domain: ...` (What the labels are",
    ),
    "missing block": (
        "    weights: { kind: pretrain, dataset: things, steps: 4 }\n",
        "",
        "`backbones.micro.weights`: missing; add the line `weights: ...` (Where the weights come from",
    ),
    "missing key of a kind": (
        "dataset: things, steps: 4 }",
        "steps: 4 } #!",
        "`backbones.micro.weights.dataset`: missing; add the line `dataset: ...` (Data set whose",
    ),
    "name with a capital": (
        "  micro:",
        "  Micro: #!",
        "`backbones.Micro`: a name holds small letters, digits, - and _ only, got 'Micro'",
    ),
    "name with a dot": (
        "study: small",
        "study: small.er #!",
        "`study`: a name holds small letters, digits, - and _ only, got 'small.er'",
    ),
    "name that is a number": (
        "  base: {}",
        "  2024: {} #!",
        "`curricula.2024`: a name must be a text; write it in quotes",
    ),
    "reserved name": ("study: small", "study: raw #!", "`raw` is the folder of fetched archives"),
    "checksum that is none": (
        "    source: { kind: studio, labels: 4, images_per_label: 6 }",
        "    source: { kind: archive, path: a.zip, sha256: abc } #!",
        "`datasets.things.source.sha256`: got 'abc'. String should match pattern",
    ),
    "splits of a source without splits": (
        "  faces:\n    domain: face_hq",
        "  faces: #!\n    domain: face_hq",
        "splits.by is `manifest`, but a source of kind studio has no splits; use `by: hash`",
    ),
    "rename without manifest": (
        "    splits:\n      train: 0.5",
        "    splits: #!\n      rename: { a: b }",
        "`datasets.faces.splits`: rename only goes with `by: manifest`",
    ),
    "training on nothing": (
        "  tuned:\n    steps: 4\n    train_on:\n      faces: { batch_size: 4 }",
        "  tuned: #!\n    train_on:\n      faces: { weight: 0 }",
        "`curricula.tuned`: at least one data set of train_on needs a weight above 0",
    ),
    "unknown data set to pretrain on": (
        "dataset: things,",
        "dataset: thing, #!\n               ",
        "backbones.micro.weights.dataset: `thing` is not defined; did you mean `things`?",
    ),
    "unknown data set to train on": (
        "    train_on:\n      faces:",
        "    train_on: #!\n      faecs:",
        "curricula.tuned.train_on: `faecs` is not defined; did you mean `faces`?",
    ),
    "unknown data set to evaluate": (
        "datasets: [things, faces]",
        "datasets: [things, faces, face] #!",
        "evaluation.datasets: `face` is not defined; did you mean `faces`?",
    ),
    "unknown data set to map": (
        "datasets: [faces]",
        "datasets: [fases] #!",
        "maps.datasets: `fases` is not defined; did you mean `faces`?",
    ),
    "unknown model": (
        "  models:\n    - micro/base/seed0",
        "  models: #!\n    - micro/base/seed1",
        "maps.models: `micro/base/seed1` is not defined; did you mean `micro/base/seed0`",
    ),
    "one model to map": (
        "  models:\n    - micro/base/seed0\n",
        "  models: #!\n",
        "maps.models: a map needs two models, got one",
    ),
    "one model twice": (
        "  models:\n    - micro/base/seed0\n",
        "  models: #!\n    - micro/tuned/seed0\n",
        "`maps.models`: `micro/tuned/seed0` is named twice",
    ),
    "maps on objects": (
        "datasets: [faces]",
        "datasets: [things] #!",
        "maps.datasets: `things` holds no identities, which maps are tested on",
    ),
    "maps on what is not evaluated": (
        "  datasets: [faces]\n  methods:\n    ridge: { alpha: 0.1 }\n"
        "evaluation:\n  datasets: [things, faces]",
        "  datasets: [faces] #!\nevaluation:\n  datasets: [things]",
        "maps.datasets: `faces` is not in evaluation.datasets; add it there too",
    ),
    "maps on nothing": (
        "  datasets: [faces]\n",
        "  datasets: [] #!\n",
        "maps.datasets: name at least one data set to fit and test maps on",
    ),
    "a curriculum of a backbone": (
        "    weights: { kind: pretrain, dataset: things, steps: 4 }\n",
        "    weights: { kind: pretrain, dataset: things, steps: 4 }\n    curricula: [base, tunde] #!\n",
        "backbones.micro.curricula: `tunde` is not defined; did you mean `tuned`?",
    ),
    "a curriculum named twice": (
        "    weights: { kind: pretrain, dataset: things, steps: 4 }\n",
        "    weights: { kind: pretrain, dataset: things, steps: 4 }\n    curricula: [base, base] #!\n",
        "`base` is named twice",
    ),
    "a curriculum that no backbone is tuned with": (
        "curricula:\n  base: {}",
        "    curricula: [base, tuned]\ncurricula:\n  spare: {} #!\n  base: {}",
        "curricula.spare: no backbone is tuned with it; add it to the `curricula` of one",
    ),
    "an unknown model to show": (
        "  datasets: [faces]\n",
        "  datasets: [faces]\n  shown: #!\n    - [micro/base/seed0, micro/tunde/seed0]\n",
        "maps.shown: `micro/tunde/seed0` is not defined; did you mean `micro/tuned/seed0`",
    ),
    "a model shown with itself": (
        "  datasets: [faces]\n",
        "  datasets: [faces]\n  shown: [[micro/base/seed0, micro/base/seed0]] #!\n",
        "`maps.shown`: `micro/base/seed0` is mapped to itself; name two models",
    ),
    "half a pair to show": (
        "  datasets: [faces]\n",
        "  datasets: [faces]\n  shown: [[micro/base/seed0]] #!\n",
        "`maps.shown.0.1`: missing; the list needs an entry more",
    ),
    "an unknown map to show": (
        "  datasets: [faces]\n",
        "  datasets: [faces]\n  shown_methods: [rigde] #!\n",
        "maps.shown_methods: `rigde` is not defined; did you mean `ridge`",
    ),
    "maps by no method": (
        "  methods:\n    ridge: { alpha: 0.1 }",
        "  methods: {} #!",
        "maps.methods: name at least one, such as `procrustes: {}`",
    ),
}
# Where a whole key is left out, the error names the block that lacks it.
BLOCK = {"missing key": "  faces:", "missing block": "  micro:"}


def refusal(text: str) -> str:
    with pytest.raises(UserError) as caught:
        parse_study(yaml.safe_load(text), "study.yaml", text)
    return str(caught.value)


def line_with(text: str, mark: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if mark in line)


def test_the_study_of_these_tests_is_sound():
    study = parse_study(yaml.safe_load(TEXT), "study.yaml", TEXT)
    assert study.models() == ("micro/base/seed0", "micro/tuned/seed0")
    assert study.map_pairs() == (
        ("micro/base/seed0", "micro/tuned/seed0"),
        ("micro/tuned/seed0", "micro/base/seed0"),
    )
    assert study.class_datasets() == ("things",)
    assert study.identity_datasets() == ("faces",)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_line_and_remedy(mistake):
    before, after, message = MISTAKES[mistake]
    assert TEXT.count(before) == 1
    text = TEXT.replace(before, after)
    if mistake == "splits of a source without splits":
        text = text.replace("      train: 0.5", "      by: manifest")
    mark = next((m for m in ("#!!", "#!", BLOCK.get(mistake)) if m and m in text), "")
    error = refusal(text)
    assert error.splitlines()[0] == "study.yaml: 1 problem"
    place, shown = error.splitlines()[1].strip().split(": ", 1)
    assert message in shown
    assert place == f"study.yaml:{line_with(text, mark)}"


def test_a_missing_key_at_the_top_has_no_line():
    assert "  `backbones`: missing; add the line `backbones: ...`" in refusal(
        TEXT.replace("backbones:", "#backbones:").replace(
            "  micro:\n    architecture: eva02_tiny_patch14_224\n"
            "    weights: { kind: pretrain, dataset: things, steps: 4 }\n",
            "",
        )
    )


def test_several_problems_are_reported_at_once():
    text = TEXT.replace("seed: 1", "seed: -1").replace("domain: face_hq", "domain: nobody")
    error = refusal(text.replace("steps: 4\n", "stepps: 4\n"))
    assert error.startswith("study.yaml: 3 problems\n")
    assert len(error.splitlines()) == 4
    for key in ("`seed`", "`datasets.faces.domain`", "`curricula.tuned.stepps`"):
        assert key in error


def test_several_dangling_references_are_counted_one_by_one():
    error = refusal(TEXT.replace("dataset: things", "dataset: a").replace("faces: {", "b: {"))
    assert error.startswith("study.yaml: 2 problems\n")
    assert error.count("is not defined") == 2


def test_a_wrong_entry_does_not_also_make_its_list_too_short():
    error = refusal(TEXT.replace("severity: [0.2, 0.8]", "kinds: [jpg]"))
    assert "1 problem" in error
    assert "at least" not in error


def test_a_misspelt_key_is_not_also_missing_but_another_one_is():
    text = TEXT.replace("curricula:", "curiculum:").replace("study: small\n", "")
    with pytest.raises(UserError) as caught:
        parse_study(yaml.safe_load(text), "small.yaml", text)
    lines = str(caught.value).splitlines()
    assert lines[0] == "small.yaml: 2 problems"
    assert "`study`: missing" in lines[1]
    assert "`curiculum`: unknown key, did you mean `curricula`?" in lines[2]


def test_without_text_there_are_no_line_numbers():
    with pytest.raises(UserError, match=r"^x: 1 problem\n  `seed`: got -1") as caught:
        parse_study({**yaml.safe_load(TEXT), "seed": -1}, "x")
    assert "x:" not in str(caught.value).splitlines()[1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", "nothing"), ("# only a comment", "nothing"), ("- a\n- b", r"\['a', 'b'\]"), ("hello", "'hello'"), ("3", "3")],
)  # fmt: skip
def test_a_file_that_holds_no_block_is_refused(text, shown):
    with pytest.raises(UserError, match=f"x.yaml: a study is a block of .* got {shown}$"):
        parse_study(yaml.safe_load(text), "x.yaml", text)


def test_a_number_that_yaml_takes_for_a_text_is_understood():
    # YAML 1.1 reads 1e-3, without a dot, as a text.
    text = TEXT.replace("    steps: 4\n", "    learning_rate: 1e-3\n")
    assert isinstance(yaml.safe_load(text)["curricula"]["tuned"]["learning_rate"], str)
    assert parse_study(yaml.safe_load(text)).curricula["tuned"].learning_rate == 0.001


def test_an_anchor_and_a_merge_count_as_what_they_stand_for():
    text = TEXT.replace("  base: {}", "  base: &b { steps: 9 }").replace(
        "    steps: 4\n", "    <<: *b\n"
    )
    assert parse_study(yaml.safe_load(text), "x", text).curricula["tuned"].steps == 9


def test_a_mistake_below_an_anchor_is_shown_where_it_is_written():
    text = TEXT.replace("  base: {}", "  base: &b\n    steps: -9 #!\n  twin: *b")
    error = refusal(text)
    assert error.count(f"study.yaml:{line_with(text, '#!')}: ") == 2


KEYS = st.recursive(
    st.dictionaries(st.sampled_from("abcd"), st.none(), min_size=1),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, min_size=1),
)


@given(KEYS, st.booleans(), st.data())
def test_every_key_of_a_yaml_text_is_found_on_its_line(tree, inline, data):
    text = yaml.safe_dump(tree, default_flow_style=None if inline else False)
    path, here = [], tree
    while here:
        path.append(data.draw(st.sampled_from(sorted(here))))
        here = here[path[-1]]
    line = line_of(text, path)
    # Independently: cutting the text before that line loses the key, cutting behind it keeps it.
    lines = text.splitlines()
    events = list(yaml.scan("\n".join(lines)))
    marks = [e.start_mark.line + 1 for e in events if isinstance(e, yaml.ScalarToken)]
    assert line in marks
    assert path[-1] in lines[line - 1]


def reordered(value, reverse):
    if not isinstance(value, dict):
        return value
    keys = sorted(value, reverse=reverse)
    return {key: reordered(value[key], reverse) for key in keys}


def test_the_order_of_keys_does_not_change_the_canonical_text():
    data = yaml.safe_load(TEXT)
    one = parse_study(reordered(data, False))
    other = parse_study(reordered(data, True))
    assert list(one.datasets) != list(other.datasets)
    assert one.to_json(extra=1) == other.to_json(extra=1)


def test_the_canonical_text_is_json_that_gives_the_same_study_back():
    study = parse_study(yaml.safe_load(TEXT))
    assert Study.model_validate(json.loads(study.to_json())) == study
    assert json.loads(study.to_json(name="x"))["name"] == "x"


def test_written_and_implied_defaults_have_one_canonical_text():
    assert Curriculum().to_json() == Curriculum(steps=300, learning_rate="1e-3").to_json()
    assert Curriculum(weight_decay=1).to_json() == Curriculum(weight_decay=1.0).to_json()


def test_each_value_counts_in_the_canonical_text():
    data = yaml.safe_load(TEXT)
    texts = {parse_study(data).to_json()}
    for block, key, value in [("curricula", "steps", 5), ("curricula", "augment", 0.1)]:
        changed = copy.deepcopy(data)
        changed[block]["tuned"][key] = value
        texts.add(parse_study(changed).to_json())
    assert len(texts) == 3


def test_settings_do_not_change_after_parsing():
    study = parse_study(yaml.safe_load(TEXT))
    with pytest.raises(ValueError, match="frozen"):
        study.seed = 3


@pytest.mark.parametrize(
    ("word", "allowed", "sentence"),
    [
        ("stpes", ["steps", "seed"], "did you mean `steps`? (allowed: seed, steps)"),
        ("stpes", ["steps", *"abcdefg"], "did you mean `steps`?"),
        ("qqq", ["b", "a"], "allowed: a, b"),
        ("qqq", [], "none are defined"),
        ("qqq", [f"{i:02}" for i in range(20)], "allowed: " + ", ".join(f"{i:02}" for i in range(12)) + ", ..."),
    ],
)  # fmt: skip
def test_did_you_mean_names_the_nearest_or_what_is_allowed(word, allowed, sentence):
    assert did_you_mean(word, allowed) == sentence


def test_a_leak_is_allowed_by_kind_and_two_data_sets_of_the_study():
    study = yaml.safe_load(TEXT) | {"audit": {"allow": ["images:faces:faces"]}}
    assert parse_study(study).audit.allow == ("images:faces:faces",)


@pytest.mark.parametrize(
    ("leak", "message"),
    [
        ("images:faces", "`audit.allow.0`: got 'images:faces', needs identities:TRAINED:TESTED or"),
        ("pixels:faces:faces", "got 'pixels:faces:faces', needs identities"),
        ("identities:faces:facs", "audit.allow: `facs` is not defined; did you mean `faces`"),
    ],
)
def test_a_leak_of_another_form_or_of_no_data_set_is_refused(leak, message):
    study = yaml.safe_load(TEXT) | {"audit": {"allow": [leak]}}
    with pytest.raises(UserError, match=message):
        parse_study(study)
