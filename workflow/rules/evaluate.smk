"""Metrics.

Purpose: verification, identification, classification and attack detection of every model, zero-shot classification
         of every CLIP, and every map; what tuning changed.
Inputs:  embeddings and maps; no network, no image.
Outputs: results/<study>/metrics/*.parquet, results/<study>/curves/*.parquet, results/<study>/results.parquet;
         results/<study>/samples/*.parquet, the metrics of every resample, for paired comparisons;
         results/headline.json and .csv, the few numbers that DVC compares between commits (-<study> for other studies);
         results/<study>/humans.parquet, models beside published results of people.
"""

MODEL = "{backbone}+{curriculum}+seed{seed}"


rule evaluate_verification:
    input:
        code=code("evaluate_verification"),
        embeddings=evaluated(STUDY.identity_datasets()),
        pairs=official_pairs(STUDY.identity_datasets()),
    output:
        metrics=f"{RESULTS}/metrics/verification/{MODEL}.parquet",
        curves=f"{RESULTS}/curves/verification/{MODEL}.parquet",
        samples=f"{RESULTS}/samples/verification/{MODEL}.parquet",
    log:
        f"{LOGS}/evaluate_verification/{MODEL}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_verification/{MODEL}.tsv"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=megabytes(1000, 3),
        runtime=minutes(30, 60),
    params:
        settings=evaluation(STUDY.identity_datasets(), "fmr", "verification", "folds"),
        embeddings=lambda w: f"{RESULTS}/embeddings/{model_name(w)}",
        data=DATA,
    shell:
        "python -m unispace evaluate-verification --settings {params.settings:q}"
        " --embeddings {params.embeddings} --data {params.data} --metrics {output.metrics}"
        " --curves {output.curves} --samples {output.samples} > {log} 2>&1"


rule evaluate_identification:
    input:
        code=code("evaluate_identification"),
        embeddings=evaluated(STUDY.identity_datasets()),
    output:
        metrics=f"{RESULTS}/metrics/identification/{MODEL}.parquet",
        curves=f"{RESULTS}/curves/identification/{MODEL}.parquet",
        samples=f"{RESULTS}/samples/identification/{MODEL}.parquet",
    log:
        f"{LOGS}/evaluate_identification/{MODEL}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_identification/{MODEL}.tsv"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=megabytes(1000, 3),
        runtime=minutes(30, 60),
    params:
        settings=evaluation(
            STUDY.identity_datasets(), "ranks", "identification", "known", "fpir"
        ),
        embeddings=lambda w: f"{RESULTS}/embeddings/{model_name(w)}",
    shell:
        "python -m unispace evaluate-identification --settings {params.settings:q}"
        " --embeddings {params.embeddings} --metrics {output.metrics}"
        " --curves {output.curves} --samples {output.samples} > {log} 2>&1"


rule evaluate_classification:
    input:
        code=code("evaluate_classification"),
        embeddings=evaluated(STUDY.class_datasets()),
    output:
        metrics=f"{RESULTS}/metrics/classification/{MODEL}.parquet",
        samples=f"{RESULTS}/samples/classification/{MODEL}.parquet",
    log:
        f"{LOGS}/evaluate_classification/{MODEL}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_classification/{MODEL}.tsv"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=megabytes(1000, 3),
        runtime=minutes(30, 60),
    params:
        settings=evaluation(
            STUDY.class_datasets(), "neighbours", "gallery", "linear_probe"
        ),
        embeddings=lambda w: f"{RESULTS}/embeddings/{model_name(w)}",
    shell:
        "python -m unispace evaluate-classification --settings {params.settings:q}"
        " --embeddings {params.embeddings} --metrics {output.metrics}"
        " --samples {output.samples} > {log} 2>&1"


