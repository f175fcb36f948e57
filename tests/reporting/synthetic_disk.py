"""Where the pieces of a study lie that a test has drawn at random, and what its figures are drawn from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from synthetic_maps import map_settings, methods_of
from synthetic_structure import FIGURES as STRUCTURE

from unispace.config.analysis import analysed_domains, analysed_models
from unispace.config.study import Study
from unispace.records.names import flat_name

ROOT = Path(__file__).resolve().parents[2]

REPORT = ROOT / "workflow" / "report"

HUMANS = ROOT / "workflow" / "unispace" / "evaluation" / "human.csv"

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Disk:
    """Where the pieces of a study lie."""

    folder: Path
    study: Study

    @property
    def results(self) -> Path:
        return self.folder / "results.parquet"

    @property
    def people(self) -> Path:
        return self.folder / "humans.parquet"

    @property
    def curves(self) -> Path:
        return self.folder / "curves.parquet"

    @property
    def views(self) -> Path:
        return self.folder / "views.parquet"

    @property
    def examples(self) -> Path:
        return self.folder / "examples.parquet"

    @property
    def map_views(self) -> Path:
        return self.folder / "map_views.parquet"

    @property
    def audit(self) -> Path:
        return self.folder / "audit.parquet"

    @property
    def figures(self) -> Path:
        return self.folder / "report" / "figures"

    @property
    def page(self) -> Path:
        return self.folder / "report" / "index.html"

    def curve(self, name: str, dataset: str) -> Path:
        return self.folder / name / f"{dataset}.parquet"

    def data(self, dataset: str) -> Path:
        return self.folder / "data" / dataset

    def checkpoint(self, model: str) -> Path:
        return self.folder / "checkpoints" / model

    def drawn_from(self) -> dict[str, list[Path]]:
        """As in workflow/rules/report.smk."""
        names = self.histories()
        sources = {
            "losses": [self.checkpoint(name) / "history.parquet" for name in names],
            "views": [self.views, self.results],
            "tasks": [self.results],
        }
        if any(len(c.train_on) > 1 for c in self.study.curricula.values()):
            sources["schedule"] = []
            sources["conflicts"] = sources["losses"]
        if self.study.tasks():
            sources["forgetting"] = [self.results]
        if any(c.interpolate for c in self.study.curricula.values()):
            sources["interpolation"] = [self.results]
        if self.study.identity_datasets():
            sources |= {"cmc": [self.curves], "roc": [self.curves, self.results]}
        if self.study.map_pairs():
            sources |= {"maps_schematic": [], "maps_families": [self.results]}
            sources |= {"maps": [self.results], "maps_cmc": [self.curves, self.results]}
            sources["maps_roc"] = sources["maps_cmc"]
            if self.study.maps.planted:
                sources["planted"] = [self.results]
            if self.study.maps.published():
                told = {"structure": "linkage", "centrality": "asymmetry", "geometry": "geometry"}
                for name, table in told.items():
                    sources[f"maps_{name}"] = [self.results, self.folder / f"{table}.parquet"]
                sources["maps_similarity"] = [self.results]
            if self.study.maps.shown_pairs():
                sources |= {"retrieval": [self.examples], "maps_views": [self.map_views]}
            maps = self.study.maps
            if maps.measured_efficiency():
                sources["maps_efficiency"] = [self.curve("efficiency", d) for d in maps.datasets]
            if maps.measured_security():
                sources["maps_security"] = [self.curve("security", d) for d in maps.datasets]
        if self.analysed():
            sources |= {"separability": [self.results]}
            for name, kind in (("pca_transfer", "curves"), ("pca_components", "numbers")):
                sources[name] = [self.pca(kind, model) for model in self.analysed()]
        return sources

    def analysed(self) -> tuple[str, ...]:
        """The analysed models; none where there are no domains to be told apart."""
        return analysed_models(self.study) if len(analysed_domains(self.study)) > 1 else ()

    def pca(self, kind: str, model: str) -> Path:
        return self.folder / "pca" / kind / f"{flat_name(model)}.parquet"

    def histories(self) -> list[str]:
        return [*self.study.models(), *(f"{b}/pretrained" for b in self.study.backbones)]

    def plan(self, figure: str) -> dict:
        return {
            "figure": figure,
            "models": list(self.study.models()),
            "datasets": list(self.study.datasets),
            "domains": {d: s.domain for d, s in self.study.datasets.items()},
            "names": self.names(figure),
            **self._roles(figure),
        }

    def names(self, figure: str) -> list[str]:
        if figure in ("losses", "conflicts"):
            return self.histories()
        if figure in CURVES:
            return list(self.study.maps.datasets)
        return list(self.analysed()) if figure.startswith("pca_") else []

    def _roles(self, figure: str) -> dict:
        """As FIGURE_SETTINGS in workflow/rules/report.smk."""
        study = self.study
        if figure in ("schedule", "interpolation"):
            curricula = [[n, c.model_dump(mode="json")] for n, c in study.curricula.items()]
            roles = {"tasks": study.tasks(), "base": study.base_curriculum()}
            return {"curricula": curricula, **(roles if figure == "interpolation" else {})}
        if figure == "forgetting":
            return {
                "tasks": study.tasks(),
                "base": study.base_curriculum(),
                "aside": [n for n, c in study.curricula.items() if c.interpolate or c.untrained],
            }
        if figure in (
            "maps",
            "maps_families",
            "maps_cmc",
            "maps_roc",
            "planted",
            *STRUCTURE,
            *CURVES,
        ):
            return map_settings(study)
        return {}

    def page_settings(self) -> str:
        return json.dumps(
            {
                "study": self.study.model_dump(mode="json"),
                "datasets": list(self.study.datasets),
                "models": list(self.study.models()),
                "figures": list(self.drawn_from()),
                "methods": methods_of(self.study),
                "families": list(self.study.maps.family_of().items()),
                "drawn_from": {n: list(map(str, t)) for n, t in self.drawn_from().items()},
                "code": "0123456789ab",
            },
            sort_keys=True,
        )


CURVES = ("maps_efficiency", "maps_security")
