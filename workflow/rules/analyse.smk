"""What the embedding spaces look like.

Purpose: two-dimensional views of the spaces, separability of the domains, transfer of principal components; examples
         of what maps do to a few pairs of spaces.
Inputs:  embeddings, maps, and images for the statistics that separability is compared with and
         for the examples, where there are any.
Outputs: results/<study>/analysis/**/*.parquet, results/<study>/metrics/separability/*.parquet.
"""


rule project_embeddings:
    input:
        code=code("project_embeddings"),
        embeddings=[
            f
            for m in ANALYSED or STUDY.models()
            for d in STUDY.evaluation.datasets
            for f in embeddings_of(m, d)
        ],
    output:
        views=f"{RESULTS}/analysis/views.parquet",
    log:
        f"{LOGS}/project_embeddings.log",
    benchmark:
        f"{BENCHMARKS}/project_embeddings.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=text(
            models=ANALYSED or STUDY.models(),
            datasets=STUDY.evaluation.datasets,
            split=STUDY.evaluation.split,
            images=STUDY.report.view_images,
            seed=STUDY.seed,
        ),
        embeddings=lambda w: f"{RESULTS}/embeddings",
    shell:
        "python -m unispace project-embeddings --settings {params.settings:q}"
        " --embeddings {params.embeddings} --views {output.views} > {log} 2>&1"


rule measure_images:
    input:
        code=code("measure_images"),
        data=lambda w: images_of(w.dataset),
    output:
        table=f"{RESULTS}/analysis/statistics/{{dataset}}.parquet",
    log:
        f"{LOGS}/measure_images/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_images/{{dataset}}.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=text(
            split=STUDY.evaluation.split,
            size=STUDY.analysis.separability.statistics_size,
        ),
        data=lambda w: f"{DATA}/{w.dataset}",
    shell:
        "python -m unispace measure-images --settings {params.settings:q}"
        " --data {params.data} --table {output.table} > {log} 2>&1"


rule evaluate_statistics:
    input:
        code=code("evaluate_statistics"),
        statistics=statistics_of(TASKS),
        manifests=[f"{DATA}/{d}/manifest.parquet" for d in TASKS],
    output:
        metrics=f"{RESULTS}/metrics/separability/statistics.parquet",
    log:
        f"{LOGS}/evaluate_statistics.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_statistics.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=separating(),
        statistics=lambda w: f"{RESULTS}/analysis/statistics",
        data=lambda w: DATA,
    shell:
        "python -m unispace evaluate-statistics --settings {params.settings:q}"
        " --data {params.data} --statistics {params.statistics}"
        " --metrics {output.metrics} > {log} 2>&1"


rule evaluate_separability:
    input:
        code=code("evaluate_separability"),
        embeddings=evaluated(TASKS),
        statistics=statistics_of(TASKS),
    output:
        metrics=f"{RESULTS}/metrics/separability/{MODEL}.parquet",
    log:
        f"{LOGS}/evaluate_separability/{MODEL}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_separability/{MODEL}.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: separating(model=model_name(w)),
        embeddings=lambda w: f"{RESULTS}/embeddings/{model_name(w)}",
        statistics=(f"--statistics {RESULTS}/analysis/statistics" if MATCHED else ""),
    shell:
        "python -m unispace evaluate-separability --settings {params.settings:q}"
        " --embeddings {params.embeddings} {params.statistics}"
        " --metrics {output.metrics} > {log} 2>&1"


rule evaluate_transfer:
    input:
        code=code("evaluate_transfer"),
        embeddings=transfer_embeddings,
    output:
        curves=f"{RESULTS}/analysis/pca/curves/{MODEL}.parquet",
        numbers=f"{RESULTS}/analysis/pca/numbers/{MODEL}.parquet",
    log:
        f"{LOGS}/evaluate_transfer/{MODEL}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_transfer/{MODEL}.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: text(
            model=model_name(w),
            seed=STUDY.seed,
            tasks={
                d: "class" if d in STUDY.class_datasets() else "identity"
                for d in TASKS
            },
            evaluation=chosen(STUDY.evaluation, "split", "resamples", "neighbours"),
            transfer=dumped(STUDY.analysis.transfer),
        ),
        embeddings=lambda w: f"{RESULTS}/embeddings/{model_name(w)}",
    shell:
        "python -m unispace evaluate-transfer --settings {params.settings:q}"
        " --embeddings {params.embeddings} --curves {output.curves}"
        " --numbers {output.numbers} > {log} 2>&1"


rule retrieve_examples:
    input:
        code=code("retrieve_examples"),
        embeddings=shown_embeddings,
        maps=shown_maps,
        data=lambda w: images_of(FITTINGS[w.fitting].test),
    output:
        examples=f"{RESULTS}/analysis/retrieval/{{fitting}}.parquet",
    log:
        f"{LOGS}/retrieve_examples/{{fitting}}.log",
    benchmark:
        f"{BENCHMARKS}/retrieve_examples/{{fitting}}.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=text(pairs=SHOWN, methods=STUDY.maps.methods_shown()),
        embeddings=lambda w: f"{RESULTS}/embeddings",
        maps=lambda w: f"{RESULTS}/maps/{w.fitting}",
    shell:
        "python -m unispace retrieve-examples --settings {params.settings:q}"
        " --embeddings {params.embeddings} --maps {params.maps} --data {input.data}"
        " --examples {output.examples} > {log} 2>&1"


rule project_maps:
    input:
        code=code("project_maps"),
        embeddings=shown_embeddings,
        maps=shown_maps,
    output:
        views=f"{RESULTS}/analysis/maps_views/{{fitting}}.parquet",
    log:
        f"{LOGS}/project_maps/{{fitting}}.log",
    benchmark:
        f"{BENCHMARKS}/project_maps/{{fitting}}.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=text(pairs=SHOWN, methods=STUDY.maps.methods_shown(), seed=STUDY.seed),
        embeddings=lambda w: f"{RESULTS}/embeddings",
        maps=lambda w: f"{RESULTS}/maps/{w.fitting}",
    shell:
        "python -m unispace project-maps --settings {params.settings:q}"
        " --embeddings {params.embeddings} --maps {params.maps}"
        " --views {output.views} > {log} 2>&1"
