"""The whole study: parts put together and checked against each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import ConfigDict, Field, field_validator, model_validator

from unispace.config.analysis import Analysis, analysis_problems
from unispace.config.attacks import attack_problems, attack_text_backbones
from unispace.config.audit import Audit
from unispace.config.backbones import Backbone, Pretrain
from unispace.config.base import ATTACK_DOMAINS, IDENTITY_DOMAINS, DistinctSome, Name, Settings
from unispace.config.claims import ClaimFiles
from unispace.config.clips import clip_config, foreign_tokenizer
from unispace.config.curricula import (
    Curriculum,
    Optimisation,
    head_problems,
    reference_problems,
)
from unispace.config.datasets import Dataset
from unispace.config.divided import split_problems
from unispace.config.evaluation import Evaluation
from unispace.config.map_curves import refused_on_curves
from unispace.config.maps import Maps
from unispace.config.own_embeddings import (
    OwnEmbeddings,
    imageless_problems,
    own_model,
    own_problems,
)
from unispace.config.prompts import Prompts
from unispace.config.report import Report
from unispace.config.teachers import pretraining_problems
from unispace.config.templates import template_problems
from unispace.config.tradeoffs import Tradeoffs, tradeoffs_problems
from unispace.errors import did_you_mean

EXPERT = "expert-"
"""Beginning of the names of curricula that tune on one domain alone."""


class Study(Settings):
    """Everything that decides the results of a run."""

    # For editors: the validators say the same in words.
    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["backbones", "curricula"]}, {"required": ["embeddings"]}]
        }
    )

    study: Name
    """Name of the study: data/<study>, checkpoints/<study> and results/<study>."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    """Seed of everything random that has no seed of its own."""
    datasets: Annotated[dict[Name, Dataset], Field(min_length=1)]
    """The data sets, by name."""
    backbones: dict[Name, Backbone] = Field(default={})
    """The backbones, by name; may be left out where there are `embeddings`."""
    curricula: dict[Name, Curriculum] = Field(default={})
    """The curricula, by name; every backbone is tuned with each of them, unless it names some."""
    embeddings: dict[Name, OwnEmbeddings] = Field(default={})
    """Embeddings that were made elsewhere, by name: they stand in place of models, `<name>/own/seed0`."""
    seeds: DistinctSome[Annotated[int, Field(ge=0)]] = (0,)
    """Seeds of the models: each backbone and curriculum is trained once for each."""
    audit: Audit = Audit()
    """Leaks from training into test that are let pass."""
    maps: Maps = Maps()
    """Maps between the embedding spaces of models."""
    evaluation: Evaluation = Evaluation()
    """Metrics and intervals."""
    prompts: Prompts = Prompts()
    """Classification by texts."""
    analysis: Analysis = Analysis()
    """Separability of the domains and transfer of principal components."""
    tradeoffs: Tradeoffs = Tradeoffs()
    """What tuning costs on general data sets, and what it gains on biometric ones."""
    claims: ClaimFiles = ClaimFiles()
    """Which claims are tested on the results; the page opens with the verdicts."""
    report: Report = Report()
    """The page."""

    def models(self) -> tuple[str, ...]:
        """All models of the study as backbone/curriculum/seedN, embeddings that were made elsewhere last."""
        return (*self.network_models(), *self.own_models())

    def own_models(self) -> tuple[str, ...]:
        """Embeddings that were made elsewhere, as models."""
        return tuple(own_model(name) for name in self.embeddings)

    def network_models(self) -> tuple[str, ...]:
        """The models whose weights the study has."""
        return tuple(
            f"{backbone}/{curriculum}/seed{seed}"
            for backbone in self.backbones
            for curriculum in self.curricula_of(backbone)
            for seed in self.seeds
        )

    def curricula_of(self, backbone: str) -> tuple[str, ...]:
        """Curricula that a backbone is tuned with, in the order of the study."""
        settings = self.backbones[backbone]
        named = self.curricula if settings.curricula is None else settings.curricula
        return tuple(c for c in self.curricula if c in named and c not in (settings.without or ()))

    def control_backbones(self) -> tuple[str, ...]:
        """Backbones that are no network: linear maps of raw pixels."""
        return tuple(b for b, s in self.backbones.items() if s.is_control)

    def map_pairs(self) -> tuple[tuple[str, str], ...]:
        """Ordered (source, target) pairs of the models that are mapped."""
        mapped = self.maps.mapped()
        return tuple((s, t) for s in mapped for t in mapped if s != t)

    def trained_datasets(self) -> tuple[str, ...]:
        """Data sets that weights are made on, by a curriculum or in pretraining."""
        used = {dataset for c in self.curricula.values() for dataset in c.train_on}
        weights = [backbone.weights for backbone in self.backbones.values()]
        used |= {d for w in weights if isinstance(w, Pretrain) for d in w.datasets}
        return tuple(dataset for dataset in self.datasets if dataset in used)

    def identity_datasets(self) -> tuple[str, ...]:
        """Evaluated data sets whose labels are identities."""
        return tuple(
            d for d in self.evaluation.datasets if self.datasets[d].domain in IDENTITY_DOMAINS
        )

    def official_datasets(self) -> tuple[str, ...]:
        """Evaluated data sets of identities that have official pairs."""
        return tuple(d for d in self.identity_datasets() if self.datasets[d].pairs is not None)

    def map_datasets(self) -> tuple[str, ...]:
        """Data sets that maps are fitted or tested on."""
        used = {d for fitting in self.maps.fittings().values() for d in (fitting.fit, fitting.test)}
        return tuple(d for d in self.evaluation.datasets if d in used)

    def class_datasets(self) -> tuple[str, ...]:
        """Evaluated data sets whose labels are object classes."""
        return tuple(d for d in self.evaluation.datasets if self.datasets[d].domain == "object")

    def _untrainable(self) -> list[str]:
        """Networks in ONNX files that a study wants to train."""
        problems = []
        for name, backbone in self.backbones.items():
            if backbone.provider != "onnx":
                continue
            if backbone.weights.kind == "random":
                problems.append(
                    f"backbones.{name}.weights: provider `onnx` takes its network from a file; "
                    f"write `kind: file` or `kind: hub`"
                )
            base = self.base_curriculum()
            tuned = [c for c in self.curricula_of(name) if c != base]
            if tuned:
                listed = base or "base"
                problems.append(
                    f"backbones.{name}.curricula: provider `onnx` cannot be trained, as `{tuned[0]}` does; "
                    f"write `curricula: [{listed}]`, of which nothing is set (`base: {{}}`)"
                )
        return problems

    def prompted_backbones(self) -> tuple[str, ...]:
        """Backbones whose text towers name images."""
        if not self.prompts.datasets:
            return ()
        chosen = self.prompts.backbones
        clips = (b for b, s in self.backbones.items() if s.provider == "open_clip")
        return tuple(b for b in clips if chosen is None or b in chosen)

    def prompted_models(self) -> tuple[str, ...]:
        """Models whose images are named by texts."""
        prompted = self.prompted_backbones()
        return tuple(m for m in self.network_models() if m.split("/")[0] in prompted)

    def _prompt_problems(self) -> list[str]:
        """What keeps images from being named by texts."""
        problems = []
        for dataset in self.prompts.datasets:
            if dataset not in self.evaluation.datasets:
                problems.append(
                    f"prompts.datasets: `{dataset}` is not in evaluation.datasets; add it there too"
                )
            elif self.datasets[dataset].domain != "object":
                problems.append(
                    f"prompts.datasets: the labels of `{dataset}` are no classes of objects, which a text could name"
                )
        for backbone in self.prompts.backbones or ():
            if self.backbones[backbone].provider != "open_clip":
                problems.append(
                    f"prompts.backbones: `{backbone}` has no text tower; name backbones of provider `open_clip`"
                )
        if self.prompts.datasets and not self.prompted_backbones():
            problems.append(
                "prompts.datasets: texts take a backbone of provider `open_clip`, and none is one"
            )
        for backbone in dict.fromkeys((*self.prompted_backbones(), *attack_text_backbones(self))):
            settings = self.backbones[backbone]
            if other := foreign_tokenizer(clip_config(settings.architecture, settings.options)):
                problems.append(
                    f"backbones.{backbone}: {settings.architecture} reads texts by the tokenizer `{other}`, which is "
                    f"a download; leave it out of prompts.backbones"
                )
        return problems

    def tasks(self) -> dict[str, str]:
        """The tasks: data sets of persons or classes that an expert trains on alone, each with its (first) expert."""
        found: dict[str, str] = {}
        for name, curriculum in self.curricula.items():
            if name.startswith(EXPERT) and len(curriculum.train_on) == 1:
                found.setdefault(next(iter(curriculum.train_on)), name)
        return {
            name: found[name]
            for name, dataset in self.datasets.items()
            if name in found and dataset.domain not in ATTACK_DOMAINS
        }

    def expert_of(self, dataset: str) -> str | None:
        """The expert of a data set: that of its task, else of the first task of its domain; None without one."""
        tasks = self.tasks()
        domain = self.datasets[dataset].domain
        akin = [task for task in tasks if self.datasets[task].domain == domain]
        return tasks.get(dataset) or (tasks[akin[0]] if akin else None)

    def base_curriculum(self) -> str | None:
        """The curriculum that leaves the weights of a backbone as they are; None where the study has none."""
        # How a model would be trained means nothing where it is not.
        optimiser, idle = set(Optimisation.model_fields), Curriculum()
        for name, curriculum in self.curricula.items():
            if curriculum.model_dump(exclude=optimiser) == idle.model_dump(exclude=optimiser):
                return name
        return None

    def unseen_datasets(self) -> tuple[str, ...]:
        """Evaluated data sets that no curriculum trains on; detection of attacks is told apart."""
        seen = {dataset for c in self.curricula.values() for dataset in c.train_on}
        return tuple(d for d in self._without_attacks() if d not in seen)

    def _without_attacks(self) -> tuple[str, ...]:
        """Evaluated data sets of identities and of classes, of which a task number is taken."""
        return tuple(
            d for d in self.evaluation.datasets if self.datasets[d].domain not in ATTACK_DOMAINS
        )

    def changes_of(self, backbone: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """Which models of a backbone are compared with which: (model, reference, data sets).

        Every tuned model is compared with the base model on all evaluated data sets, and with each expert on those
        that it is the expert of. Both have the same seed.
        """
        tuned, base = self.curricula_of(backbone), self.base_curriculum()
        found: dict[tuple[str, str], list[str]] = {}
        for seed in self.seeds:
            for curriculum in tuned:
                model = f"{backbone}/{curriculum}/seed{seed}"
                for dataset in self._without_attacks() if curriculum != base else ():
                    for reference in dict.fromkeys((base, self.expert_of(dataset))):
                        if reference in tuned and reference != curriculum:
                            ends = (model, f"{backbone}/{reference}/seed{seed}")
                            found.setdefault(ends, []).append(dataset)
        return tuple((*ends, tuple(datasets)) for ends, datasets in found.items())

    def _galleries(self) -> list[str]:
        """What is wrong with the data sets that are classified by another one's images."""
        problems = []
        for dataset, gallery in self.evaluation.gallery.items():
            for name in (dataset, gallery):
                if name not in self.class_datasets():
                    problems.append(
                        f"evaluation.gallery: `{name}` must be an evaluated data set of objects; "
                        f"{did_you_mean(name, self.class_datasets())}"
                    )
            if dataset == gallery:
                problems.append(f"evaluation.gallery: `{dataset}` names itself; take it out")
        return problems

    def _protocols_without_data(self) -> list[str]:
        """Protocols that are asked for and that no data set allows."""
        problems = []
        if "official" in self.evaluation.verification and not self.official_datasets():
            problems.append(
                "evaluation.verification: `official` takes a data set of identities with `pairs`, "
                "and none of evaluation.datasets is one"
            )
        queries = any(self.datasets[d].has_queries for d in self.identity_datasets())
        if "query-gallery" in self.evaluation.identification and not queries:
            problems.append(
                "evaluation.identification: `query-gallery` takes a data set of identities with "
                "`rename: { query: test, gallery: test }` in its splits, and none of evaluation.datasets is one"
            )
        return problems

    # Before the references, since most of them would dangle.
    @model_validator(mode="after")
    def _has_models(self) -> Study:
        if not self.backbones and not self.embeddings:
            raise ValueError(
                "`backbones`: missing; add the line `backbones: ...` (the backbones, by name) "
                "or `embeddings: ...` (vectors that were made elsewhere)"
            )
        if self.backbones and not self.curricula:
            raise ValueError(
                "`curricula`: needs at least one where there are backbones; "
                "`curricula: { base: {} }` leaves these as they are"
            )
        return self

    @field_validator("study")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if name == "raw":
            raise ValueError("`raw` is the folder of fetched archives; call the study otherwise")
        return name

    def _unknown_mapped(
        self, known: Callable[[str, str, tuple[str, ...]], bool], tuned: bool
    ) -> list[str]:
        """What is wrong with the models and data sets of the maps; what `known` refuses, it tells itself."""
        maps, problems = self.maps, []
        named = [("datasets", d) for d in maps.datasets]
        named += [("across", d) for a in maps.across for d in (a.fit, a.test)]
        for key, dataset in named:
            if not known(f"maps.{key}", dataset, tuple(self.datasets)):
                continue
            if dataset not in self.evaluation.datasets:
                problems.append(
                    f"maps.{key}: `{dataset}` is not in evaluation.datasets; add it there too"
                )
            if self.datasets[dataset].domain not in IDENTITY_DOMAINS:
                problems.append(
                    f"maps.{key}: `{dataset}` holds no identities, which maps are tested on"
                )
        for across in maps.across:
            if across.fit == across.test:
                problems.append(
                    f"maps.across: `{across.fit}` is fitted and tested; write it to maps.datasets"
                )
        for model in maps.models if tuned else ():
            known("maps.models", model, self.models())
        for family, models in maps.families.items() if tuned else ():
            for model in models:
                known(f"maps.families.{family}", model, self.models())
                if model in maps.models:
                    problems.append(
                        f"maps.families.{family}: `{model}` is in maps.models too; take it out there"
                    )
        mapped = maps.mapped()
        for model in dict.fromkeys(m for pair in maps.shown or () for m in pair):
            known("maps.shown", model, mapped)
        for method in maps.shown_methods or ():
            known("maps.shown_methods", method, tuple(maps.methods))
        for key, curves in (("efficiency", maps.efficiency), ("security", maps.security)):
            for model in dict.fromkeys(m for p in (curves and curves.pairs) or () for m in p):
                known(f"maps.{key}.pairs", model, mapped)
            for method in (curves and curves.methods) or ():
                if known(f"maps.{key}.methods", method, tuple(maps.methods)):
                    problems += refused_on_curves(f"maps.{key}.methods", method, maps.methods)
        if len(mapped) == 1:
            problems.append("maps.models: a map needs two models, got one")
        if mapped and not maps.fittings():
            problems.append("maps.datasets: name at least one data set to fit and test maps on")
        if mapped and not maps.methods:
            problems.append("maps.methods: name at least one, such as `procrustes: {}`")
        return problems

    @model_validator(mode="after")
    def _references(self) -> Study:
        problems: list[str] = []

        def known(where: str, name: str, allowed: tuple[str, ...]) -> bool:
            if name not in allowed:
                problems.append(f"{where}: `{name}` is not defined; {did_you_mean(name, allowed)}")
            return name in allowed

        names = tuple(self.datasets)
        tuned = True  # whether the models are known: what follows from a wrong name is not told too
        for backbone, settings in self.backbones.items():
            if isinstance(settings.weights, Pretrain):
                for dataset in settings.weights.datasets:
                    known(f"backbones.{backbone}.weights.dataset", dataset, names)
            for key, given in (("curricula", settings.curricula), ("without", settings.without)):
                for curriculum in given or ():
                    where = f"backbones.{backbone}.{key}"
                    tuned &= known(where, curriculum, tuple(self.curricula))
            if self.curricula and not self.curricula_of(backbone):
                problems.append(
                    f"backbones.{backbone}.without: it would be tuned with nothing; name fewer curricula"
                )
        problems += pretraining_problems(self.backbones, self.datasets)
        problems += own_problems(self) + imageless_problems(self)
        for curriculum, settings in self.curricula.items():
            for dataset in settings.train_on:
                known(f"curricula.{curriculum}.train_on", dataset, names)
            if tuned and not any(curriculum in self.curricula_of(b) for b in self.backbones):
                problems.append(
                    f"curricula.{curriculum}: no backbone is tuned with it; add it to the `curricula` of one"
                )
        problems += head_problems(self.curricula, {d: s.domain for d, s in self.datasets.items()})
        problems += self._untrainable() if tuned else []
        if tuned:
            problems += reference_problems(
                self.curricula, {b: self.curricula_of(b) for b in self.backbones}
            )
        for leak in self.audit.allow:
            for dataset in leak.split(":")[1:]:
                known("audit.allow", dataset, names)
        if self.audit.model is not None:
            known("audit.model", self.audit.model, self.models())
        for dataset in self.evaluation.datasets:
            known("evaluation.datasets", dataset, names)
        problems += self._unknown_mapped(known, tuned)
        for dataset in self.prompts.datasets:
            known("prompts.datasets", dataset, names)
        for key, named in (("own", self.prompts.own), ("names", self.prompts.name_blocks())):
            for dataset in named:
                known(f"prompts.{key}", dataset, self.prompts.datasets)
        for backbone in self.prompts.backbones or ():
            known("prompts.backbones", backbone, tuple(self.backbones))
        if not problems:
            problems += self._protocols_without_data() + self._prompt_problems()
            problems += self._galleries() + analysis_problems(self) + attack_problems(self)
            problems += template_problems(self) + split_problems(self)
        if not problems:
            problems += tradeoffs_problems(self)
        if not self.evaluation.datasets:
            problems.append("evaluation.datasets: name at least one data set to test on")
        if problems:
            raise ValueError("\n".join(problems))
        return self
