"""What jobs read, and which part of the study decides what they make: functions of their wildcards."""

from unispace.data.preflight import content_of
from unispace.data.sources.raw import raw_files


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

LEARNT_FROM = {
    b.weights.dataset for b in STUDY.backbones.values() if b.weights.kind == "pretrain"
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
    if dataset.source.kind in ("folder", "manifest", "shards"):
        # Images that stay where they lie are no file that Snakemake could compare: their content stands in the
        # parameters, and a copy of them elsewhere is the same to it.
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
    """The data set that a backbone is pretrained on, if any."""
    weights = STUDY.backbones[wildcards.backbone].weights
    return images_of(weights.dataset) if weights.kind == "pretrain" else []


def trained_on(wildcards):
    """Manifests and images of the data sets that a curriculum trains on."""
    return [
        f for d in STUDY.curricula[wildcards.curriculum].train_on for f in images_of(d)
    ]


def tuned_end(wildcards):
    """Folder of the tuned model at the end of the line that a curriculum interpolates on."""
    end = STUDY.curricula[wildcards.curriculum].interpolate.curriculum
    return f"{CHECKPOINTS}/{wildcards.backbone}/{end}/seed{wildcards.seed}"


def untuned(wildcards):
    """A backbone before tuning: with which curricula it is tuned decides nothing of it."""
    backbone = dumped(STUDY.backbones[wildcards.backbone])
    # What its weights have seen is said for the audit.
    backbone["weights"].pop("seen", None)
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


def official_pairs(datasets):
    """The official pairs of data sets, where the study asks for them."""
    asked = "official" in STUDY.evaluation.verification
    return [f"{DATA}/{d}/pairs.parquet" for d in datasets] if asked else []


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
