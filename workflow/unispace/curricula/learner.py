"""A network with its heads and its optimiser, and how it takes one cycle of the schedule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import psutil
import torch
from torch import Tensor, nn

from unispace.backbones.devices import moved
from unispace.backbones.layers import parameter_groups
from unispace.backbones.network import Network
from unispace.config.curricula import Curriculum
from unispace.curricula.batches import draw, parts_of
from unispace.curricula.clipping import clip
from unispace.curricula.diverged import finite
from unispace.curricula.gradients import (
    Gradient,
    Gramian,
    added,
    gramian,
    put,
    take,
    without_conflict,
)
from unispace.curricula.heads import (
    AdaFace,
    BinaryHead,
    SampledClasses,
    build_head,
    check_memory,
)
from unispace.curricula.processes import World
from unispace.curricula.randomness import generator, seed_layers
from unispace.curricula.schedule import Cycle, Visit
from unispace.curricula.tasks import Task
from unispace.errors import UserError


@dataclass(frozen=True)
class Taken:
    """What a cycle showed.

    Attributes:
        losses: of each data set, without its weight.
        gradients: inner products of the weighted gradients in the shared weights, where they were measured.
            With `alternate` each was taken at the weights that its turn found.
    """

    losses: dict[str, float]
    gradients: Gramian | None


class Learner:
    """Takes cycles.

    Attributes:
        modules: the network and its heads, all that a state must hold beside the optimiser.
        optimiser: AdamW over them.
    """

    def __init__(
        self,
        network: Network,
        tasks: Sequence[Task],
        settings: Curriculum,
        seed: int,
        world: World,
    ) -> None:
        """Draw fresh heads.

        Raises:
            UserError: where a head does not fit into memory, the layers of the network are not known, or parts of a
                batch would not give what the whole does.
        """
        self.network, self.settings, self.seed, self.world = network, settings, seed, world
        self.tasks = {task.name: task for task in tasks}
        self.parts = settings.micro_batches * world.size
        heads = fresh_heads(tasks, network.dimension, seed)
        # By number, since a data set may be named like an attribute of a module.
        number = {name: number for number, name in enumerate(heads)}
        self.number = {task.name: number[task.head_name] for task in tasks}
        self.heads = nn.ModuleList(heads.values())
        if self.parts > 1:
            _check_parts(network, self.heads)
        # Where each image is looked at alone, the gradient of a mixed batch is the sum of those of its parts, at the
        # overhead of one pass. A compiled network would have to be compiled for every mixture.
        self.one_pass = (
            settings.coupling == "accumulate"
            and not settings.compile
            and _looks_at_batches(network, self.heads) is None
        )
        # Drawn on the CPU, so that they are the same on every device.
        network.compute_on(world.device)
        self.heads.to(network.device)
        self.modules = nn.ModuleDict({"network": network, "heads": self.heads})
        decay = settings.weight_decay
        groups = parameter_groups(network.body, settings.layer_decay, decay)
        of_heads = parameter_groups(self.heads, 1.0, decay)
        if settings.head_learning_rate is not None:
            for group in of_heads:
                group["scale"] = settings.head_learning_rate / settings.learning_rate
        self.optimiser = torch.optim.AdamW(
            groups + of_heads, lr=0.0, betas=settings.betas, fused=True
        )
        self.shared = [p for p in network.parameters() if p.requires_grad]
        self.parameters = [p for p in self.modules.parameters() if p.requires_grad]

    def attack_heads(self) -> dict[str, BinaryHead]:
        """The binary heads, by the data set that uses them."""
        heads = {name: self.heads[number] for name, number in self.number.items()}
        return {name: head for name, head in heads.items() if isinstance(head, BinaryHead)}

    def take(self, cycle: Cycle, measure: bool) -> Taken:
        """Take the step or steps of a cycle.

        Args:
            cycle: what to visit.
            measure: whether to compare the gradients of the data sets; this changes no bit of the weights.

        Raises:
            Diverged: where a loss or the gradient is not finite; the weights are those before the step.
        """
        if cycle.fresh:
            self.optimiser.state.clear()
        for group in self.optimiser.param_groups:
            group["lr"] = cycle.learning_rate * group["scale"]
        if self.settings.coupling == "alternate":
            return self._alternating(cycle, measure)
        learnt = sum(visit.weight > 0 for visit in cycle.visits)
        if self.settings.coupling == "concat" or (self.one_pass and learnt > 1):
            return self._mixed(cycle, measure)
        return self._coupled(cycle, measure)

    def _coupled(self, cycle: Cycle, measure: bool) -> Taken:
        """One step on the gradients of all data sets together."""
        surgery = self.settings.coupling == "surgery"
        found: dict[str, Gradient] | None = {} if measure or surgery else None
        losses = {visit.dataset: self._visit(visit, cycle, found) for visit in cycle.visits}
        products = None if found is None else self._compare(found)
        if surgery and found is not None and products is not None:
            order = generator(self.seed, "order of surgery", cycle.step)
            put(self.shared, found.values(), without_conflict(products, order))
        self._update(cycle, [visit for visit in cycle.visits if visit.weight])
        return Taken(losses, products if measure else None)

    def _alternating(self, cycle: Cycle, measure: bool) -> Taken:
        """A step for each data set."""
        found: dict[str, Gradient] | None = {} if measure else None
        losses: dict[str, float] = {}
        for visit in cycle.visits:
            losses[visit.dataset] = self._visit(visit, cycle, found)
            if visit.weight:
                self._update(cycle, [visit])
        return Taken(losses, None if found is None else self._compare(found))

    def _mixed(self, cycle: Cycle, measure: bool) -> Taken:
        """One step on a batch that holds those of all data sets."""
        learnt = [visit for visit in cycle.visits if visit.weight]
        device = self.network.device
        totals = {visit.dataset: torch.zeros((), device=device) for visit in learnt}
        found: dict[str, Gradient] = {}
        for part in self._own_parts():
            images, labels = zip(*(self._draw(visit, part) for visit in learnt), strict=True)
            seed_layers(self.seed, "mixed batch", cycle.step, part)
            vectors = self._embed(torch.cat(images)).split([len(batch) for batch in images])
            parts: list[Tensor] = []
            for visit, mine, truth in zip(learnt, vectors, labels, strict=True):
                loss = self._loss(visit, mine, truth)
                totals[visit.dataset] += loss.detach()
                parts.append(loss * visit.weight)
            if measure:
                for visit, loss in zip(learnt, parts, strict=True):
                    gradient: Gradient = list(
                        torch.autograd.grad(loss, self.shared, retain_graph=True, allow_unused=True)
                    )
                    before = found.get(visit.dataset)
                    found[visit.dataset] = gradient if before is None else added(before, gradient)
            torch.stack(parts).sum().backward()
        losses = {
            visit.dataset: self._known(totals[visit.dataset], visit, cycle)
            if visit.weight
            else self._visit(visit, cycle, None)
            for visit in cycle.visits
        }
        products = self._compare(found) if measure else None
        self._update(cycle, learnt)
        return Taken(losses, products)

    def _visit(self, visit: Visit, cycle: Cycle, found: dict[str, Gradient] | None) -> float:
        """Add the weighted gradient of a data set, or only watch it; returns its loss.

        Args:
            visit: the data set and its weight.
            cycle: that it belongs to.
            found: takes the gradient of the data set alone in the shared weights, if given.
        """
        total = torch.zeros((), device=self.network.device)
        for part in self._own_parts():
            images, labels = self._draw(visit, part)
            seed_layers(self.seed, visit.dataset, "step", visit.number, part)
            with nullcontext() if visit.weight else self._watching():
                loss = self._loss(visit, self._embed(images), labels)
            total += loss.detach()
            if visit.weight and found is None:
                (loss * visit.weight).backward()
            elif visit.weight and found is not None:
                others = take(self.shared)
                (loss * visit.weight).backward()
                mine = take(self.shared)
                before = found.get(visit.dataset)
                found[visit.dataset] = mine if before is None else added(before, mine)
                # What backward would have made of them.
                put(self.shared, (others, mine), (1.0, 1.0))
        return self._known(total, visit, cycle)

    def _own_parts(self) -> range:
        """The parts of each batch that this process takes."""
        return range(self.world.rank, self.parts, self.world.size)

    def _draw(self, visit: Visit, part: int) -> tuple[Tensor, Tensor]:
        task = self.tasks[visit.dataset]
        rows = parts_of(task.batch_size, self.parts)[part]
        how = self.settings
        drawn = draw(task, visit.number, how.augment, self.seed, rows, how.augmentation)
        return moved(drawn, self.network.device)

    def _embed(self, images: Tensor) -> Tensor:
        """Vectors `(n, d)`, float32, not normalised."""
        reduced = self.settings.precision == "bfloat16"
        with torch.autocast(images.device.type, torch.bfloat16, enabled=reduced):
            return self.network.features(images).float()

    def _loss(self, visit: Visit, vectors: Tensor, labels: Tensor) -> Tensor:
        """What some images of a batch contribute to its mean loss."""
        share = len(labels) / self.tasks[visit.dataset].batch_size
        return self.heads[self.number[visit.dataset]](vectors, labels) * share

    def _known(self, total: Tensor, visit: Visit, cycle: Cycle) -> float:
        self.world.add_up([total])
        return finite(total, "loss", f"`{visit.dataset}`", cycle.step, cycle.learning_rate)

    def _compare(self, gradients: dict[str, Gradient]) -> Gramian:
        """Inner products of gradients, each summed over the processes."""
        if self.world.size > 1:
            gradients = {
                name: [None if g is None else g.clone() for g in gradient]
                for name, gradient in gradients.items()
            }
            for gradient in gradients.values():
                self.world.add_up([g for g in gradient if g is not None])
        return gramian(gradients)

    def _update(self, cycle: Cycle, visits: Sequence[Visit]) -> None:
        """Take a step on the gradients there are, clipped together, unless they are not finite."""
        self.world.add_up([p.grad for p in self.parameters if p.grad is not None])
        norm = clip(self.parameters, self.settings.clip_norm)
        names = " + ".join(f"`{visit.dataset}`" for visit in visits)
        finite(norm, "gradient", names, cycle.step, cycle.learning_rate)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """No gradients, and no running statistics of batch norm."""
        self.network.eval()
        with torch.no_grad():
            yield
        self.network.train()


def fresh_heads(tasks: Sequence[Task], dimension: int, seed: int) -> dict[str, nn.Module]:
    """The heads by the name of the task that has its own.

    The weights of a head depend on seed and task, not on what other tasks there are.

    Raises:
        UserError: where a head does not fit into memory.
    """
    heads = {}
    for task in tasks:
        if task.share_head_of is not None:
            continue
        largest = max(t.batch_size for t in tasks if t.head_name == task.name)
        available = psutil.virtual_memory().available
        check_memory(task.name, task.head, len(task.label_names), dimension, largest, available)
        torch.manual_seed(generator(seed, task.name, "head").initial_seed())
        heads[task.name] = build_head(task.head, len(task.label_names), dimension)
    return heads


def _check_parts(network: Network, heads: nn.ModuleList) -> None:
    """Refuse what would not be the same on parts of a batch.

    Raises:
        UserError: where the network or a head looks at a batch as a whole.
    """
    name = _looks_at_batches(network, heads)
    if name is not None:
        raise UserError(
            f"micro_batches and processes cut batches into parts, but {name} takes its statistics from a "
            f"whole batch, so the weights would be others; set both to 1"
        )


def _looks_at_batches(network: Network, heads: nn.ModuleList) -> str | None:
    """What looks at a batch as a whole and not at each image alone, in words; None where nothing does."""
    whole = {
        nn.modules.batchnorm._BatchNorm: "batch norm",
        AdaFace: "an adaface head",
        SampledClasses: "a head with classes_per_step",
    }
    for module in (*network.modules(), *heads.modules()):
        for kind, name in whole.items():
            if isinstance(module, kind):
                return name
    return None
