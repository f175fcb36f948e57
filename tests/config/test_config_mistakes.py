"""A study with a mistake is refused with the place, the value and the remedy."""

import pytest
import yaml
from small_study import TEXT, line_with, refusal

from unispace.config.parse import parse_study

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
    "a source that is no block": (
        "source: { kind: studio, labels: 4, images_per_label: 6 }",
        "source: /data/things #!",
        "needs a block of `key: value` lines, of which one is `kind`: archive, ",
    ),
    "weights that are their kind": (
        "weights: { kind: pretrain, dataset: things, steps: 4 }",
        "weights: random #!",
        "got 'random', needs a block of `key: value` lines; write `weights: { kind: random }`, with its further keys",
    ),
    "a number for a name": (
        "dataset: things, steps: 4 }",
        "dataset: 7, steps: 4 } #!",
        "got 7, needs a text; write it in quotes",
    ),
    "maps by no method": (
        "  methods:\n    ridge: { alpha: 0.1 }",
        "  methods: {} #!",
        "maps.methods: name at least one, such as `procrustes: {}`",
    ),
}
# Where a whole key is left out, the error names the block that lacks it.
BLOCK = {"missing key": "  faces:", "missing block": "  micro:"}


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
