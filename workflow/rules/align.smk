"""Maps between embedding spaces.

Purpose: fit every map between every ordered pair of the study's mapped models.
Inputs:  their embeddings of a data set of identities.
Outputs: results/<study>/maps/<dataset>/<source>--<target>/<method>.safetensors, and maps.json.
"""


def map_name(source, target):
    """Folder name of an ordered pair."""
    return f"{source.replace('/', '+')}--{target.replace('/', '+')}"


def mapped_embeddings(wildcards):
    """Embeddings of all mapped models on a data set."""
    return [f for m in STUDY.maps.models for f in embeddings_of(m, wildcards.dataset)]


MAP_FILES = [
    f"{RESULTS}/maps/{{dataset}}/{map_name(s, t)}/{method}.safetensors"
    for s, t in STUDY.map_pairs()
    for method in STUDY.maps.methods.chosen()
]


rule fit_maps:
    input:
        code=code("fit_maps"),
        embeddings=mapped_embeddings,
    output:
        maps=MAP_FILES,
        record=f"{RESULTS}/maps/{{dataset}}/maps.json",
    params:
        settings=lambda w: text(
            dataset=w.dataset, maps=dumped(STUDY.maps), pairs=STUDY.map_pairs()
        ),
        embeddings=f"{RESULTS}/embeddings",
        folder=f"{RESULTS}/maps/{{dataset}}",
    log:
        f"{LOGS}/fit_maps/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/fit_maps/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(STUDY.maps.datasets),
    shell:
        "python -m unispace fit-maps --settings {params.settings:q}"
        " --embeddings {params.embeddings} --output {params.folder} > {log} 2>&1"