rule evaluate_changes:
    input:
        code=code("evaluate_changes"),
        metrics=lambda w: tested("metrics", w.backbone),
        samples=lambda w: tested("samples", w.backbone),
    output:
        metrics=f"{RESULTS}/metrics/change/{{backbone}}.parquet",
    log:
        f"{LOGS}/evaluate_changes/{{backbone}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_changes/{{backbone}}.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: text(
            study=STUDY.study,
            seed=STUDY.seed,
            domains={d: STUDY.datasets[d].domain for d in STUDY.evaluation.datasets},
            changes=STUDY.changes_of(w.backbone),
            evaluation=chosen(
                STUDY.evaluation,
                "verification",
                "identification",
                "ranks",
                "neighbours",
            ),
        ),
    shell:
        "python -m unispace evaluate-changes --settings {params.settings:q}"
        " --measured {input.metrics} --samples {input.samples}"
        " --metrics {output.metrics} > {log} 2>&1"


rule evaluate_tradeoffs:
    input:
        code=code("evaluate_tradeoffs"),
        metrics=lambda w: traded_off("metrics", w.backbone),
        samples=lambda w: traded_off("samples", w.backbone),
    output:
        metrics=f"{RESULTS}/metrics/gelo/{{backbone}}.parquet",
    log:
        f"{LOGS}/evaluate_tradeoffs/{{backbone}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_tradeoffs/{{backbone}}.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: text(
            study=STUDY.study,
            seed=STUDY.seed,
            models=traded(STUDY, w.backbone),
            tradeoffs=chosen(STUDY.tradeoffs, "datasets", "metric"),
            gains=gained(STUDY, w.backbone),
        ),
    shell:
        "python -m unispace evaluate-tradeoffs --settings {params.settings:q}"
        " --measured {input.metrics} --samples {input.samples}"
        " --metrics {output.metrics} > {log} 2>&1"


rule evaluate_zero_shot:
    input:
        code=code("evaluate_zero_shot"),
        embeddings=evaluated(STUDY.prompts.datasets),
        prompts=lambda w: prompts_of(w.backbone),
    output:
        metrics=f"{RESULTS}/metrics/zero_shot/{MODEL}.parquet",
        samples=f"{RESULTS}/samples/zero_shot/{MODEL}.parquet",
    log:
        f"{LOGS}/evaluate_zero_shot/{MODEL}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_zero_shot/{MODEL}.tsv"
    wildcard_constraints:
        backbone=one_of(STUDY.prompted_backbones()),
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: text(
            study=STUDY.study,
            model=model_name(w),
            seed=STUDY.seed,
            datasets=list(STUDY.prompts.datasets),
            templates=list(STUDY.prompts.templates),
            evaluation=chosen(STUDY.evaluation, "split", "resamples"),
        ),
        embeddings=lambda w: f"{RESULTS}/embeddings/{model_name(w)}",
        prompts=lambda w: f"{RESULTS}/prompts/{w.backbone}",
    shell:
        "python -m unispace evaluate-zero-shot --settings {params.settings:q}"
        " --embeddings {params.embeddings} --prompts {params.prompts}"
        " --metrics {output.metrics} --samples {output.samples} > {log} 2>&1"


# Where the lists lie is no reason to verify again, so it is no parameter; their content is one.
rule evaluate_templates:
    input:
        code=code("evaluate_templates"),
        embeddings=lambda w: embeddings_of(model_name(w), w.dataset),
    output:
        metrics=f"{RESULTS}/metrics/templates/{{dataset}}/{MODEL}.parquet",
        curves=f"{RESULTS}/curves/templates/{{dataset}}/{MODEL}.parquet",
        samples=f"{RESULTS}/samples/templates/{{dataset}}/{MODEL}.parquet",
    log:
        f"{LOGS}/evaluate_templates/{{dataset}}/{MODEL}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_templates/{{dataset}}/{MODEL}.tsv"
    wildcard_constraints:
        dataset=one_of(STUDY.evaluation.templates),
    conda:
        "../../envs/environment.yaml"
    resources:
        images=lambda w: STUDY.evaluation.templates[w.dataset].images,
        pairs=lambda w: STUDY.evaluation.templates[w.dataset].pairs,
    params:
        settings=verifying_templates,
        embeddings=lambda w: f"{RESULTS}/embeddings/{model_name(w)}",
    shell:
        "python -m unispace evaluate-templates --settings {params.settings:q}"
        " --embeddings {params.embeddings} --images {resources.images:q}"
        " --pairs {resources.pairs:q} --metrics {output.metrics}"
        " --curves {output.curves} --samples {output.samples} > {log} 2>&1"


