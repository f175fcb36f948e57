"""What jobs read, and which part of the study decides what they make: functions of their wildcards."""

from unispace.config.datasets import ArchiveSource, FolderSource, RegisteredSource
from unispace.data.preflight import content_of_folder, raw_path
from unispace.data.registry import lookup

ARCHIVES = {
    raw_path(d.source.path): d.source
    for d in STUDY.datasets.values()
    if isinstance(d.source, ArchiveSource)
}

REGISTERED = {
    lookup(d.source.name).file: d.source
    for d in STUDY.datasets.values()
    if isinstance(d.source, RegisteredSource)
}

LEARNT_FROM = {
    b.weights.dataset for b in STUDY.backbones.values() if b.weights.kind == "pretrain"
}


def archive_of(wildcards):
    """The fetched archive of a data set, if it has one."""
    source = STUDY.datasets[wildcards.dataset].source
    if isinstance(source, ArchiveSource):
        return [f"data/raw/{raw_path(source.path)}"]
    if isinstance(source, RegisteredSource):
        return [f"data/raw/{lookup(source.name).file}"]
    return []


def preparation(wildcards):
    """What decides the images of a data set."""
    dataset = STUDY.datasets[wildcards.dataset]
    extra = {}
    if isinstance(dataset.source, FolderSource):
        # A folder is no file that Snakemake could compare: its content stands in the parameters.
        extra["content"] = content_of_folder(
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
    """The data set that a backbone is pretrained on, if any."""
    weights = STUDY.backbones[wildcards.backbone].weights
    return images_of(weights.dataset) if weights.kind == "pretrain" else []


def trained_on(wildcards):
    """Manifests and images of the data sets that a curriculum trains on."""
    return [
        f for d in STUDY.curricula[wildcards.curriculum].train_on for f in images_of(d)
    ]


def untuned(wildcards):
    """A backbone before tuning: with which curricula it is tuned decides nothing of it."""
    backbone = dumped(STUDY.backbones[wildcards.backbone])
    return {key: value for key, value in backbone.items() if key != "curricula"}


def architecture(wildcards):
    """A backbone without its weights: how these were made shows in their bytes, which are an input."""
    return {**untuned(wildcards), "weights": {"kind": "random"}}


def training(wildcards):
    """What decides the weights of a model, beside its images and the backbone's weights."""
    return text(
        model=model_name(wildcards),
        seed=STUDY.seed + int(wildcards.seed),
        backbone=architecture(wildcards),
        curriculum=dumped(STUDY.curricula[wildcards.curriculum]),
    )


def embedding(wildcards):
    """What decides which embeddings a job makes."""
    return text(
        model=model_name(wildcards),
        backbone=architecture(wildcards),
        datasets=list(STUDY.evaluation.datasets),
    )


def mapped_embeddings(wildcards):
    """Embeddings of all mapped models on a data set."""
    return [f for m in STUDY.maps.models for f in embeddings_of(m, wildcards.dataset)]


def evaluated(datasets):
    """An input function: embeddings of a model on data sets."""
    return lambda w: [f for d in datasets for f in embeddings_of(model_name(w), d)]


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


def parts(kind):
    """All metric or curve files of the study."""
    names = [flat_name(m) for m in STUDY.models()]
    experiments = []
    if STUDY.identity_datasets():
        experiments += ["verification", "identification"]
    if STUDY.class_datasets() and kind == "metrics":
        experiments += ["classification"]
    files = [f"{RESULTS}/{kind}/{e}/{n}.parquet" for e in experiments for n in names]
    if STUDY.map_pairs():
        files += [f"{RESULTS}/{kind}/maps/{d}.parquet" for d in STUDY.maps.datasets]
    return files
