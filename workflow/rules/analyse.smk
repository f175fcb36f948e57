"""What the embedding spaces look like.

Purpose: two-dimensional views of the spaces, separability of the domains, transfer of principal components; examples
         of what maps do to a few pairs of spaces; how much these need, and how few leaked pairs link two databases;
         structure of the compatibility of models, geometry of the maps. Verdicts on claims, from all of these.
Inputs:  embeddings, maps and their scores, and images for the statistics that separability is compared with and
         for the examples, where there are any.
Outputs: results/<study>/analysis/**/*.parquet, results/<study>/metrics/{separability,compatibility,geometry,efficiency,security}/*.parquet.
"""

# What views show: persons and things; attacks where there is nothing else.
VIEWED = [d for d in STUDY.evaluation.datasets if d not in ATTACKED] or list(ATTACKED)


rule project_embeddings:
    input:
        code=code("project_embeddings"),
        embeddings=[
            f
            for m in ANALYSED or STUDY.models()
            for d in VIEWED
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
    resources:
        mem_mb=megabytes(1000, 3),
        runtime=minutes(30, 60),
    params:
        settings=text(
            models=ANALYSED or STUDY.models(),
            datasets=VIEWED,
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
    resources:
        mem_mb=megabytes(1000, 3),
        runtime=minutes(30, 60),
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
    resources:
        mem_mb=megabytes(1000, 3),
        runtime=minutes(30, 60),
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
        kept=lambda w: f"{KEPT}/project_maps/{w.fitting}",
    shell:
        "python -m unispace project-maps --settings {params.settings:q}"
        " --embeddings {params.embeddings} --maps {params.maps}"
        " --views {output.views} --kept {params.kept} > {log} 2>&1"


# From numbers alone: all models of a fitting at once.
rule analyse_compatibility:
    input:
        code=code("analyse_compatibility"),
        metrics=lambda w: of_targets("metrics", w.fitting),
        samples=lambda w: of_targets("samples", w.fitting),
        cards=lambda w: [
            f"{RESULTS}/embeddings/{m}/{FITTINGS[w.fitting].test}/embedding.json"
            for m in STUDY.maps.mapped()
        ],
    output:
        metrics=f"{RESULTS}/metrics/compatibility/{{fitting}}.parquet",
        linkage=f"{RESULTS}/analysis/compatibility/{{fitting}}/linkage.parquet",
        asymmetry=f"{RESULTS}/analysis/compatibility/{{fitting}}/asymmetry.parquet",
    log:
        f"{LOGS}/analyse_compatibility/{{fitting}}.log",
    benchmark:
        f"{BENCHMARKS}/analyse_compatibility/{{fitting}}.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: text(
            study=STUDY.study,
            seed=STUDY.seed,
            dataset=FITTINGS[w.fitting].test,
            families=FAMILIES,
            methods=SHAPED,
            evaluation=across_models("ranks"),
        ),
        embeddings=lambda w: f"{RESULTS}/embeddings",
    shell:
        "python -m unispace analyse-compatibility --settings {params.settings:q}"
        " --embeddings {params.embeddings} --measured {input.metrics} --samples {input.samples}"
        " --metrics {output.metrics} --linkage {output.linkage}"
        " --asymmetry {output.asymmetry} > {log} 2>&1"


rule analyse_maps:
    input:
        code=code("analyse_maps"),
        embeddings=fitting_embeddings,
        maps=MAP_FILES,
        record=f"{RESULTS}/maps/{{fitting}}/maps.json",
    output:
        metrics=f"{RESULTS}/metrics/geometry/{{fitting}}.parquet",
        geometry=f"{RESULTS}/analysis/geometry/{{fitting}}.parquet",
    log:
        f"{LOGS}/analyse_maps/{{fitting}}.log",
    benchmark:
        f"{BENCHMARKS}/analyse_maps/{{fitting}}.tsv"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=megabytes(1000, 3),
        runtime=minutes(30, 120),
    params:
        settings=lambda w: text(
            study=STUDY.study,
            seed=STUDY.seed,
            fitting=FITTINGS[w.fitting]._asdict(),
            families=FAMILIES,
            methods=SHAPED,
            maps=chosen(STUDY.maps, "split", "fit_share"),
            evaluation=chosen(STUDY.evaluation, "resamples"),
        ),
        embeddings=lambda w: f"{RESULTS}/embeddings",
        maps=lambda w: f"{RESULTS}/maps/{w.fitting}",
        kept=lambda w: f"{KEPT}/analyse_maps/{w.fitting}",
    shell:
        "python -m unispace analyse-maps --settings {params.settings:q}"
        " --embeddings {params.embeddings} --maps {params.maps}"
        " --metrics {output.metrics} --geometry {output.geometry}"
        " --kept {params.kept} > {log} 2>&1"


rule measure_efficiency:
    input:
        code=code("measure_efficiency"),
        embeddings=curve_embeddings(EFFICIENCY),
    output:
        table=f"{RESULTS}/analysis/efficiency/{{dataset}}.parquet",
        metrics=f"{RESULTS}/metrics/efficiency/{{dataset}}.parquet",
    log:
        f"{LOGS}/measure_efficiency/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_efficiency/{{dataset}}.tsv"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=megabytes(1000, 3),
        runtime=minutes(60, 240),
    params:
        settings=curve_settings("efficiency", EFFICIENCY),
        embeddings=lambda w: f"{RESULTS}/embeddings",
        kept=lambda w: f"{KEPT}/measure_efficiency/{w.dataset}",
    shell:
        "python -m unispace measure-efficiency --settings {params.settings:q}"
        " --embeddings {params.embeddings} --table {output.table}"
        " --metrics {output.metrics} --kept {params.kept} > {log} 2>&1"


rule measure_leaks:
    input:
        code=code("measure_leaks"),
        embeddings=curve_embeddings(SECURITY),
    output:
        table=f"{RESULTS}/analysis/security/{{dataset}}.parquet",
        metrics=f"{RESULTS}/metrics/security/{{dataset}}.parquet",
    log:
        f"{LOGS}/measure_leaks/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_leaks/{{dataset}}.tsv"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=megabytes(1000, 3),
        runtime=minutes(60, 240),
    params:
        settings=curve_settings("security", SECURITY),
        embeddings=lambda w: f"{RESULTS}/embeddings",
        kept=lambda w: f"{KEPT}/measure_leaks/{w.dataset}",
    shell:
        "python -m unispace measure-leaks --settings {params.settings:q}"
        " --embeddings {params.embeddings} --table {output.table}"
        " --metrics {output.metrics} --kept {params.kept} > {log} 2>&1"


# From published numbers and their resamples alone.
rule evaluate_claims:
    input:
        code=code("evaluate_claims"),
        claims=list(STUDY.claims.files),
        results=f"{RESULTS}/results.parquet",
        samples=[
            *tested("samples"),
            *(
                f"{RESULTS}/samples/zero_shot/{flat_name(m)}.parquet"
                for m in STUDY.prompted_models()
            ),
        ],
        components=transfer_of("curves"),
        efficiency=map_curves("efficiency") if EFFICIENCY else [],
    output:
        verdicts=f"{RESULTS}/analysis/claims.parquet",
        parts=f"{RESULTS}/analysis/claim_parts.parquet",
    log:
        f"{LOGS}/evaluate_claims.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_claims.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=text(
            seed=STUDY.seed,
            files=list(STUDY.claims.files),
            models=STUDY.models(),
            roles=claim_roles(STUDY),
            evaluation=chosen(
                STUDY.evaluation,
                "verification",
                "identification",
                "ranks",
                "neighbours",
            ),
            margins=STUDY.evaluation.margins,
        ),
    shell:
        "python -m unispace evaluate-claims --settings {params.settings:q}"
        " --results {input.results} --samples {input.samples}"
        " --components {input.components} --efficiency {input.efficiency}"
        " --verdicts {output.verdicts} --parts {output.parts} > {log} 2>&1"
