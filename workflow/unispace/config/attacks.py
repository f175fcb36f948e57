"""How attacks are detected: by what, at which operating points, and across what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from unispace.config.base import ATTACK_DOMAINS, Distinct, DistinctSome, Name, Settings
from unispace.config.clips import clip_config, foreign_tokenizer
from unispace.errors import did_you_mean

if TYPE_CHECKING:
    from unispace.config.study import Study

Detector = Literal["probe", "head", "text"]
AttackTexts = Literal["paper", "studio"]
Rate = Annotated[float, Field(gt=0, lt=1)]


class CrossAttacks(Settings):
    """A detector of one data set, tested on another one."""

    fit: Name
    """The data set that the probe is fitted on, or the head was trained on; thresholds come from its val split."""
    test: Name
    """The data set that is tested."""

    @model_validator(mode="after")
    def _two(self) -> CrossAttacks:
        if self.fit == self.test:
            raise ValueError(f"`{self.fit}` is fitted and tested; that is done without being asked")
        return self


class Attacks(Settings):
    """Detection of attacks, on evaluated data sets of domains pad and mad."""

    detectors: DistinctSome[Detector] | None = None
    """`probe`: logistic regression on the frozen embeddings of the train split; `head`: the binary head that a model
    was trained with on that data set; `text`: images compared with texts about attacks and about bona fide
    presentations, by backbones of provider `open_clip`. Left out: all that the study allows."""
    texts: DistinctSome[AttackTexts] = ("paper",)
    """Sets of texts, each a protocol of its own. `paper`: "biometric presentation attack" or "face image morphing
    attack" against "bona-fide presentation", as MADation and FoundPAD have it; `studio`: in words near to those of
    the studio's captions."""
    points: Distinct[Rate] = (0.01, 0.05, 0.1, 0.2)
    """APCER at which BPCER is given, and BPCER at which APCER is, where the data supports them."""
    errors: Annotated[int, Field(ge=1)] = 5
    """Errors that must be expected at such a point: with 5, BPCER 1 % takes 500 bona fide images. A point with fewer
    is a failed cell."""
    backbones: DistinctSome[Name] | None = None
    """Backbones, or embeddings that were made elsewhere, whose models detect attacks; left out: all of them."""
    leave_one_out: bool = True
    """Whether the probe is fitted without each kind of attack, and tested on it."""
    cross: Distinct[CrossAttacks] = ()
    """Detectors of one data set that are tested on another one, such as `{fit: attacks, test: morphs}`."""
    per_video: bool = True
    """Whether the frames of a video count as one, with their mean score, where a manifest has a column `video`."""
    penalties: DistinctSome[Annotated[float, Field(gt=0)]] = (1.0, 10.0, 100.0, 1000.0)
    """Values of C of the probe, the inverse strength of its penalty, of which the best on the val split is taken."""
    iterations: Annotated[int, Field(ge=1)] = 1000
    """Most iterations of its solver; where they do not suffice, the cell fails."""

    def wants(self, detector: Detector) -> bool:
        """Whether a detector is used where the study allows it."""
        return self.detectors is None or detector in self.detectors

    def fitted_for(self, dataset: str) -> tuple[str, ...]:
        """Other data sets whose detectors are tested on a data set."""
        return tuple(cross.fit for cross in self.cross if cross.test == dataset)


def attack_datasets(study: Study) -> tuple[str, ...]:
    """Evaluated data sets of attacks and bona fide images."""
    return tuple(d for d in study.evaluation.datasets if study.datasets[d].domain in ATTACK_DOMAINS)


def attacked_models(study: Study) -> tuple[str, ...]:
    """Models that are to detect attacks; none where there are none."""
    chosen = study.evaluation.attacks.backbones
    if not attack_datasets(study):
        return ()
    return tuple(m for m in study.models() if chosen is None or m.split("/")[0] in chosen)