# One job tests all detectors of a model: they take the same resamples.
rule evaluate_attacks:
    input:
        code=code("evaluate_attacks"),
        embeddings=evaluated(ATTACKED),
        heads=attack_heads,
        texts=lambda w: (
            attack_texts_of(w.backbone) if w.backbone in ATTACK_TEXTS else []
        ),
    output:
        metrics=f"{RESULTS}/metrics/attack_detection/{MODEL}.parquet",
        curves=f"{RESULTS}/curves/attack_detection/{MODEL}.parquet",
        samples=f"{RESULTS}/samples/attack_detection/{MODEL}.parquet",
    log:
        f"{LOGS}/evaluate_attacks/{MODEL}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_attacks/{MODEL}.tsv"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=megabytes(1000, 3),
        runtime=minutes(30, 60),
    params:
        settings=detecting,
        embeddings=lambda w: f"{RESULTS}/embeddings/{model_name(w)}",
        heads=lambda w, input: f"--heads {input.heads[0]}" if input.heads else "",
        prompts=lambda w: f"{RESULTS}/prompts/{w.backbone}",
    shell:
        "python -m unispace evaluate-attacks --settings {params.settings:q}"
        " --embeddings {params.embeddings} {params.heads} --prompts {params.prompts}"
        " --metrics {output.metrics} --curves {output.curves}"
        " --samples {output.samples} > {log} 2>&1"


# A job for each target: its gallery is the same for all sources.
rule evaluate_maps:
    input:
        code=code("evaluate_maps"),
        embeddings=tested_embeddings,
        maps=lambda w: [
            f"{RESULTS}/maps/{w.fitting}/{flat_name(m)}--{w.target}.safetensors"
            for m in STUDY.maps.mapped()
        ],
        record=f"{RESULTS}/maps/{{fitting}}/maps.json",
        pairs=lambda w: across_pairs([FITTINGS[w.fitting].test]),
    output:
        metrics=f"{RESULTS}/metrics/maps/{{fitting}}/{{target}}.parquet",
        curves=f"{RESULTS}/curves/maps/{{fitting}}/{{target}}.parquet",
        samples=f"{RESULTS}/samples/maps/{{fitting}}/{{target}}.parquet",
    log:
        f"{LOGS}/evaluate_maps/{{fitting}}/{{target}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_maps/{{fitting}}/{{target}}.tsv"
    wildcard_constraints:
        target=one_of(map(flat_name, STUDY.maps.mapped())),
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=megabytes(1000, 3),
        runtime=minutes(30, 240),
    params:
        settings=lambda w: text(
            study=STUDY.study,
            seed=STUDY.seed,
            target=model_of_flat_name(w.target),
            evaluation=across_models("fmr", "folds", "ranks", "known", "fpir"),
        ),
        embeddings=lambda w: f"{RESULTS}/embeddings",
        maps=lambda w: f"{RESULTS}/maps/{w.fitting}",
        data=DATA,
        kept=lambda w: f"{KEPT}/evaluate_maps/{w.fitting}/{w.target}",
    shell:
        "python -m unispace evaluate-maps --settings {params.settings:q}"
        " --embeddings {params.embeddings} --maps {params.maps} --data {params.data}"
        " --metrics {output.metrics} --curves {output.curves}"
        " --samples {output.samples} --kept {params.kept} > {log} 2>&1"


