"""Models.

Purpose: tune each backbone with each curriculum, or take weights between two of its models.
Inputs:  the backbone's weights and card, the images of the curriculum's data sets or the weights of a tuned model.
Outputs: checkpoints/<study>/<backbone>/<curriculum>/seed<k>/ model.safetensors, heads.safetensors, history.parquet,
         model.json.
"""

# Curricula whose weights lie between those of two others.
BETWEEN = [name for name, c in STUDY.curricula.items() if c.interpolate]


rule train_model:
    input:
        code=code("train_model"),
        own=own_network,
        pretrained=f"{CHECKPOINTS}/{{backbone}}/pretrained/model.safetensors",
        card=f"{CHECKPOINTS}/{{backbone}}/pretrained/model.json",
        data=trained_on,
    output:
        weights=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/model.safetensors",
        heads=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/heads.safetensors",
        history=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/history.parquet",
        card=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/model.json",
    # How fast it went is no result: times never repeat, and what is published must.
    log:
        f"{LOGS}/train_model/{{backbone}}/{{curriculum}}/seed{{seed}}.log",
        timing=f"{LOGS}/train_model/{{backbone}}/{{curriculum}}/seed{{seed}}.timing.parquet",
    benchmark:
        f"{BENCHMARKS}/train_model/{{backbone}}/{{curriculum}}/seed{{seed}}.tsv"
    wildcard_constraints:
        backbone=one_of(STUDY.backbones),
        curriculum=one_of(c for c in STUDY.curricula if c not in BETWEEN),
    priority: 30
    conda:
        "../../envs/environment.yaml"
    # One thread and two give different weights; more cores run more trainings side by side. Where fewer cores are
    # given than a training has processes, it is slower and gives the same.
    threads: lambda w: STUDY.curricula[w.curriculum].processes
    resources:
        mem_mb=megabytes(2000, 2),
        runtime=minutes_to_tune,
        gpu=gpus_to_tune,
    params:
        settings=training,
        data=lambda w: DATA,
        resume=lambda w: f"{CHECKPOINTS}/.unfinished",
    shell:
        "python -m unispace train-model --settings {params.settings:q}"
        " --pretrained {input.pretrained} --pretrained-card {input.card} --data {params.data}"
        " --weights {output.weights} --heads {output.heads} --history {output.history}"
        " --card {output.card}"
        " --timing {log.timing} --resume {params.resume} --threads 1"
        " --gpus {resources.gpu} > {log[0]} 2>&1"


rule interpolate_weights:
    input:
        code=code("interpolate_weights"),
        pretrained=f"{CHECKPOINTS}/{{backbone}}/pretrained/model.safetensors",
        card=f"{CHECKPOINTS}/{{backbone}}/pretrained/model.json",
        tuned=lambda w: f"{tuned_end(w)}/model.safetensors",
        tuned_card=lambda w: f"{tuned_end(w)}/model.json",
        tuned_heads=lambda w: f"{tuned_end(w)}/heads.safetensors",
    output:
        weights=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/model.safetensors",
        heads=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/heads.safetensors",
        history=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/history.parquet",
        card=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/model.json",
    log:
        f"{LOGS}/interpolate_weights/{{backbone}}/{{curriculum}}/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/interpolate_weights/{{backbone}}/{{curriculum}}/seed{{seed}}.tsv"
    wildcard_constraints:
        backbone=one_of(STUDY.backbones),
        curriculum=one_of(BETWEEN),
    priority: 25
    conda:
        "../../envs/environment.yaml"
    params:
        settings=training,
    shell:
        "python -m unispace interpolate-weights --settings {params.settings:q}"
        " --pretrained {input.pretrained} --pretrained-card {input.card}"
        " --tuned {input.tuned} --tuned-card {input.tuned_card} --tuned-heads {input.tuned_heads}"
        " --weights {output.weights} --heads {output.heads} --history {output.history}"
        " --card {output.card} > {log} 2>&1"
