"""Maps between embedding spaces.

Purpose: fit every map between every ordered pair of the study's mapped models.
Inputs:  their embeddings of a data set of identities.
Outputs: results/<study>/maps/<dataset>/<source>--<target>/<method>.safetensors, and maps.json.
"""

MAP_FILES = [
    f"{RESULTS}/maps/{{dataset}}/{pair_name(s, t)}/{method}.safetensors"
    for s, t in STUDY.map_pairs()
    for method in STUDY.maps.methods
]


rule fit_maps:
    input:
        code=code("fit_maps"),
        embeddings=mapped_embeddings,
    output:
        maps=MAP_FILES,
        record=f"{RESULTS}/maps/{{dataset}}/maps.json",
    log:
        f"{LOGS}/fit_maps/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/fit_maps/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(STUDY.maps.datasets),
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: text(
            dataset=w.dataset,
            seed=STUDY.seed,
            maps=chosen(STUDY.maps, "models", "split", "fit_share", "methods"),
            pairs=STUDY.map_pairs(),
        ),
        embeddings=lambda w: f"{RESULTS}/embeddings",
        folder=lambda w: f"{RESULTS}/maps/{w.dataset}",
    shell:
        "python -m unispace fit-maps --settings {params.settings:q}"
        " --embeddings {params.embeddings} --output {params.folder} > {log} 2>&1"
