"""What jobs read, and which part of the study decides what they make: functions of their wildcards."""

from unispace.config.attacks import (
    attack_datasets,
    attack_text_backbones,
    attacked_models,
    headed_datasets,
    headed_models,
)
from unispace.config.training_input import embedded_as
from unispace.data.preflight import content_of, template_content
from unispace.data.prompts.attack_texts import read_attack_texts
from unispace.data.prompts.plan import prompt_plan
from unispace.data.sources.raw import raw_files
from unispace.embedding.needed import needed_splits
from unispace.records.own_functions import allowed_code


def fetched(kind):
    """The sources of a kind by the files below data/raw that are fetched for them."""
    return {
        file: dataset.source
        for dataset in STUDY.datasets.values()
        if dataset.source.kind == kind
        for file in raw_files(dataset.source)
    }


ARCHIVES = fetched("archive")
REGISTERED = fetched("registered")
TORCHVISION = fetched("torchvision")
HUGGINGFACE = fetched("huggingface")

if STUDY.embeddings:
    from unispace.embedding.own import own_content, own_files

LEARNT_FROM = {
    dataset
    for b in STUDY.backbones.values()
    if b.weights.kind == "pretrain"
    for dataset in b.weights.datasets
}


# Backbones whose weights come from outside, with the name of these and what the study says they have seen.
FOREIGN_WEIGHTS = {
    name: (getattr(b.weights, "repo", None) or b.weights.path, b.weights.seen)
    for name, b in STUDY.backbones.items()
    if b.weights.kind in ("file", "hub")
}


def archives_of(wildcards):
    """What is fetched for a data set, its main file first; nothing where it lies here already."""
    return [
        f"data/raw/{f}" for f in raw_files(STUDY.datasets[wildcards.dataset].source)
    ]


def preparation(wildcards):
    """What decides the images of a data set."""
    dataset = STUDY.datasets[wildcards.dataset]
    extra = {}
    if dataset.source.kind in ("folder", "index", "manifest", "shards"):
        # What stays where it lies is no file that Snakemake could compare: its content stands in the parameters, and
        # a copy of it elsewhere is the same to it.
        extra["content"] = content_of(
            dataset.source, wildcards.dataset, Path("data/raw")
        )
    settings = dumped(dataset)
    # From where an archive came decides nothing.
    settings["source"].pop("mirror", None)
    return text(
        name=wildcards.dataset,
        seed=STUDY.seed,
        dataset=settings,
        **extra,
    )


def learnt_from(wildcards):
    """Manifests and images of the data sets that a backbone is pretrained on, if any."""
    weights = STUDY.backbones[wildcards.backbone].weights
    learnt = weights.datasets if weights.kind == "pretrain" else ()
    return [f for d in learnt for f in images_of(d)]


def teacher_of(wildcards):
    """The backbone that a backbone is pretrained by, if any."""
    return getattr(STUDY.backbones[wildcards.backbone].weights, "teacher", None)


def taught_by(wildcards):
    """The weights of a backbone's teacher, if any."""
    name = teacher_of(wildcards)
    return [f"{CHECKPOINTS}/{name}/pretrained/model.safetensors"] if name else []


def trained_on(wildcards):
    """Manifests and images of the data sets that a curriculum trains on."""
    return [
        f for d in STUDY.curricula[wildcards.curriculum].train_on for f in images_of(d)
    ]


def own_network(wildcards):
    """The file that makes a backbone of provider `python`, if it lies here: a change in it reruns what uses it."""
    backbone = STUDY.backbones[wildcards.backbone]
    python = backbone.provider == "python"
    file = allowed_code(backbone.architecture) if python else None
    return [str(file)] if file else []


def tuned_end(wildcards):
    """Folder of the tuned model at the end of the line that a curriculum interpolates on."""
    end = STUDY.curricula[wildcards.curriculum].interpolate.curriculum
    return f"{CHECKPOINTS}/{wildcards.backbone}/{end}/seed{wildcards.seed}"


def untuned(name):
    """A backbone before tuning: with which curricula it is tuned decides nothing of it."""
    backbone = dumped(STUDY.backbones[name])
    # What its weights have seen is said for the audit.
    backbone["weights"].pop("seen", None)
    tuned = ("curricula", "without")
    return {key: value for key, value in backbone.items() if key not in tuned}


def architecture(name):
    """A backbone without its weights: how these were made shows in their bytes, which are an input."""
    return {**untuned(name), "weights": {"kind": "random"}}


def embedded(wildcards):
    """A backbone as a model of it is embedded, which its curriculum may have decided."""
    own = STUDY.curricula[wildcards.curriculum].input
    preprocessing = embedded_as(STUDY.backbones[wildcards.backbone], own).preprocessing
    return {**architecture(wildcards.backbone), "preprocessing": dumped(preprocessing)}


