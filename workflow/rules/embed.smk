"""Embeddings.

Purpose: embed the evaluated data sets with every model; nothing after this stage loads a network.
Inputs:  weights and card of a model, manifests and images.
Outputs: results/<study>/embeddings/<model>/<dataset>/ vectors.npy, index.parquet, embedding.json.
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
    priority: 20
    conda:
        "../../envs/environment.yaml"
    threads: 1
    params:
        settings=embedding,
        data=lambda w: DATA,
        shelf="results/.embeddings",
        folder=lambda w: f"{RESULTS}/embeddings/{model_name(w)}",
    shell:
        "python -m unispace extract-embeddings --settings {params.settings:q}"
        " --weights {input.weights} --card {input.card} --data {params.data}"
        " --shelf {params.shelf} --output {params.folder} --threads {threads} > {log} 2>&1"
