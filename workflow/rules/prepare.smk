"""Images.

Purpose: fetch what lies outside, render or read every data set, split it, store it.
Inputs:  the archives and folders that the study names; nothing for studio data.
Outputs: data/raw/<archive>/<file>, data/<study>/<dataset>/manifest.parquet, images.npy (where there are images),
         factors.parquet, left_out.json and pairs.parquet.
"""


rule fetch_archive:
    input:
        code=code("fetch_archive"),
    output:
        archive="data/raw/{archive}",
        record="data/raw/{archive}.json",
    log:
        "logs/raw/fetch_archive/{archive}.log",
    benchmark:
        "benchmarks/raw/fetch_archive/{archive}.tsv"
    wildcard_constraints:
        archive=one_of(ARCHIVES),
    priority: 100
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: text(
            path=ARCHIVES[w.archive].path, sha256=ARCHIVES[w.archive].sha256
        ),
    shell:
        "python -m unispace fetch-archive --settings {params.settings:q}"
        " --archive {output.archive:q} --record {output.record:q} > {log} 2>&1"


rule fetch_registered:
    input:
        code=code("fetch_registered"),
    # Its record is no output: Snakemake would remove it first, and it holds the checksum of the first fetch.
    output:
        archive="data/raw/{archive}",
    log:
        "logs/raw/fetch_registered/{archive}.log",
    benchmark:
        "benchmarks/raw/fetch_registered/{archive}.tsv"
    wildcard_constraints:
        archive=one_of(REGISTERED),
    priority: 100
    conda:
        "../../envs/environment.yaml"
    # Not in params: where the bytes come from is no reason to fetch them again.
    resources:
        mirror=lambda w: REGISTERED[w.archive].mirror or "",
    params:
        settings=lambda w: text(
            name=REGISTERED[w.archive].name, sha256=REGISTERED[w.archive].sha256
        ),
    shell:
        "python -m unispace fetch-registered --settings {params.settings:q}"
        " --file {wildcards.archive:q}"
        " --mirror={resources.mirror:q} --archive {output.archive:q}"
        " --record {output.archive:q}.json > {log} 2>&1"


rule fetch_torchvision:
    input:
        code=code("fetch_torchvision"),
    output:
        archive="data/raw/{archive}",
        record="data/raw/{archive}.json",
    log:
        "logs/raw/fetch_torchvision/{archive}.log",
    benchmark:
        "benchmarks/raw/fetch_torchvision/{archive}.tsv"
    wildcard_constraints:
        archive=one_of(TORCHVISION),
    priority: 100
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: text(**dumped(TORCHVISION[w.archive])),
    shell:
        "python -m unispace fetch-torchvision --settings {params.settings:q}"
        " --root data/raw/torchvision --archive {output.archive:q}"
        " --record {output.record:q} > {log} 2>&1"


rule fetch_huggingface:
    input:
        code=code("fetch_huggingface"),
    # Its record is no output: Snakemake would remove it first, and it holds the revision of the first fetch.
    output:
        archive="data/raw/{archive}",
    log:
        "logs/raw/fetch_huggingface/{archive}.log",
    benchmark:
        "benchmarks/raw/fetch_huggingface/{archive}.tsv"
    wildcard_constraints:
        archive=one_of(HUGGINGFACE),
    priority: 100
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: text(**dumped(HUGGINGFACE[w.archive])),
    shell:
        "python -m unispace fetch-huggingface --settings {params.settings:q}"
        " --archive {output.archive:q} --record {output.archive:q}.json > {log} 2>&1"


rule prepare_data:
    input:
        code=code("prepare_data"),
        archives=archives_of,
    output:
        manifest=f"{DATA}/{{dataset}}/manifest.parquet",
        images=f"{DATA}/{{dataset}}/images.npy",
        factors=f"{DATA}/{{dataset}}/factors.parquet",
        left_out=f"{DATA}/{{dataset}}/left_out.json",
        pairs=f"{DATA}/{{dataset}}/pairs.parquet",
    log:
        f"{LOGS}/prepare_data/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/prepare_data/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(set(PICTURED) - LEARNT_FROM),
    priority: 50
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=megabytes(1000, 2),
        runtime=minutes(120, 60),
    params:
        settings=preparation,
        # The further files of a set lie beside its first.
        archive=lambda w: " ".join(f"--archive '{f}'" for f in archives_of(w)[:1]),
        folder=lambda w: f"{DATA}/{w.dataset}",
    shell:
        "python -m unispace prepare-data --settings {params.settings:q} {params.archive}"
        " --output {params.folder} --workers {threads} > {log} 2>&1"


# Pretraining is the longest thing that nothing runs beside: its images come first.
use rule prepare_data as prepare_pretraining_data with:
    log:
        f"{LOGS}/prepare_pretraining_data/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/prepare_pretraining_data/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(LEARNT_FROM),
    priority: 70


# Of some data sets there is a list and no image.
use rule prepare_data as prepare_index with:
    output:
        manifest=f"{DATA}/{{dataset}}/manifest.parquet",
        factors=f"{DATA}/{{dataset}}/factors.parquet",
        left_out=f"{DATA}/{{dataset}}/left_out.json",
        pairs=f"{DATA}/{{dataset}}/pairs.parquet",
    log:
        f"{LOGS}/prepare_index/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/prepare_index/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(set(STUDY.datasets) - set(PICTURED)),


rule data:
    input:
        [f for d in STUDY.datasets for f in images_of(d)],
        [f"{DATA}/{d}/left_out.json" for d in STUDY.datasets],