def teacher(wildcards):
    """A backbone's teacher without its weights, whose bytes are an input; null without teacher."""
    name = teacher_of(wildcards)
    return architecture(name) if name else None


def training(wildcards):
    """What decides the weights of a model, beside its images and the backbone's weights."""
    return text(
        model=model_name(wildcards),
        seed=STUDY.seed + int(wildcards.seed),
        backbone=architecture(wildcards.backbone),
        curriculum=dumped(STUDY.curricula[wildcards.curriculum]),
    )


def embedding(wildcards):
    """What decides which embeddings a job makes."""
    return text(
        model=model_name(wildcards),
        backbone=embedded(wildcards),
        datasets={
            d: needed_splits(STUDY, model_name(wildcards), d)
            for d in STUDY.evaluation.datasets
        },
    )


def own_vectors(wildcards):
    """Where the vectors and the index of embeddings that were made elsewhere lie."""
    return own_files(STUDY, wildcards.backbone, wildcards.dataset)


def importing(wildcards):
    """What decides embeddings that were made elsewhere: the content of their files, wherever these lie."""
    name, dataset = wildcards.backbone, wildcards.dataset
    files = own_vectors(wildcards)
    return text(
        where=files.where,
        dataset=dataset,
        domain=STUDY.datasets[dataset].domain,
        splits=needed_splits(STUDY, f"{name}/{OWN}/seed0", dataset),
        card=STUDY.embeddings[name].card,
        content=own_content(files, name, dataset, Path("data/raw")),
    )


# What maps are fitted and tested on, by the name of their files.
FITTINGS = STUDY.maps.fittings() if STUDY.maps.mapped() else {}

# The maps whose shape and whose picture of all models are analysed; none without a pair.
SHAPED = list(STUDY.maps.published()) if FITTINGS and STUDY.map_pairs() else []
# As pairs, which keep their order.
FAMILIES = [[model, family] for model, family in STUDY.maps.family_of().items()]


def mapped_embeddings(*datasets):
    """Embeddings of all mapped models on data sets."""
    return [
        f for m in STUDY.maps.mapped() for d in datasets for f in embeddings_of(m, d)
    ]


def fitting_embeddings(wildcards):
    """Embeddings of all mapped models on what maps are fitted on and on what they are tested on."""
    fitting = FITTINGS[wildcards.fitting]
    return mapped_embeddings(*dict.fromkeys((fitting.fit, fitting.test)))


def tested_embeddings(wildcards):
    """Embeddings of all mapped models on what maps are tested on."""
    return mapped_embeddings(FITTINGS[wildcards.fitting].test)


# Curves of maps, with all that the study leaves out filled in; None where nothing is to be measured.
EFFICIENCY = STUDY.maps.measured_efficiency() if FITTINGS else None
SECURITY = STUDY.maps.measured_security() if FITTINGS else None


def curve_embeddings(curves):
    """An input function: embeddings of the models that have a part in curves."""
    models = dict.fromkeys(m for pair in curves.pairs for m in pair) if curves else ()
    return lambda w: [f for m in models for f in embeddings_of(m, w.dataset)]


def curve_settings(name, curves):
    """A params function: what decides the curves of a data set."""

    def settings(wildcards):
        methods = {m: dumped(STUDY.maps.methods[m]) for m in curves.methods}
        part = {name: dumped(curves), "methods": methods}
        return text(
            study=STUDY.study,
            seed=STUDY.seed,
            dataset=wildcards.dataset,
            maps=chosen(STUDY.maps, "split", "fit_share") | part,
        )

    return settings


def map_curves(name):
    """Points of curves, of every data set that maps are fitted and tested on."""
    return [f"{RESULTS}/analysis/{name}/{d}.parquet" for d in STUDY.maps.datasets]


def of_targets(kind, fitting):
    """Metric, curve or sample files of all maps, one for each target model."""
    return [
        f"{RESULTS}/{kind}/maps/{fitting}/{flat_name(m)}.parquet"
        for m in STUDY.maps.mapped()
    ]


# The pairs of which examples are shown, and the first fitting, on which they are.
SHOWN = STUDY.maps.shown_pairs() if FITTINGS else ()
SHOWN_ON = next(iter(FITTINGS), None)


def shown_embeddings(wildcards):
    """Embeddings of the models in these pairs on what maps are tested on."""
    models = dict.fromkeys(m for pair in SHOWN for m in pair)
    return [
        f for m in models for f in embeddings_of(m, FITTINGS[wildcards.fitting].test)
    ]


