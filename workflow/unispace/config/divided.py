"""Splits that a study needs, and that the shares of its data sets leave empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unispace.config.backbones import Pretrain
from unispace.errors import did_you_mean

if TYPE_CHECKING:
    from unispace.config.datasets import Splits
    from unispace.config.study import Study


def split_problems(study: Study) -> list[str]:
    """What is tested or trained on, and has no share; what a manifest divides is known when it is read."""
    problems = []
    tested = study.evaluation.split
    for name in study.evaluation.datasets:
        splits = study.datasets[name].splits
        there = _filled(splits)
        if there is None or tested in there:
            continue
        if tested in ("train", "val", "test"):
            share = "lower `train` or `val`" if tested == "test" else f"give `{tested}` a share"
            problems.append(
                f"datasets.{name}.splits: leaves no image for the split `{tested}`, which is tested; {share}, such as "
                f"`splits: {{ train: 0.5, val: 0.1 }}`"
            )
        else:
            problems.append(
                f"evaluation.split: `{name}` has no split `{tested}`; {did_you_mean(tested, there)}"
            )
    for name, user in _trained(study).items():
        there = _filled(study.datasets[name].splits)
        if there is not None and "train" not in there:
            problems.append(
                f"datasets.{name}.splits: leaves no image for the split `train`, which {user} learns from; write "
                f"`train: 0.5`"
            )
    return problems


def _filled(splits: Splits) -> set[str] | None:
    """Splits that have a share of the images; None where a manifest names them."""
    if splits.by == "manifest":
        return None
    shares = {"train": splits.train, "val": splits.val, "test": 1 - splits.train - splits.val}
    filled = {split for split, share in shares.items() if share > 1e-9}
    filled |= {"held_out"} if splits.hold_out else set()
    return filled & set(splits.keep) if splits.keep else filled


def _trained(study: Study) -> dict[str, str]:
    """Data sets that weights are made on, each with the first key that names it."""
    users: dict[str, str] = {}
    for name, backbone in study.backbones.items():
        if isinstance(backbone.weights, Pretrain):
            for dataset in backbone.weights.datasets:
                users.setdefault(dataset, f"backbones.{name}.weights")
    for name, curriculum in study.curricula.items():
        for dataset in curriculum.train_on:
            users.setdefault(dataset, f"curricula.{name}")
    return users
