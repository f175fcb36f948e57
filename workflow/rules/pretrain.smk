"""Backbones before tuning.

Purpose: pretrain a backbone in the pipeline, or fetch published weights.
Inputs:  the data sets to learn from, the teacher's weights where there is one, or a weights file or hub repository.
Outputs: checkpoints/<study>/<backbone>/pretrained/ model.safetensors, history.parquet, model.json.
"""

FETCHED = [n for n, b in STUDY.backbones.items() if b.weights.kind in ("file", "hub")]
MADE = [n for n in STUDY.backbones if n not in FETCHED]


rule pretrain_backbone:
    input:
        code=code("pretrain_backbone"),
        own=own_network,
        data=learnt_from,
        teacher=taught_by,
    output:
        weights=f"{CHECKPOINTS}/{{backbone}}/pretrained/model.safetensors",
        history=f"{CHECKPOINTS}/{{backbone}}/pretrained/history.parquet",
        card=f"{CHECKPOINTS}/{{backbone}}/pretrained/model.json",
    log:
        f"{LOGS}/pretrain_backbone/{{backbone}}.log",
    benchmark:
        f"{BENCHMARKS}/pretrain_backbone/{{backbone}}.tsv"
    wildcard_constraints:
        backbone=one_of(MADE),
    priority: 60
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(2000, 2),
        runtime=minutes_to_pretrain,
        gpu=gpus_to_pretrain,
    params:
        settings=lambda w: text(
            name=w.backbone,
            seed=STUDY.seed,
            backbone=untuned(w.backbone),
            teacher=teacher(w),
        ),
        data=lambda w, input: (
            " ".join(
                ["--data", *dict.fromkeys(str(Path(f).parent) for f in input.data)]
            )
            if input.data
            else ""
        ),
        teacher=lambda w, input: (
            f"--teacher {input.teacher[0]}" if input.teacher else ""
        ),
        resume=lambda w: f"{CHECKPOINTS}/.unfinished",
    shell:
        "python -m unispace pretrain-backbone --settings {params.settings:q} {params.data} {params.teacher}"
        " --weights {output.weights} --history {output.history} --card {output.card}"
        " --resume {params.resume} --threads {threads}"
        " --gpus {resources.gpu} > {log} 2>&1"


rule fetch_weights:
    input:
        code=code("fetch_weights"),
        own=own_network,
    output:
        weights=f"{CHECKPOINTS}/{{backbone}}/pretrained/model.safetensors",
        history=f"{CHECKPOINTS}/{{backbone}}/pretrained/history.parquet",
        card=f"{CHECKPOINTS}/{{backbone}}/pretrained/model.json",
    log:
        f"{LOGS}/fetch_weights/{{backbone}}.log",
    benchmark:
        f"{BENCHMARKS}/fetch_weights/{{backbone}}.tsv"
    wildcard_constraints:
        backbone=one_of(FETCHED),
    priority: 100
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: text(name=w.backbone, backbone=untuned(w.backbone)),
    shell:
        "python -m unispace fetch-weights --settings {params.settings:q}"
        " --weights {output.weights} --history {output.history} --card {output.card} > {log} 2>&1"
