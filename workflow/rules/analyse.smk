"""What the embedding spaces look like.

Purpose: two-dimensional views of the spaces.
Inputs:  embeddings.
Outputs: results/<study>/analysis/*.parquet.
"""


rule project_embeddings:
    input:
        code=code("project_embeddings"),
        embeddings=[
            f
            for m in STUDY.models()
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
            models=STUDY.models(),
            datasets=STUDY.evaluation.datasets,
            split=STUDY.evaluation.split,
            images=STUDY.report.view_images,
            seed=STUDY.seed,
        ),
        embeddings=lambda w: f"{RESULTS}/embeddings",
    shell:
        "python -m unispace project-embeddings --settings {params.settings:q}"
        " --embeddings {params.embeddings} --views {output.views} > {log} 2>&1"