def shown_maps(wildcards):
    """The maps of these pairs, and the record of them all."""
    folder = f"{RESULTS}/maps/{wildcards.fitting}"
    return [f"{folder}/{pair_name(*p)}.safetensors" for p in SHOWN] + [
        f"{folder}/maps.json"
    ]


def across_models(*keys):
    """The evaluation part of a job about maps, with the protocols that are taken across models."""
    protocols = chosen(STUDY.maps, "identification", "verification")
    return chosen(STUDY.evaluation, "resamples", *keys) | protocols


def across_pairs(datasets):
    """The official pairs of data sets, where maps are tested on them."""
    asked = "official" in STUDY.maps.verification
    return [f"{DATA}/{d}/pairs.parquet" for d in datasets] if asked else []


def evaluated(datasets):
    """An input function: embeddings of a model on data sets."""
    return lambda w: [f for d in datasets for f in embeddings_of(model_name(w), d)]


def official_pairs(datasets):
    """The official pairs of data sets, where the study asks for them."""
    asked = "official" in STUDY.evaluation.verification
    return [f"{DATA}/{d}/pairs.parquet" for d in datasets] if asked else []


# The tasks whose spaces are analysed, the models that are, and whether there are domains to be told apart.
TASKS = analysed_datasets(STUDY)
ANALYSED = analysed_models(STUDY) if TASKS else ()
SEPARABLE = bool(ANALYSED) and len(analysed_domains(STUDY)) > 1


def transfer_embeddings(wildcards):
    """Embeddings of a model on the tasks and on the unrelated images."""
    unrelated = STUDY.analysis.transfer.unrelated
    datasets = [*TASKS, *([unrelated] if unrelated else [])]
    return [f for d in datasets for f in embeddings_of(model_name(wildcards), d)]


# Image statistics are what embeddings are compared with where all tasks have images.
MATCHED = SEPARABLE and set(TASKS) <= set(PICTURED)


def statistics_of(datasets):
    """Image statistics of data sets, where these can be compared."""
    return (
        [f"{RESULTS}/analysis/statistics/{d}.parquet" for d in datasets]
        if MATCHED
        else []
    )


def transfer_of(kind):
    """Tables of PCA transfer, of every analysed model."""
    return [f"{RESULTS}/analysis/pca/{kind}/{flat_name(m)}.parquet" for m in ANALYSED]


def separating(**values):
    """What decides how well domains are separated."""
    return text(
        study=STUDY.study,
        seed=STUDY.seed,
        datasets=list(TASKS),
        evaluation=chosen(STUDY.evaluation, "split", "resamples"),
        separability=dumped(STUDY.analysis.separability),
        **values,
    )


def chosen(part, *keys):
    """Some keys of a part of the study: a job depends on what it uses and on nothing else."""
    return {key: value for key, value in dumped(part).items() if key in keys}


def evaluation(datasets, *keys):
    """A params function: what decides the metrics of a model on data sets."""
    return lambda w: text(
        study=STUDY.study,
        model=model_name(w),
        seed=STUDY.seed,
        datasets=list(datasets),
        evaluation=chosen(STUDY.evaluation, "split", "resamples", *keys),
    )


def prompts_of(backbone):
    """The two files of each set of prompts of a backbone about classes of objects."""
    return [
        f"{RESULTS}/prompts/{backbone}/{dataset}/{templates}/{file}"
        for dataset in STUDY.prompts.datasets
        for templates in STUDY.prompts.templates
        for file in ("vectors.npy", "prompts.json")
    ]


# Evaluated data sets of attacks and the backbones whose text towers detect these.
ATTACKED = attack_datasets(STUDY)
ATTACK_TEXTS = attack_text_backbones(STUDY)


def attack_texts_of(backbone):
    """The two files of each set of texts about attacks, as one of `ATTACK_TEXTS` embeds them."""
    return [
        f"{RESULTS}/prompts/{backbone}/{dataset}/{texts}/{file}"
        for dataset in ATTACKED
        for texts in STUDY.evaluation.attacks.texts
        for file in ("vectors.npy", "prompts.json")
        if ATTACK_TEXTS
    ]


def attack_heads(wildcards):
    """The heads that a model was trained with, where it is trained to detect attacks."""
    model = model_name(wildcards)
    headed = model in headed_models(STUDY)
    return [f"{checkpoint_of(model)}/heads.safetensors"] if headed else []


