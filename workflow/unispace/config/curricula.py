"""How a backbone is tuned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from unispace.config.adaptation import Adaptation
from unispace.config.base import ATTACK_DOMAINS, Distinct, Domain, Name, Settings
from unispace.config.heads import Head
from unispace.config.loop import Loop
from unispace.config.optimisation import Augmentation
from unispace.config.optimisation import Optimisation as Optimisation
from unispace.config.recipes import RecipeName, expanded
from unispace.config.training_input import TrainingInput
from unispace.errors import did_you_mean


class TrainOn(Settings):
    """One data set in a curriculum."""

    batch_size: Annotated[int, Field(ge=2)] = 32
    """Images of this data set in each visit."""
    weight: Annotated[float, Field(ge=0)] = 1.0
    """Factor of its loss; at 0 it is watched and changes nothing."""
    sampling: Literal["uniform", "balanced"] = "uniform"
    """`uniform`: every image once before any comes again; `balanced`: every label of the head equally often, so that
    images of a rare one come again sooner."""
    head: Head | None = None
    """Its head; left out: softmax for objects, CosFace for identities, `binary` for attacks."""
    share_head_of: Name | None = None
    """Another data set of this curriculum whose head it uses: labels of one name are one class, as for good and bad
    images of the same persons."""

    @model_validator(mode="after")
    def _room_for_the_batch(self) -> TrainOn:
        if self.head is not None and self.share_head_of is not None:
            raise ValueError("`head` and `share_head_of` exclude each other; take one out")
        seen = self.head.classes_per_step if self.head is not None else None
        if seen is not None and seen < self.batch_size:
            raise ValueError(
                f"head.classes_per_step {seen} has no room for the classes of a batch of {self.batch_size}; "
                f"give it at least that many"
            )
        return self


class Block(Settings):
    """Cycles that visit the same data sets."""

    cycles: Annotated[int, Field(ge=1)]
    """Cycles in a row."""
    weights: Annotated[dict[Name, Annotated[float, Field(ge=0)]], Field(min_length=1)]
    """The data sets that these cycles visit, each with a further factor of its loss."""


class Interpolation(Settings):
    """Weights on the straight line from the pretrained to tuned ones (WiSE-FT: Wortsman et al. 2022, arXiv 2109.01903)."""

    curriculum: Name
    """The curriculum whose tuned weights are the end of the line."""
    share: Annotated[float, Field(ge=0, le=1)]
    """Share of the tuned weights: 0 is the pretrained model, 1 the tuned one."""


class Curriculum(Optimisation, Adaptation, Loop):
    """How a backbone is tuned; `base` has no data sets and leaves it as it is."""

    train_on: dict[Name, TrainOn] = Field(default={})
    """The data sets and their settings; a cycle visits all of them in the order of their names, unless `sequence` or
    `blocks` say otherwise."""
    coupling: Literal["accumulate", "alternate", "concat", "surgery"] = "accumulate"
    """What a cycle does with its data sets. `accumulate`: one step on their summed gradients, from one pass over the
    images of all of them where every layer looks at each image alone, else from a pass over each (`micro_batches`
    limits the memory that a pass takes); `alternate`: a step for each; `concat`: one step on one mixed batch, whose
    batch norms see the mixture; `surgery`: as accumulate, without the components of the gradients that conflict
    (PCGrad: Yu et al. 2020, arXiv 2001.06782)."""
    sequence: Distinct[Name] = ()
    """The data sets one after the other, `steps` each, every time with a new optimiser and a schedule from its
    start."""
    blocks: tuple[Block, ...] = ()
    """Blocks of cycles, repeated to the end; a data set that a block does not name is not visited in it."""
    untrained: bool = False
    """Fresh random weights instead of the pretrained ones, as a control; nothing is tuned."""
    interpolate: Interpolation | None = None
    """Weights between the pretrained ones and those of another curriculum; nothing is tuned."""
    augmentation: Augmentation = "strength"
    """How training images are changed. `strength`: as strongly as `augment` says; the others are recipes of the
    papers, of fixed strength: `flip` (MADation), `froundation` (four random changes of magnitude 16, and flips),
    `foundpad` (crops, flips, gamma, shifts of channels, small changes of colour)."""
    input: TrainingInput | None = None
    """Another normalisation of the images than the backbone's; left out: the backbone's."""
    recipe: RecipeName | None = None
    """Published settings of a system of the trade-offs paper, in place of the defaults; keys of your own come before
    those of the recipe. `steps` is yours to give, since the published numbers are epochs of other data."""

    @model_validator(mode="before")
    @classmethod
    def _from_recipe(cls, data: Any) -> Any:
        return expanded(data)

    @model_validator(mode="after")
    def _consistent(self) -> Curriculum:
        problems = self._without_data() if not self.train_on else self._schedule()
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_validator(mode="after")
    def _shared_heads(self) -> Curriculum:
        owners = tuple(d for d, part in self.train_on.items() if part.share_head_of is None)
        for dataset, part in self.train_on.items():
            owner = part.share_head_of
            if owner is None:
                continue
            where = f"train_on.{dataset}.share_head_of"
            if owner not in self.train_on or owner == dataset:
                others = [name for name in owners if name != dataset]
                raise ValueError(
                    f"{where}: `{owner}` is no other data set of this curriculum; {did_you_mean(owner, others)}"
                )
            if owner not in owners:
                raise ValueError(
                    f"{where}: `{owner}` uses the head of `{self.train_on[owner].share_head_of}` itself; "
                    f"name that one"
                )
            if not (part.weight and self.train_on[owner].weight):
                raise ValueError(
                    f"{where}: a data set of weight 0 is only watched, and its labels would change the head; give "
                    f"both a weight above 0, or a head of their own"
                )
            head = self.train_on[owner].head
            seen = head.classes_per_step if head is not None else None
            if seen is not None and seen < part.batch_size:
                raise ValueError(
                    f"{where}: classes_per_step {seen} of that head has no room for the classes of a batch of "
                    f"{part.batch_size}"
                )
        return self

    def head_of(self, dataset: str) -> Head | None:
        """The head that a data set is given, its own or the one that it shares; None where none is stated."""
        owner = self.train_on[dataset].share_head_of
        return self.train_on[owner or dataset].head

    def total_steps(self) -> int:
        """Cycles of the whole training."""
        return self.steps * max(1, len(self.sequence))

    def _without_data(self) -> list[str]:
        named = [key for key in ("sequence", "blocks", "input", "recipe") if getattr(self, key)]
        problems = [f"{key} needs train_on, which names the data sets" for key in named]
        if self.untrained and self.interpolate:
            problems.append("untrained and interpolate exclude each other; leave one out")
        return problems

    def _schedule(self) -> list[str]:
        problems = [
            f"{key} tunes nothing; leave train_on out, or {key}"
            for key in ("untrained", "interpolate")
            if getattr(self, key)
        ]
        if not any(part.weight > 0 for part in self.train_on.values()):
            problems.append("at least one data set of train_on needs a weight above 0")
        if self.sequence and self.blocks:
            problems.append("sequence and blocks exclude each other; leave one out")
        if self.lora is not None and self.lora.dropout and self.compile:
            problems.append(
                "lora.dropout takes the low-rank branch out of the weights, which a compiled network does not follow; "
                "leave out compile, or set lora.dropout to 0"
            )
        problems += self._unknown("sequence", self.sequence)
        if self.sequence:
            problems += self._unvisited("sequence", set(self.sequence))
        problems += [
            f"sequence: `{name}` has weight 0, so its steps would change nothing"
            for name in self.sequence
            if name in self.train_on and self.train_on[name].weight == 0
        ]
        for number, block in enumerate(self.blocks):
            problems += self._unknown(f"blocks[{number}].weights", block.weights)
            known = [n for n in block.weights if n in self.train_on]
            if known and not any(block.weights[n] * self.train_on[n].weight for n in known):
                problems.append(
                    f"blocks[{number}]: every data set has weight 0, so its steps would change nothing"
                )
        if self.blocks:
            problems += self._unvisited("blocks", {n for b in self.blocks for n in b.weights})
            first = [
                range(sum(b.cycles for b in self.blocks[:i]), self.steps)
                for i in range(len(self.blocks))
            ]
            problems += [
                f"blocks[{i}] begins after the last of {self.steps} steps; raise steps or take fewer cycles"
                for i, left in enumerate(first)
                if not left
            ]
        if self.compile and self.coupling == "concat" and self.conflict_every:
            # One compiled forward pass allows one backward pass.
            problems.append(
                "conflict_every cannot tell the gradients of a mixed batch apart in a compiled network; leave out "
                "compile, or set conflict_every to 0"
            )
        shares = self.micro_batches * self.processes
        problems += [
            f"train_on.{name}: a batch of {part.batch_size} has no image for each of {shares} parts "
            f"(micro_batches x processes)"
            for name, part in self.train_on.items()
            if part.batch_size < shares
        ]
        return problems

    def _unknown(self, key: str, names: Iterable[str]) -> list[str]:
        return [
            f"{key}: `{name}` is not in train_on; {did_you_mean(name, self.train_on)}"
            for name in names
            if name not in self.train_on
        ]

    def _unvisited(self, key: str, names: set[str]) -> list[str]:
        return [
            f"{key}: `{name}` of train_on is never visited; add it, or take it out of train_on"
            for name in self.train_on
            if name not in names
        ]


def reference_problems(
    curricula: Mapping[str, Curriculum], tuned_with: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """What is wrong with the curricula that others are interpolated from.

    Args:
        curricula: all of the study.
        tuned_with: the curricula of each backbone.
    """
    problems = []
    for name, settings in curricula.items():
        if settings.interpolate is None:
            continue
        end = settings.interpolate.curriculum
        where = f"curricula.{name}.interpolate.curriculum"
        trained = [other for other, s in curricula.items() if s.train_on]
        if end not in curricula:
            problems.append(f"{where}: `{end}` is not defined; {did_you_mean(end, trained)}")
        elif end not in trained:
            problems.append(f"{where}: `{end}` tunes nothing; name one that has train_on")
        else:
            problems += [
                f"{where}: backbone `{backbone}` is not tuned with `{end}`; add it to its `curricula`"
                for backbone, chosen in tuned_with.items()
                if name in chosen and end not in chosen
            ]
    return problems


def head_problems(curricula: Mapping[str, Curriculum], domains: Mapping[str, Domain]) -> list[str]:
    """What is wrong with binary heads, which tell bona fide images from attacks.

    Args:
        curricula: all of the study.
        domains: of its data sets.
    """
    problems = []
    for name, curriculum in curricula.items():
        for dataset, part in curriculum.train_on.items():
            if dataset not in domains:
                continue
            attacks = domains[dataset] in ATTACK_DOMAINS
            if part.head is not None and part.head.loss == "binary" and not attacks:
                problems.append(
                    f"curricula.{name}.train_on.{dataset}.head: `binary` tells bona fide images from attacks, and "
                    f"`{dataset}` is of domain {domains[dataset]}; take softmax or cosface"
                )
            owner = part.share_head_of
            if owner is None or owner not in domains:
                continue
            if (domains[owner] in ATTACK_DOMAINS) != attacks:
                problems.append(
                    f"curricula.{name}.train_on.{dataset}.share_head_of: of `{owner}` and `{dataset}` only one holds "
                    f"attacks; give each a head of its own"
                )
    return problems