rule evaluate_maps_paper:
    input:
        code=code("evaluate_maps_paper"),
        embeddings=fitting_embeddings,
    output:
        metrics=f"{RESULTS}/metrics/maps_paper/{{fitting}}.parquet",
    log:
        f"{LOGS}/evaluate_maps_paper/{{fitting}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_maps_paper/{{fitting}}.tsv"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=megabytes(1000, 3),
        runtime=minutes(30, 240),
    params:
        settings=lambda w: text(
            study=STUDY.study,
            seed=STUDY.seed,
            fitting=FITTINGS[w.fitting]._asdict(),
            families=STUDY.maps.family_of(),
            maps=chosen(STUDY.maps, "split", "fit_share", "paper_splits", "methods"),
            evaluation=chosen(STUDY.evaluation, "fmr", "ranks"),
        ),
        embeddings=lambda w: f"{RESULTS}/embeddings",
        kept=lambda w: f"{KEPT}/evaluate_maps_paper/{w.fitting}",
    shell:
        "python -m unispace evaluate-maps-paper --settings {params.settings:q}"
        " --embeddings {params.embeddings} --metrics {output.metrics}"
        " --kept {params.kept} > {log} 2>&1"


rule evaluate_families:
    input:
        code=code("evaluate_families"),
        metrics=lambda w: of_targets("metrics", w.fitting),
        samples=lambda w: of_targets("samples", w.fitting),
    output:
        metrics=f"{RESULTS}/metrics/families/{{fitting}}.parquet",
    log:
        f"{LOGS}/evaluate_families/{{fitting}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_families/{{fitting}}.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=text(
            study=STUDY.study, seed=STUDY.seed, families=STUDY.maps.family_of()
        ),
    shell:
        "python -m unispace evaluate-families --settings {params.settings:q}"
        " --measured {input.metrics} --samples {input.samples}"
        " --metrics {output.metrics} > {log} 2>&1"


rule evaluate_planted:
    input:
        code=code("evaluate_planted"),
    output:
        metrics=f"{RESULTS}/metrics/planted.parquet",
    log:
        f"{LOGS}/evaluate_planted.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_planted.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=text(
            study=STUDY.study,
            seed=STUDY.seed,
            evaluation=chosen(STUDY.evaluation, "resamples"),
        ),
    shell:
        "python -m unispace evaluate-planted --settings {params.settings:q}"
        " --metrics {output.metrics} > {log} 2>&1"


rule collect_results:
    input:
        code=code("collect_results"),
        metrics=parts("metrics"),
        curves=parts("curves"),
    output:
        results=f"{RESULTS}/results.parquet",
        curves=f"{RESULTS}/curves.parquet",
    log:
        f"{LOGS}/collect_results.log",
    benchmark:
        f"{BENCHMARKS}/collect_results.tsv"
    conda:
        "../../envs/environment.yaml"
    shell:
        "python -m unispace collect-results --metrics {input.metrics} --curves {input.curves}"
        " --results {output.results} --all-curves {output.curves} > {log} 2>&1"


rule summarise_results:
    input:
        code=code("summarise_results"),
        results=f"{RESULTS}/results.parquet",
    output:
        metrics=f"{VERSIONS.headline}.json",
        plots=f"{VERSIONS.headline}.csv",
    log:
        f"{LOGS}/summarise_results.log",
    benchmark:
        f"{BENCHMARKS}/summarise_results.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=text(models=STUDY.models(), datasets=list(STUDY.datasets)),
    shell:
        "python -m unispace summarise-results --settings {params.settings:q}"
        " --results {input.results} --metrics {output.metrics} --plots {output.plots}"
        " > {log} 2>&1"


rule compare_humans:
    input:
        code=code("compare_humans"),
        results=f"{RESULTS}/results.parquet",
        humans="workflow/unispace/evaluation/human.csv",
    output:
        comparison=f"{RESULTS}/humans.parquet",
    log:
        f"{LOGS}/compare_humans.log",
    benchmark:
        f"{BENCHMARKS}/compare_humans.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=text(
            datasets={d: dumped(STUDY.datasets[d]) for d in STUDY.evaluation.datasets},
            split=STUDY.evaluation.split,
        ),
    shell:
        "python -m unispace compare-humans --settings {params.settings:q}"
        " --results {input.results} --humans {input.humans}"
        " --comparison {output.comparison} > {log} 2>&1"
