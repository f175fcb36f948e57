"""Images.

Purpose: fetch what lies outside, render or read every data set, split it, store it.
Inputs:  the archives and folders that the study names; nothing for studio data.
Outputs: data/raw/<archive>/<file>, data/<study>/<dataset>/manifest.parquet and images.npy.
"""

from unispace.config.datasets import ArchiveSource, FolderSource
from unispace.data.preflight import content_of_folder, raw_path

ARCHIVES = {
    raw_path(d.source.path): d.source
    for d in STUDY.datasets.values()
    if isinstance(d.source, ArchiveSource)
}


def archive_of(wildcards):
    """The fetched archive of a data set, if it has one."""
    source = STUDY.datasets[wildcards.dataset].source
    return [f"data/raw/{raw_path(source.path)}"] if isinstance(source, ArchiveSource) else []


def preparation(wildcards):
    """What decides the images of a data set."""
    dataset = STUDY.datasets[wildcards.dataset]
    extra = {}
    if isinstance(dataset.source, FolderSource):
        # A folder is no file that Snakemake could compare: its content stands in the parameters.
        extra["content"] = content_of_folder(dataset.source, wildcards.dataset, Path("data/raw"))
    return text(
        name=wildcards.dataset,
        seed=STUDY.seed,
        dataset=dumped(dataset),
        **extra,
    )


rule fetch_archive:
    input:
        code=code("fetch_archive"),
    output:
        archive="data/raw/{archive}",
        record="data/raw/{archive}.json",
    params:
        settings=lambda w: text(path=ARCHIVES[w.archive].path, sha256=ARCHIVES[w.archive].sha256),
    log:
        "logs/raw/fetch_archive/{archive}.log",
    benchmark:
        "benchmarks/raw/fetch_archive/{archive}.tsv"
    wildcard_constraints:
        archive=one_of(ARCHIVES),
    priority: 100
    shell:
        "python -m unispace fetch-archive --settings {params.settings:q}"
        " --archive {output.archive} --record {output.record} > {log} 2>&1"


rule prepare_data:
    input:
        code=code("prepare_data"),
        archive=archive_of,
    output:
        manifest=f"{DATA}/{{dataset}}/manifest.parquet",
        images=f"{DATA}/{{dataset}}/images.npy",
    params:
        settings=preparation,
        archive=lambda w, input: f"--archive {input.archive}" if input.archive else "",
    log:
        f"{LOGS}/prepare_data/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/prepare_data/{{dataset}}.tsv"
    priority: 50
    shell:
        "python -m unispace prepare-data --settings {params.settings:q} {params.archive}"
        " --manifest {output.manifest} --images {output.images} > {log} 2>&1"
