"""A trade-offs study on disk: two sizes of a CLIP, tuned for three tasks, with planted losses and gains."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri
from synthetic import build
from synthetic_config import default_config
from synthetic_disk import HUMANS, REPORT, ROOT, Disk
from synthetic_maps import methods_of
from synthetic_page import call

from unispace.commands import draw_figure as draw_figure_command
from unispace.commands import evaluate_tradeoffs
from unispace.config.study import Study
from unispace.config.tradeoffs import DETECTION, Gain, Tradeoffs, gained, traded, tradeoff_figures
from unispace.evaluation.measure import Measure
from unispace.evaluation.tidy import Cell, points, rows, rows_of_cells
from unispace.records.audit import SCHEMA as AUDIT
from unispace.records.files import read_json
from unispace.records.humans import COMPARISON_SCHEMA, read_humans
from unispace.records.manifest import read_manifest
from unispace.records.results import CURVE_SCHEMA, SAMPLES_SCHEMA, SCHEMA
from unispace.records.tables import read_table, write_table
from unispace.reporting.page import Material, render

PUBLISHED = ROOT / "workflow" / "unispace" / "evaluation" / "published" / "tradeoffs.csv"
GENERAL = ("shapes", "textures", "colours", "counts", "glyphs", "orientation", "digits", "objects")
CHANCE = dict(zip(GENERAL, (0.1, 0.1, 0.125, 0.2, 0.05, 0.125, 0.1, 0.05), strict=True))
PROTOCOLS = ("zero-shot:studio", "linear-probe", "linear-probe-C=0.316")
RESAMPLES = 100
DIVERGED = "clip-m/sequential/seed0"
UNCONVERGED = ("clip-s/imic-a/seed0", "digits")

# Share of the ability above chance that is lost, by a probe; texts lose more.
LOST = {
    "base": 0.0, "fr": 0.30, "fr-rank-2": 0.10, "fr-rank-32": 0.42, "fr-fast": 0.48, "fr-slow": 0.16,
    "fr-long": 0.38, "mad": 0.05, "pad": 0.02, "sequential": 0.55, "imic-a": 0.10,
    "wise-25": 0.05, "wise-50": 0.12, "wise-75": 0.2,
}  # fmt: skip
GAINED = {
    "fr": {"fr": 0.3, "fr-rank-2": 0.2, "fr-rank-32": 0.31, "fr-fast": 0.29, "fr-slow": 0.22, "fr-long": 0.33,
           "sequential": 0.25, "imic-a": 0.28, "wise-25": 0.14, "wise-50": 0.24, "wise-75": 0.29, "mad": -0.05},
    "pad": {"pad": 0.25, "imic-a": 0.2, "sequential": 0.05, "fr": -0.08},
    "mad": {"mad": 0.22, "imic-a": 0.18, "sequential": 0.02, "fr": -0.1},
}  # fmt: skip


def tradeoffs_config() -> dict:
    """Two sizes, a controlled study of rank, learning rate and steps, remedies; attacks are not yet evaluated."""
    config = default_config()
    things = config["datasets"]["things"]
    network = {
        "provider": "open_clip",
        "architecture": "ViT-B-16",
        "pooling": "token",
        "preprocessing": {"size": 224},
        "weights": {"kind": "random"},
    }
    faces = config["datasets"]["faces"]
    attacks = {"kind": "studio", "labels": 20, "images_per_label": 4}
    tuned = {"steps": 200, "learning_rate": 0.001, "lora": {"rank": 8}}
    fr = {**tuned, "train_on": {"faces": {"batch_size": 32}}}
    both = {"faces": {"batch_size": 16}, "pad": {"batch_size": 16}, "mad": {"batch_size": 16}}
    return config | {
        "study": "trades",
        "datasets": {
            **{name: things | {"splits": {"train": 0.5, "val": 0.2}} for name in GENERAL},
            "faces": faces,
            "pad": {"domain": "pad", "source": attacks},
            "mad": {"domain": "mad", "source": attacks},
        },
        "backbones": {"clip-s": network, "clip-m": copy.deepcopy(network)},
        "curricula": {
            "base": {},
            "fr": fr,
            "fr-rank-2": fr | {"lora": {"rank": 2}},
            "fr-rank-32": fr | {"lora": {"rank": 32}},
            "fr-slow": fr | {"learning_rate": 0.0002},
            "fr-fast": fr | {"learning_rate": 0.005},
            "fr-long": fr | {"steps": 800},
            "mad": {**tuned, "train_on": {"mad": {}}},
            "pad": {**tuned, "train_on": {"pad": {}}},
            "sequential": {**tuned, "sequence": ["faces", "pad", "mad"], "train_on": both},
            "imic-a": {**tuned, "train_on": {**both, "objects": {"batch_size": 16}}},
            **{
                f"wise-{share * 100:g}": {"interpolate": {"curriculum": "fr", "share": share}}
                for share in (0.25, 0.5, 0.75)
            },
        },
        "maps": {
            "models": [f"clip-s/{c}/seed0" for c in ("base", "fr", "mad", "imic-a")],
            "datasets": ["faces"],
            "methods": {"baseline": {}, "procrustes": {}},
        },
        "prompts": {"datasets": list(GENERAL), "templates": ["studio"]},
        "evaluation": config["evaluation"] | {"datasets": [*GENERAL, "faces"], "fmr": [0.01]},
        "tradeoffs": {
            "datasets": list(GENERAL),
            "gain": {"fr": {"dataset": "faces"}},
            "sizes": {"clip": ["clip-s", "clip-m"]},
        },
    }


def small_config() -> dict:
    """The same with fewer curricula, of which every kind is there once."""
    config = tradeoffs_config()
    left_out = ("fr-rank-32", "fr-slow", "fr-fast", "fr-long")
    kept = {n: c for n, c in config["curricula"].items() if n not in left_out}
    return config | {"curricula": kept}


def with_attacks(study: Study) -> Study:
    """The same study with gains in attack detection, whether or not its settings allow these already."""
    gain = {
        "fr": Gain(dataset="faces"),
        "pad": Gain(dataset="pad", metric="HTER"),
        "mad": Gain(dataset="mad", metric="D-EER"),
    }
    part = Tradeoffs.model_validate(study.tradeoffs.model_dump() | {"gain": {}})
    return study.model_copy(update={"tradeoffs": part.model_copy(update={"gain": gain})})


def trade_tables(study: Study, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tidy rows and points of curves of single models, and what the command makes of them."""
    made, curves = [], []
    for model in study.models():
        made += _general(study, model)
        made.append(_faces(study, model))
        attacks = _attacks(study, model)
        made += attacks[0]
        curves += attacks[1]
    whole = pd.concat(made, ignore_index=True)
    write_table(whole[SCHEMA.names], SCHEMA, folder / "measured.parquet")
    # As evaluation.tidy.samples_of gives them, of so many rows at once.
    kept = whole[whole["samples"].notna()]
    long = kept.loc[kept.index.repeat(RESAMPLES)].reset_index(drop=True)
    long["resample"] = np.tile(np.arange(RESAMPLES, dtype=np.int32), len(kept))
    long["value"] = np.concatenate(list(kept["samples"]))
    write_table(long[SAMPLES_SCHEMA.names], SAMPLES_SCHEMA, folder / "samples.parquet")
    found = [whole[SCHEMA.names], _mapped(study)]
    for backbone in study.backbones:
        settings = {
            "study": study.study, "seed": 1, "models": traded(study, backbone),
            "tradeoffs": {"datasets": list(GENERAL)}, "gains": gained(study),
        }  # fmt: skip
        path = folder / f"{backbone}.parquet"
        call(
            evaluate_tradeoffs,
            *("--settings", json.dumps(settings), "--measured", folder / "measured.parquet"),
            *("--samples", folder / "samples.parquet", "--metrics", path),
        )
        found.append(read_table(path, SCHEMA))
    results = pd.concat(found, ignore_index=True).astype({"seed": "Int64"})
    return results, pd.concat(curves, ignore_index=True)


