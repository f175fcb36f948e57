"""Models.

Purpose: tune each backbone with each curriculum.
Inputs:  the backbone's weights and card, the images of the curriculum's data sets.
Outputs: checkpoints/<study>/<backbone>/<curriculum>/seed<k>/ model.safetensors, history.parquet, timing.parquet, model.json.
"""


rule train_model:
    input:
        code=code("train_model"),
        pretrained=f"{CHECKPOINTS}/{{backbone}}/pretrained/model.safetensors",
        card=f"{CHECKPOINTS}/{{backbone}}/pretrained/model.json",
        data=trained_on,
    output:
        weights=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/model.safetensors",
        history=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/history.parquet",
        timing=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/timing.parquet",
        card=f"{CHECKPOINTS}/{{backbone}}/{{curriculum}}/seed{{seed}}/model.json",
    log:
        f"{LOGS}/train_model/{{backbone}}/{{curriculum}}/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/train_model/{{backbone}}/{{curriculum}}/seed{{seed}}.tsv"
    priority: 30
    conda:
        "../../envs/environment.yaml"
    # One thread and two give different weights; more cores run more trainings side by side.
    threads: 1
    params:
        settings=training,
        data=lambda w: DATA,
        resume=lambda w: f"{CHECKPOINTS}/.unfinished",
    shell:
        "python -m unispace train-model --settings {params.settings:q}"
        " --pretrained {input.pretrained} --pretrained-card {input.card} --data {params.data}"
        " --weights {output.weights} --history {output.history} --card {output.card}"
        " --timing {output.timing} --resume {params.resume} --threads {threads} > {log} 2>&1"