def headed_datasets(study: Study, model: str) -> tuple[str, ...]:
    """Evaluated data sets of attacks that a model is trained on, and so may have a binary head for.

    Args:
        study: the study.
        model: backbone/curriculum/seedN.
    """
    if model in study.own_models():
        return ()
    curriculum = study.curricula[model.split("/")[1]]
    return tuple(d for d in attack_datasets(study) if d in curriculum.train_on)


def headed_models(study: Study) -> tuple[str, ...]:
    """Models whose own heads detect attacks."""
    if not study.evaluation.attacks.wants("head"):
        return ()
    return tuple(m for m in attacked_models(study) if headed_datasets(study, m))


def attack_text_backbones(study: Study) -> tuple[str, ...]:
    """Backbones whose text towers detect attacks.

    Where nobody asks for them by name, those whose tokenizer would have to be downloaded are none.
    """
    attacks, chosen = study.evaluation.attacks, study.prompts.backbones
    detecting = {model.split("/")[0] for model in attacked_models(study)}
    if not attack_datasets(study) or not attacks.wants("text"):
        return ()
    return tuple(
        name
        for name, backbone in study.backbones.items()
        if backbone.provider == "open_clip"
        and name in detecting
        and (chosen is None or name in chosen)
        and (
            attacks.detectors is not None
            or not foreign_tokenizer(clip_config(backbone.architecture, backbone.options))
        )
    )


def attack_problems(study: Study) -> list[str]:
    """What is asked of attack detection and what the study does not have."""
    attacks, tested = study.evaluation.attacks, attack_datasets(study)
    problems, named = [], (*study.backbones, *study.embeddings)
    for backbone in attacks.backbones or ():
        if backbone not in named:
            problems.append(
                f"evaluation.attacks.backbones: `{backbone}` is not defined; {did_you_mean(backbone, named)}"
            )
    for cross in attacks.cross:
        for key, dataset in (("fit", cross.fit), ("test", cross.test)):
            if dataset not in tested:
                problems.append(
                    f"evaluation.attacks.cross: {key}: `{dataset}` must be an evaluated data set of domain pad or mad; "
                    f"{did_you_mean(dataset, tested)}"
                )
    if attacks.detectors is not None and not tested:
        problems.append(
            "evaluation.attacks.detectors: there is nothing to detect; name a data set of domain pad or mad in "
            "evaluation.datasets, or take the detectors out"
        )
        return problems
    asked = attacks.detectors or ()
    if "head" in asked and not headed_models(study):
        problems.append(
            f"evaluation.attacks.detectors: `head` takes a curriculum that is trained on a tested set of attacks, such "
            f"as `train_on: {{{tested[0]}: {{}}}}`, and none is; add one, or take `head` out"
        )
    if "text" in asked and not attack_text_backbones(study):
        problems.append(
            "evaluation.attacks.detectors: `text` takes a backbone of provider `open_clip`, and none is one (or "
            "prompts.backbones names none); take `text` out"
        )
    for dataset in tested:
        problems += _unsplit(study, dataset)
    return problems


def _unsplit(study: Study, dataset: str) -> list[str]:
    """Splits that a detector takes and that a data set does not have, as far as a study file tells."""
    splits, found = study.datasets[dataset].splits, []
    attacks = study.evaluation.attacks
    # A set that detectors of other sets are tested on needs nothing but its test split.
    if splits.by != "hash" or not attacks.wants("probe") or attacks.fitted_for(dataset):
        return found
    for part, share, why in (
        ("train", splits.train, "the attack probe is fitted on"),
        ("val", splits.val, "thresholds and the penalty of the attack probe are taken from"),
    ):
        if share == 0 or (splits.keep and part not in splits.keep):
            found.append(
                f"datasets.{dataset}.splits: there is no {part} split, which {why}; give `{part}` a share, such as "
                f"`{part}: {'0.5' if part == 'train' else '0.2'}`, or take `{dataset}` out of evaluation.datasets"
            )
    return found
