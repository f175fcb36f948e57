"""Configurations of studies whose numbers are drawn at random."""

from __future__ import annotations

from pathlib import Path

import yaml


def default_config() -> dict:
    return yaml.safe_load(Path(__file__).with_name("study.yaml").read_text("utf-8"))


DOMAINS = ("objects", "faces", "faces_lq", "bodies")


def curriculum_config() -> dict:
    """The curriculum study in its full width: three backbones, 14 curricula, nine data sets."""
    config = default_config()
    sets = config["datasets"]
    copies = {
        "objects_styles": "objects", "digits": "objects",
        "faces_unseen": "faces_lq", "bodies_clothing": "bodies",
    }  # fmt: skip
    sets |= {name: sets[like] for name, like in copies.items()}
    network = config["backbones"]["eva02-micro"]
    tuned = {"steps": 200, "train_on": {d: {"batch_size": 16} for d in DOMAINS}}
    blocks = [
        {"cycles": 4, "weights": {"objects": 1, "faces": 1}},
        {"cycles": 4, "weights": {"faces_lq": 1, "bodies": 0.5}},
        {"cycles": 2, "weights": dict.fromkeys(DOMAINS, 0.5)},
    ]
    experts = dict(zip(DOMAINS, ("object", "face_hq", "face_lq", "person"), strict=True))
    halves = (0.25, 0.5, 0.75)
    return config | {
        "backbones": {
            **dict.fromkeys(("clip-micro", "dinov3-micro", "eva02-micro"), network),
            "pixels": config["backbones"]["pixels"] | {"curricula": ["expert-face_hq"]},
        },
        "curricula": {
            "base": {},
            "random": {"untrained": True},
            **{
                f"expert-{domain}": {"steps": 200, "train_on": {d: {"batch_size": 64}}}
                for d, domain in experts.items()
            },
            "sequential": {**tuned, "steps": 50, "sequence": DOMAINS},
            "alternate": {**tuned, "coupling": "alternate"},
            "concat": {**tuned, "coupling": "concat"},
            "imic-a": tuned,
            "imic-b": {**tuned, "blocks": blocks},
            **{
                f"wise-{s * 100:g}": {"interpolate": {"curriculum": "imic-a", "share": s}}
                for s in halves
            },
        },
        "maps": {},
        "evaluation": config["evaluation"] | {"datasets": [d for d in sets if d != "things"]},
    }


def only(config: dict, *datasets: str) -> dict:
    """The default study with some data sets alone, and without maps."""
    kept = {d: s for d, s in config["datasets"].items() if d in (*datasets, "things")}
    curricula = {}
    for name, curriculum in config["curricula"].items():
        on = {d: h for d, h in curriculum.get("train_on", {}).items() if d in datasets}
        if on or not curriculum.get("train_on"):
            curricula[name] = {**curriculum, "train_on": on}
    backbones = {}
    for name, backbone in config["backbones"].items():
        chosen = [c for c in backbone.get("curricula", ()) if c in curricula]
        if chosen or "curricula" not in backbone:
            backbones[name] = {**backbone, "curricula": chosen or None}
    return {
        **config,
        "datasets": kept,
        "backbones": backbones,
        "curricula": curricula,
        "maps": {},
        "evaluation": {**config["evaluation"], "datasets": list(datasets)},
    }