def detecting(wildcards):
    """What decides how well a model detects attacks."""
    model = model_name(wildcards)
    texts = STUDY.evaluation.attacks.texts if wildcards.backbone in ATTACK_TEXTS else ()
    return text(
        study=STUDY.study,
        model=model,
        seed=STUDY.seed,
        datasets=list(ATTACKED),
        heads=(
            list(headed_datasets(STUDY, model)) if model in headed_models(STUDY) else []
        ),
        texts=list(texts),
        evaluation=chosen(STUDY.evaluation, "split", "resamples", "attacks"),
    )


def prompting(wildcards):
    """What decides the prompts of a backbone, with the words themselves."""
    return text(
        name=wildcards.backbone,
        backbone=architecture(wildcards.backbone),
        split=STUDY.evaluation.split,
        **prompt_plan(STUDY),
        attacks={
            d: {
                t: read_attack_texts(t, STUDY.datasets[d].domain)
                for t in STUDY.evaluation.attacks.texts
            }
            for d in ATTACKED
            if wildcards.backbone in ATTACK_TEXTS
        },
    )


def verifying_templates(wildcards):
    """What decides how well a model verifies templates: the content of their lists, wherever these lie."""
    dataset = wildcards.dataset
    return text(
        study=STUDY.study,
        model=model_name(wildcards),
        seed=STUDY.seed,
        dataset=dataset,
        fmr=list(STUDY.evaluation.templates[dataset].fmr),
        content=template_content(STUDY, dataset, Path("data/raw")),
        evaluation=chosen(STUDY.evaluation, "split", "resamples"),
    )


def tested(kind, *backbones):
    """The metric, curve or sample files of all models, or of those of some backbones."""
    models = [
        flat_name(m)
        for m in STUDY.models()
        if not backbones or m.split("/")[0] in backbones
    ]
    experiments = []
    if STUDY.identity_datasets():
        experiments += ["verification", "identification"]
    if STUDY.class_datasets() and kind != "curves":
        experiments += ["classification"]
    return [f"{RESULTS}/{kind}/{e}/{m}.parquet" for e in experiments for m in models]


def traded_off(kind, backbone):
    """The metric or sample files that trade-offs of a backbone are made of.

    Verification and detection of attacks only where a gain is taken from them.
    """
    models = [flat_name(m) for m, _ in traded(STUDY, backbone)]
    experiments = ["classification"]
    experiments += ["zero_shot"] if backbone in STUDY.prompted_backbones() else []
    # Folders are called after the commands, experiments of the results with a hyphen.
    experiments += dict.fromkeys(
        g.experiment.replace("-", "_") for g in gained(STUDY, backbone)
    )
    return [f"{RESULTS}/{kind}/{e}/{m}.parquet" for e in experiments for m in models]


def parts(kind):
    """All metric or curve files of the study."""
    files = tested(kind)
    files += [
        f"{RESULTS}/{kind}/templates/{d}/{flat_name(m)}.parquet"
        for d in STUDY.evaluation.templates
        for m in STUDY.models()
    ]
    if ATTACKED:
        files += [
            f"{RESULTS}/{kind}/attack_detection/{flat_name(m)}.parquet"
            for m in attacked_models(STUDY)
        ]
    if kind == "metrics":
        prompted = STUDY.prompted_models()
        files += [
            f"{RESULTS}/metrics/zero_shot/{flat_name(m)}.parquet" for m in prompted
        ]
        files += [
            f"{RESULTS}/metrics/change/{b}.parquet"
            for b in STUDY.backbones
            if STUDY.changes_of(b)
        ]
        files += [
            f"{RESULTS}/metrics/gelo/{b}.parquet" for b in traded_backbones(STUDY)
        ]
    if SEPARABLE and kind == "metrics":
        names = [flat_name(m) for m in ANALYSED]
        files += [
            f"{RESULTS}/metrics/separability/{n}.parquet"
            for n in [*names, *(["statistics"] if MATCHED else [])]
        ]
    for fitting in FITTINGS:
        files += of_targets(kind, fitting)
        if kind == "metrics":
            files += [f"{RESULTS}/metrics/families/{fitting}.parquet"]
            if STUDY.maps.paper_splits:
                files += [f"{RESULTS}/metrics/maps_paper/{fitting}.parquet"]
            if SHAPED:
                files += [f"{RESULTS}/metrics/compatibility/{fitting}.parquet"]
                files += [f"{RESULTS}/metrics/geometry/{fitting}.parquet"]
    for name, curves in (("efficiency", EFFICIENCY), ("security", SECURITY)):
        if curves and kind == "metrics":
            files += [
                f"{RESULTS}/metrics/{name}/{d}.parquet" for d in STUDY.maps.datasets
            ]
    if FITTINGS and STUDY.maps.planted and kind == "metrics":
        files += [f"{RESULTS}/metrics/planted.parquet"]
    return files
