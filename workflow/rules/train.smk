"""Models.

Purpose: tune each backbone with each curriculum.
Inputs:  the backbone's weights and card, the images of the curriculum's data sets.
Outputs: checkpoints/<study>/<backbone>/<curriculum>/seed<k>/ model.safetensors, history.parquet, model.json.
"""


def trained_on(wildcards):
    """Manifests and images of the data sets that a curriculum trains on."""
    return [f for d in STUDY.curricula[wildcards.curriculum].train_on for f in images_of(d)]


def training(wildcards):
    """What decides the weights of a model, beside its images and the backbone's weights."""
    backbone = dumped(STUDY.backbones[wildcards.backbone])
    # How the backbone's weights were made shows in their bytes, which are an input.
    backbone["weights"] = {"kind": "random"}
    return text(
        model=model_name(wildcards),
        seed=STUDY.seed + int(wildcards.seed),
        backbone=backbone,
        curriculum=dumped(STUDY.curricula[wildcards.curriculum]),
    )


rule train_model:
    input:
        code=code("train_model"),
        pretrained=f"{CHECKPOINTS}/{{backbone}}/pretrained/model.safetensors",
        card=f"{CHECKPOINTS}/{{backbone}}/pretrained/model.json",
        data=trained_on,
    output:
        weights=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/model.safetensors",
        history=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/history.parquet",
        card=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/model.json",
    params:
        settings=training,
        data=DATA,
        resume=f"{CHECKPOINTS}/.unfinished",
    log:
        f"{LOGS}/train_model/{{backbone}}/{{curriculum}}/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/train_model/{{backbone}}/{{curriculum}}/seed{{seed}}.tsv"
    # One thread and two give different weights; more cores run more trainings side by side.
    threads: 1
    priority: 30
    shell:
        "python -m unispace train-model --settings {params.settings:q}"
        " --pretrained {input.pretrained} --pretrained-card {input.card} --data {params.data}"
        " --weights {output.weights} --history {output.history} --card {output.card}"
        " --resume {params.resume} --threads {threads} > {log} 2>&1"