def build_tradeoffs(folder: Path, config: dict | None = None) -> Trades:
    """What all commands of a trade-offs study would leave."""
    plain = build(folder, config or tradeoffs_config())
    disk = Trades(plain.folder, with_attacks(plain.study))
    parts = read_table(disk.results, SCHEMA)
    # Numbers of single models are planted, with samples.
    single = parts["experiment"].isin(["classification", "verification"]) & parts["model"].notna()
    results, curves = trade_tables(disk.study, folder)
    both = pd.concat([parts[~single], results], ignore_index=True).astype({"seed": "Int64"})
    write_table(both, SCHEMA, disk.results)
    known = read_table(disk.curves, CURVE_SCHEMA)
    write_table(pd.concat([known, curves], ignore_index=True), CURVE_SCHEMA, disk.curves)
    return disk


def page_of(disk: Trades, printed: pd.DataFrame | None) -> str:
    """The page, as command render_report makes it; of settings that the command might still refuse."""
    return render(material_of(disk, printed), REPORT, disk.page)


def material_of(disk: Disk, printed: pd.DataFrame | None = None) -> Material:
    """What the page of a study is made of."""
    study = disk.study
    return Material(
        study=study,
        models=study.models(),
        datasets=tuple(study.datasets),
        figures=tuple(disk.drawn_from()),
        results=read_table(disk.results, SCHEMA),
        audit=read_table(disk.audit, AUDIT),
        manifests={
            name: read_manifest(disk.data(name) / "manifest.parquet", ("row", "label", "split"))
            for name in study.datasets
        },
        cards=[read_json(disk.checkpoint(m) / "model.json") for m in study.models()],
        folder=disk.figures,
        people=read_table(disk.people, COMPARISON_SCHEMA),
        humans=read_humans(HUMANS),
        methods=dict(methods_of(study)),
        families=study.maps.family_of(),
        printed=printed,
        drawn_from={name: list(map(str, paths)) for name, paths in disk.drawn_from().items()},
    )


