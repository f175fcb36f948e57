"""Recipes: the published settings of the trade-offs paper's systems, and how a study takes them."""

import pytest

from unispace.config.curricula import Curriculum, TrainOn
from unispace.config.parse import load_yaml, parse_study
from unispace.config.recipes import RECIPES
from unispace.curricula.schedule import learning_rate
from unispace.errors import UserError


def plan(recipe, **changes):
    return Curriculum.model_validate(
        {"recipe": recipe, "steps": 400, "train_on": {"set": {}}, **changes}
    )


# Read again from the digest of the papers and their code, one line a setting.
PUBLISHED = {
    "froundation": {
        "rank": 16,
        "alpha": 16,
        "dropout": 0.25,
        "encoder": 1e-4,
        "head rate": 1e-4,
        "batch": 512,
        "loss": "cosface",
        "scale": 64,
        "margin": 0.3,
        "normalisation": None,
        "order": None,
        "augmentation": "froundation",
        "sampling": "uniform",
    },
    "froundation-readme": {"rank": 16, "alpha": 32, "dropout": 0.25, "encoder": 1e-4},
    "madation": {
        "rank": 2,
        "alpha": 4,
        "dropout": 0.4,
        "encoder": 1e-5,
        "head rate": 1e-4,
        "batch": 256,
        "loss": "binary",
        "normalisation": "half",
        "order": "bgr",
        "augmentation": "flip",
        "sampling": "uniform",
    },
    "madation-l": {"rank": 2, "alpha": 8, "dropout": 0.2, "encoder": 1e-5, "head rate": 1e-4},
    "foundpad": {
        "rank": 8,
        "alpha": 8,
        "dropout": 0.4,
        "encoder": 1e-6,
        "head rate": 1e-3,
        "batch": 512,
        "loss": "binary",
        "normalisation": "imagenet",
        "order": None,
        "augmentation": "foundpad",
        "sampling": "balanced",
    },
}


def settings_of(curriculum):
    part, own = curriculum.train_on["set"], curriculum.input
    return {
        "rank": curriculum.lora.rank,
        "alpha": curriculum.lora.alpha,
        "dropout": curriculum.lora.dropout,
        "encoder": curriculum.learning_rate,
        "head rate": curriculum.head_learning_rate,
        "batch": part.batch_size,
        "loss": part.head.loss,
        "scale": part.head.scale,
        "margin": part.head.margin,
        "normalisation": own and own.normalisation,
        "order": own and own.colour_order,
        "augmentation": curriculum.augmentation,
        "sampling": part.sampling,
    }


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_expands_to_the_published_settings(recipe):
    found = settings_of(plan(recipe))
    assert {key: found[key] for key in PUBLISHED[recipe]} == PUBLISHED[recipe]
    whole = plan(recipe)
    assert (whole.betas, whole.weight_decay, whole.clip_norm) == ((0.9, 0.999), 0.05, 5)
    assert whole.freeze_blocks == 0
    assert whole.layer_decay == 1


def test_every_recipe_is_checked():
    assert PUBLISHED.keys() == RECIPES.keys()


@pytest.mark.parametrize("recipe", ["madation", "madation-l", "foundpad"])
def test_a_floor_at_the_rate_itself_is_a_constant_rate(recipe):
    whole = plan(recipe)
    rates = {learning_rate(step, whole) for step in range(whole.steps)}
    assert rates == {PUBLISHED[recipe]["encoder"]}
    assert whole.train_on["set"].head.outputs == "sigmoid"


@pytest.mark.parametrize("recipe", ["froundation", "froundation-readme"])
def test_froundation_holds_five_epochs_and_restarts_after_five_ten_and_twenty(recipe):
    whole = plan(recipe)  # ten steps an epoch
    rates = [learning_rate(step, whole) for step in range(400)]
    assert set(rates[:51]) == {1e-4}
    assert [s for s in range(1, 400) if rates[s] > rates[s - 1]] == [100, 200]
    assert whole.floor == 1e-6
    assert rates[399] == pytest.approx(1e-6, rel=0.05)


def test_keys_of_ones_own_come_first_at_every_depth():
    found = plan(
        "foundpad",
        learning_rate=2e-3,
        lora={"rank": 4},
        input={"embed_as": "training"},
        train_on={"set": {"batch_size": 16}, "other": {"head": {"loss": "softmax"}, "weight": 2}},
    )
    assert (found.learning_rate, found.head_learning_rate) == (2e-3, 1e-3)
    assert (found.lora.rank, found.lora.alpha, found.lora.dropout) == (4, 8, 0.4)
    assert (found.input.normalisation, found.input.embed_as) == ("imagenet", "training")
    mine, other = found.train_on["set"], found.train_on["other"]
    assert (mine.batch_size, mine.head.loss, mine.sampling) == (16, "binary", "balanced")
    assert (other.batch_size, other.head.loss, other.weight) == (512, "softmax", 2)


