"""Embeddings.

Purpose: embed the evaluated data sets with every model, and texts about their classes with every CLIP; take in
         embeddings that were made elsewhere; nothing after this stage loads a network.
Inputs:  weights and card of a model, manifests and images; the user's arrays.
Outputs: results/<study>/embeddings/<model>/<dataset>/ vectors.npy, index.parquet, embedding.json;
         results/<study>/prompts/<backbone>/<dataset>/<templates>/ vectors.npy, prompts.json.
"""


# One job embeds all data sets of a model: importing torch and timm costs as much as thousands of images.
rule extract_embeddings:
    input:
        code=code("extract_embeddings"),
        own=own_network,
        weights=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/model.safetensors",
        card=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/model.json",
        data=[f for d in STUDY.evaluation.datasets for f in images_of(d)],
    output:
        [
            f
            for d in STUDY.evaluation.datasets
            for f in embeddings_of("{backbone}/{curriculum}/seed{seed}", d)
        ],
    log:
        f"{LOGS}/extract_embeddings/{{backbone}}/{{curriculum}}/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/extract_embeddings/{{backbone}}/{{curriculum}}/seed{{seed}}.tsv"
    wildcard_constraints:
        backbone=one_of(STUDY.backbones),
        curriculum=one_of(STUDY.curricula),
    priority: 20
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(2000, 2),
        runtime=minutes(60, 60),
        gpu=1 if COUNTED else 0,
    params:
        settings=embedding,
        data=lambda w: DATA,
        shelf="results/.embeddings",
        folder=lambda w: f"{RESULTS}/embeddings/{model_name(w)}",
    shell:
        "python -m unispace extract-embeddings --settings {params.settings:q}"
        " --weights {input.weights} --card {input.card} --data {params.data}"
        " --shelf {params.shelf} --output {params.folder} --threads {threads}"
        " --gpus {resources.gpu} > {log} 2>&1"


# A job for each data set: another array concerns nothing but itself. Where the files lie is no reason to read them
# again, so it is no parameter; their content is one.
rule import_embeddings:
    input:
        code=code("import_embeddings"),
        manifest=f"{DATA}/{{dataset}}/manifest.parquet",
    output:
        embeddings_of(f"{{backbone}}/{OWN}/seed0", "{dataset}"),
    log:
        f"{LOGS}/import_embeddings/{{backbone}}/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/import_embeddings/{{backbone}}/{{dataset}}.tsv"
    wildcard_constraints:
        backbone=one_of(STUDY.embeddings),
    # What is wrong with them should show before a training begins.
    priority: 45
    conda:
        "../../envs/environment.yaml"
    resources:
        vectors=lambda w: own_vectors(w).vectors,
        index=lambda w: own_vectors(w).index,
    params:
        settings=importing,
        folder=lambda w: f"{RESULTS}/embeddings/{w.backbone}/{OWN}/seed0/{w.dataset}",
    shell:
        "python -m unispace import-embeddings --settings {params.settings:q}"
        " --vectors {resources.vectors:q} --index {resources.index:q}"
        " --manifest {input.manifest} --output {params.folder} > {log} 2>&1"


# The text tower is never tuned: all models of a backbone are asked with the same prompts. Backbones that name images
# and those that detect attacks are the same ones, where both are asked for.
rule embed_prompts:
    input:
        code=code("embed_prompts"),
        weights=f"{CHECKPOINTS}/{{backbone}}/pretrained/model.safetensors",
        manifests=[f"{DATA}/{d}/manifest.parquet" for d in STUDY.prompts.datasets],
    output:
        prompts_of("{backbone}") + attack_texts_of("{backbone}"),
    log:
        f"{LOGS}/embed_prompts/{{backbone}}.log",
    benchmark:
        f"{BENCHMARKS}/embed_prompts/{{backbone}}.tsv"
    wildcard_constraints:
        backbone=one_of({*STUDY.prompted_backbones(), *ATTACK_TEXTS}),
    priority: 20
    conda:
        "../../envs/environment.yaml"
    threads: 1
    params:
        settings=prompting,
        data=lambda w: DATA,
        folder=lambda w: f"{RESULTS}/prompts/{w.backbone}",
    shell:
        "python -m unispace embed-prompts --settings {params.settings:q}"
        " --weights {input.weights} --data {params.data} --output {params.folder}"
        " --threads {threads} > {log} 2>&1"