@dataclasses.dataclass(frozen=True)
class Trades(Disk):
    """A study on disk with the figures of trade-offs."""

    def drawn_from(self) -> dict[str, list[Path]]:
        sources = {
            name: [self.curves if name == "det" else self.results]
            for name in tradeoff_figures(self.study)
        }
        return super().drawn_from() | sources

    def plan(self, figure: str) -> dict:
        if figure not in tradeoff_figures(self.study):
            return super().plan(figure)
        study = self.study
        return super().plan(figure) | {
            "curricula": [[n, c.model_dump(mode="json")] for n, c in study.curricula.items()],
            "base": study.base_curriculum(),
            "gains": gained(study),
            "sizes": list(study.tradeoffs.sizes.items()),
            "methods": list(study.maps.methods),
            "protocols": [*study.maps.identification, *study.maps.verification],
        }


def draw_trade(disk: Disk, name: str, folder: Path) -> None:
    """As rule draw_figure does it."""
    call(
        draw_figure_command,
        *("--settings", json.dumps(disk.plan(name)), "--style", REPORT / "style.mplstyle"),
        *("--tables", *disk.drawn_from()[name]),
        *("--published", *([PUBLISHED] if name == "gelo" else [])),
        *(x for kind in ("svg", "png", "csv") for x in (f"--{kind}", folder / f"{name}.{kind}")),
    )