def test_a_part_of_a_recipe_can_be_turned_off():
    found = plan("madation", lora=None, input=None)
    assert found.lora is None
    assert found.input is None


def test_another_loss_takes_nothing_from_the_margins_of_the_recipes():
    found = plan("froundation", train_on={"set": {"head": {"loss": "arcface"}}})
    head = found.train_on["set"].head
    assert (head.loss, head.scale, head.margin) == ("arcface", 16, 0.1)
    same = plan("froundation", train_on={"set": {"head": {"loss": "cosface", "scale": 8}}})
    assert (same.train_on["set"].head.scale, same.train_on["set"].head.margin) == (8, 0.3)


def test_a_shared_head_is_not_given_twice():
    found = plan("froundation", train_on={"set": {}, "lq": {"share_head_of": "set"}})
    assert found.train_on["lq"].head is None
    assert found.train_on["lq"].batch_size == 512


@pytest.mark.parametrize("recipe", RECIPES)
def test_an_expanded_recipe_survives_its_json(recipe):
    first = plan(recipe, learning_rate=3e-4)
    assert Curriculum.model_validate_json(first.to_json()) == first
    assert Curriculum.model_validate(first.model_dump(mode="json")) == first


def test_settings_made_in_python_are_taken_as_those_of_a_file():
    made = Curriculum(
        recipe="foundpad", steps=4, train_on={"set": TrainOn(batch_size=8, weight=2.0)}
    )
    part = made.train_on["set"]
    assert (part.batch_size, part.weight, part.head.loss) == (8, 2.0, "binary")


def test_without_a_recipe_nothing_changes():
    assert Curriculum(train_on={"set": {}}) == Curriculum(recipe=None, train_on={"set": {}})
    left = Curriculum(train_on={"set": {}})
    assert (left.schedule, left.augmentation, left.input) == ("cosine", "strength", None)
    assert (left.hold, left.floor, left.head_learning_rate) == (0, 0, None)


# --- in a file ---

STUDY = """study: s
datasets:
  attacks: { domain: pad, source: { kind: studio, labels: 4, images_per_label: 2 } }
  things: { domain: object, source: { kind: studio, labels: 4, images_per_label: 2 } }
backbones:
  b: { architecture: eva02_tiny_patch14_224, weights: { kind: random } }
curricula:
  base: {}
  pad:
    CURRICULUM
evaluation: { datasets: [things] }
"""


def parse(curriculum):
    text = STUDY.replace("CURRICULUM", curriculum)
    return parse_study(load_yaml(text, "s.yaml"), "s.yaml", text)


def test_a_study_takes_a_recipe_by_name():
    study = parse("{ recipe: foundpad, steps: 9, train_on: { attacks: { batch_size: 4 } } }")
    found = study.curricula["pad"]
    assert (found.recipe, found.learning_rate, found.steps) == ("foundpad", 1e-6, 9)
    assert study.base_curriculum() == "base"


WRONG = {
    "{ recipe: foundpad, train_on: { attacks: {} } }": (
        r"s\.yaml:9: `curricula\.pad`: recipe `foundpad` trains 40 epochs; add the line `steps: \.\.\.`"
    ),
    "{ recipe: foundpat, steps: 2, train_on: { attacks: {} } }": (
        r"s\.yaml:10: `curricula\.pad\.recipe`: got 'foundpat', did you mean `foundpad`"
    ),
    "{ recipe: madation, steps: 2 }": "recipe needs train_on",
    "{ steps: 2, input: { normalisation: half } }": "input needs train_on",
    "{ steps: 2, train_on: { attacks: {} }, input: { embed_as: training } }": (
        "give `normalisation` or `colour_order`, or leave `input` out"
    ),
    "{ steps: 2, train_on: { things: { head: { loss: binary } } } }": (
        r"curricula\.pad\.train_on\.things\.head: `binary` tells bona fide images from attacks, and `things` is of"
    ),
    "{ steps: 2, train_on: { attacks: {} }, lora: { dropout: 0.1 }, compile: true }": (
        r"lora\.dropout takes the low-rank branch out of the weights"
    ),
    "{ steps: 2, train_on: { attacks: { head: { loss: binery } } } }": "did you mean `binary`",
    "{ steps: 2, train_on: { attacks: {} }, augmentation: flipp }": "did you mean `flip`",
}


@pytest.mark.parametrize("curriculum", WRONG)
def test_what_cannot_be_trained_is_refused_with_its_line(curriculum):
    with pytest.raises(UserError, match=WRONG[curriculum]):
        parse(curriculum)
