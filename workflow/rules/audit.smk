"""The audit of the data.

Purpose: count what the data sets hold, find duplicates, and stop where training data stands in test data.
Inputs:  manifest, image store and left_out.json of every data set; embeddings by the model that looks for near copies.
Outputs: results/<study>/audit.parquet and audit.json; results/<study>/audit_embeddings.parquet.
"""


# No training takes the audit as input: it reads all data sets, so a change of one of them would train every model
# again. It comes before the trainings by its priority instead: it starts as soon as all data is there, and says
# within seconds what leaks. The page needs it, so no study with a leak that it does not let pass gets a page.
rule audit_data:
    input:
        code=code("audit_data"),
        data=[f for d in STUDY.datasets for f in images_of(d)],
        left_out=[f"{DATA}/{d}/left_out.json" for d in STUDY.datasets],
    output:
        table=f"{RESULTS}/audit.parquet",
        summary=f"{RESULTS}/audit.json",
    log:
        f"{LOGS}/audit_data.log",
    benchmark:
        f"{BENCHMARKS}/audit_data.tsv"
    priority: 90
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=megabytes(1000, 2),
        runtime=minutes(30, 60),
    params:
        settings=text(
            datasets=list(STUDY.datasets),
            families={d: s.family for d, s in STUDY.datasets.items()},
            trained=STUDY.trained_datasets(),
            tested=STUDY.evaluation.datasets,
            split=STUDY.evaluation.split,
            allow=STUDY.audit.allow,
            registered={
                d: getattr(STUDY.datasets[d].source, "name", None)
                for d in STUDY.evaluation.datasets
            },
            weights=FOREIGN_WEIGHTS,
            without_images=[d for d in STUDY.datasets if d not in PICTURED],
        ),
        data=lambda w: DATA,
    shell:
        "python -m unispace audit-data --settings {params.settings:q} --data {params.data}"
        " --table {output.table} --summary {output.summary} > {log} 2>&1"


# Apart from the other audit, since embeddings come after training and leaks should show before it.
rule audit_embeddings:
    input:
        code=code("audit_embeddings"),
        embeddings=lambda w: [
            f
            for d in STUDY.evaluation.datasets
            for f in embeddings_of(STUDY.audit.model, d)
        ],
    output:
        table=f"{RESULTS}/audit_embeddings.parquet",
    log:
        f"{LOGS}/audit_embeddings.log",
    benchmark:
        f"{BENCHMARKS}/audit_embeddings.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: text(
            datasets=list(STUDY.evaluation.datasets),
            families={d: STUDY.datasets[d].family for d in STUDY.evaluation.datasets},
            trained=STUDY.trained_datasets(),
            split=STUDY.evaluation.split,
            model=STUDY.audit.model,
            alike=STUDY.audit.alike,
            images_compared=STUDY.audit.images_compared,
        ),
        embeddings=lambda w: f"{RESULTS}/embeddings/{STUDY.audit.model}",
    shell:
        "python -m unispace audit-embeddings --settings {params.settings:q}"
        " --embeddings {params.embeddings} --table {output.table} > {log} 2>&1"