def _measure(metric, value, key, n, unit="class", chance=None, spread=0.02, status="ok"):
    """A number whose resamples are the same draws in all models."""
    if status != "ok":
        return Measure.failed(metric, n, unit, status, chance)
    value = float(np.clip(value, 0.01, 0.995))
    noise = np.random.default_rng([7, *key.encode()]).normal(size=RESAMPLES)
    own = np.random.default_rng([8, *f"{key}{value:.6f}".encode()]).normal(size=RESAMPLES)
    drawn = np.clip(value + spread * (0.9 * noise + 0.4 * own), 0, 1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Measure(metric, value, min(low, value), max(high, value), n, unit, chance=chance, samples=drawn)  # fmt: skip


def _lost(model: str, protocol: str) -> float:
    backbone, curriculum, _ = model.split("/")
    more = 1.6 if protocol.startswith("zero-shot") else 1.0
    less = 0.75 if backbone == "clip-m" else 1.0
    return min(0.95, LOST[curriculum] * more * less)


def _cell(study: Study, model: str, dataset: str, experiment: str, protocol: str) -> Cell:
    return Cell(study.study, dataset, 1, "0" * 64, experiment, protocol, model)


def _status(model: str) -> str:
    return "the loss of `mad` was nan at step 57" if model == DIVERGED else "ok"


def _general(study: Study, model: str) -> list[pd.DataFrame]:
    found = []
    for place, dataset in enumerate(GENERAL):
        guess = CHANCE[dataset]
        for protocol in PROTOCOLS:
            ability = (0.5 if protocol.startswith("zero-shot") else 0.75) - 0.035 * place
            lost = _lost(model, protocol) * (0.7 + 0.08 * place)
            value = guess + (1 - guess) * ability * (1 - lost)
            status = _status(model)
            if (model, dataset) == UNCONVERGED and protocol == "linear-probe":
                status = "lbfgs did not converge in 1000 iterations"
            key = f"{dataset} {protocol}"
            measure = _measure("top-1", value, key, 400, chance=guess, status=status)
            found.append((_cell(study, model, dataset, "classification", protocol), measure))
    return [rows_of_cells(found)]


def _gain(model: str, task: str) -> float:
    return GAINED[task].get(model.split("/")[1], 0.0) * (1.1 if model.startswith("clip-m") else 1)


def _faces(study: Study, model: str) -> pd.DataFrame:
    level, status = 0.62 + _gain(model, "fr"), _status(model)
    numbers = (("AUC", level, 0.5), ("EER", 1 - level, 0.5), ("TMR@FMR=0.01", level - 0.3, 0.01))
    about = _cell(study, model, "faces", "verification", "all-pairs")
    measures = [
        _measure(metric, value, f"faces {metric}", 5_000, "identity", chance, status=status)
        for metric, value, chance in numbers
    ]
    return rows(about, measures)


def _attacks(study: Study, model: str) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
    found, curves, status = [], [], _status(model)
    for task in ("pad", "mad"):
        for protocol, better in (("probe", 0.0), ("head", 0.03)):
            if protocol == "head" and model.split("/")[1] not in (task, "sequential", "imic-a"):
                continue
            error = 0.3 - _gain(model, task) - better
            numbers = {
                "AUC": 1 - error / 1.5, "D-EER": error, "HTER": error + 0.03,
                "HTER@EER-of-test": error, "BPCER@APCER=0.1": error * 1.4,
                "BPCER@APCER=0.2": error * 0.9, "BPCER@APCER=0.2-of-val": error, "APCER@BPCER=0.1": error * 1.5,
            }  # fmt: skip
            measures = [
                _measure(m, v, f"{task} {m}", 300, "identity", status=status)
                for m, v in numbers.items()
            ]
            measures.append(
                Measure.failed(
                    "BPCER@APCER=0.01",
                    300,
                    "identity",
                    "BPCER 0.01 takes 500 bona fide images, there are 120",
                )
            )
            about = _cell(study, model, task, DETECTION, protocol)
            found.append(rows(about, measures))
            if status == "ok":
                apcer = np.concatenate([[0.0], np.linspace(0.005, 0.995, 100), [1.0]])
                bpcer = ndtr(-2 * ndtri(1 - np.clip(error, 0.02, 0.6)) - ndtri(apcer))
                curves.append(points(about, apcer, bpcer))
    return found, curves


def _mapped(study: Study) -> pd.DataFrame:
    """Maps from the base to three tuned models, in the place of what other tests draw at random."""
    found = []
    for name, low, high in (("fr", 0.2, 0.7), ("mad", 0.8, 0.85), ("imic-a", 0.5, 0.75)):
        for method, value in (("baseline", low), ("procrustes", high)):
            about = Cell(
                study.study, "faces", 1, "0" * 64, "identification", "enrol-planted", None,
                "clip-s/base/seed0", f"clip-s/{name}/seed0", method, "faces",
            )  # fmt: skip
            found.append(rows(about, [_measure("Rank-1", value, f"map {method}", 300, "identity")]))
    return pd.concat(found, ignore_index=True)[SCHEMA.names]
