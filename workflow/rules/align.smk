"""Maps between embedding spaces.

Purpose: fit every map between every ordered pair of the study's mapped models.
Inputs:  their embeddings of the data set of identities that is fitted on, and of the one that is tested.
Outputs: results/<study>/maps/<fitting>/<source>--<target>.safetensors, all methods in one file, and maps.json;
         <fitting> is a data set, or <fitted on>--<tested on>.
"""

MAP_FILES = [
    f"{RESULTS}/maps/{{fitting}}/{pair_name(s, t)}.safetensors"
    for s in STUDY.maps.mapped()
    for t in STUDY.maps.mapped()
]


wildcard_constraints:
    fitting=one_of(FITTINGS),


rule fit_maps:
    input:
        code=code("fit_maps"),
        embeddings=fitting_embeddings,
    output:
        maps=MAP_FILES,
        record=f"{RESULTS}/maps/{{fitting}}/maps.json",
    log:
        f"{LOGS}/fit_maps/{{fitting}}.log",
    benchmark:
        f"{BENCHMARKS}/fit_maps/{{fitting}}.tsv"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=megabytes(1000, 4),
        runtime=minutes(60, 240),
    params:
        settings=lambda w: text(
            seed=STUDY.seed,
            fitting=FITTINGS[w.fitting]._asdict(),
            models=STUDY.maps.mapped(),
            maps=chosen(STUDY.maps, "split", "fit_share", "methods"),
        ),
        embeddings=lambda w: f"{RESULTS}/embeddings",
        folder=lambda w: f"{RESULTS}/maps/{w.fitting}",
        kept=lambda w: f"{KEPT}/fit_maps/{w.fitting}",
    shell:
        "python -m unispace fit-maps --settings {params.settings:q}"
        " --embeddings {params.embeddings} --output {params.folder} --kept {params.kept} > {log} 2>&1"
