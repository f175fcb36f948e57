"""Pictures and the page.

Purpose: draw every figure from tidy numbers, and put them on one self-contained page.
Inputs:  results.parquet, curves.parquet, audit.parquet, views, histories, images for the contact sheets.
Outputs: results/<study>/report/index.html, results/<study>/report/figures/<name>.svg, .png and .csv.
"""

FIGURES = f"{RESULTS}/report/figures"

# Models with a history of training, the backbones' own among them.
TRAINED = [*STUDY.network_models(), *(f"{b}/pretrained" for b in STUDY.backbones)]

# What each figure is drawn from, in the order that unispace.reporting.figures.registry expects.
DRAWN_FROM = {}
if TRAINED:
    DRAWN_FROM["losses"] = [f"{checkpoint_of(m)}/history.parquet" for m in TRAINED]
DRAWN_FROM["views"] = [
    f"{RESULTS}/analysis/views.parquet",
    f"{RESULTS}/results.parquet",
]
DRAWN_FROM["tasks"] = [f"{RESULTS}/results.parquet"]
if any(len(c.train_on) > 1 for c in STUDY.curricula.values()):
    # From the settings alone.
    DRAWN_FROM["schedule"] = []
    DRAWN_FROM["conflicts"] = DRAWN_FROM["losses"]
if STUDY.tasks():
    DRAWN_FROM["forgetting"] = [f"{RESULTS}/results.parquet"]
    if any(c.interpolate for c in STUDY.curricula.values()):
        DRAWN_FROM["interpolation"] = [f"{RESULTS}/results.parquet"]
if STUDY.identity_datasets():
    DRAWN_FROM["cmc"] = [f"{RESULTS}/curves.parquet"]
    DRAWN_FROM["roc"] = [f"{RESULTS}/curves.parquet", f"{RESULTS}/results.parquet"]
if SEPARABLE:
    DRAWN_FROM["separability"] = [f"{RESULTS}/results.parquet"]
if ANALYSED:
    DRAWN_FROM["pca_transfer"] = transfer_of("curves")
    DRAWN_FROM["pca_components"] = transfer_of("numbers")
if STUDY.map_pairs():
    # From nothing but what a map is.
    DRAWN_FROM["maps_schematic"] = []
    DRAWN_FROM["maps_families"] = [f"{RESULTS}/results.parquet"]
    DRAWN_FROM["maps"] = [f"{RESULTS}/results.parquet"]
    DRAWN_FROM["maps_cmc"] = [f"{RESULTS}/curves.parquet", f"{RESULTS}/results.parquet"]
    DRAWN_FROM["maps_roc"] = DRAWN_FROM["maps_cmc"]
    if STUDY.maps.planted:
        DRAWN_FROM["planted"] = [f"{RESULTS}/results.parquet"]
if SHOWN:
    DRAWN_FROM["retrieval"] = [f"{RESULTS}/analysis/retrieval/{SHOWN_ON}.parquet"]
    DRAWN_FROM["maps_views"] = [f"{RESULTS}/analysis/maps_views/{SHOWN_ON}.parquet"]
if SHAPED:
    # Of what is fitted and tested first; the numbers of all stand in the results.
    FIRST = next(iter(FITTINGS))
    DRAWN_FROM["maps_structure"] = [
        f"{RESULTS}/results.parquet",
        f"{RESULTS}/analysis/compatibility/{FIRST}/linkage.parquet",
    ]
    DRAWN_FROM["maps_centrality"] = [
        f"{RESULTS}/results.parquet",
        f"{RESULTS}/analysis/compatibility/{FIRST}/asymmetry.parquet",
    ]
    DRAWN_FROM["maps_geometry"] = [
        f"{RESULTS}/results.parquet",
        f"{RESULTS}/analysis/geometry/{FIRST}.parquet",
    ]
    DRAWN_FROM["maps_similarity"] = [f"{RESULTS}/results.parquet"]
if EFFICIENCY:
    DRAWN_FROM["maps_efficiency"] = map_curves("efficiency")
if SECURITY:
    DRAWN_FROM["maps_security"] = map_curves("security")

# What tuning cost and gained; beside it published numbers, where the study wants them.
for figure in tradeoff_figures(STUDY):
    DRAWN_FROM[figure] = [
        f"{RESULTS}/{'curves' if figure == 'det' else 'results'}.parquet"
    ]
PUBLISHED = (
    ["workflow/unispace/evaluation/published/tradeoffs.csv"]
    if traded_backbones(STUDY) and STUDY.tradeoffs.references
    else []
)

# Why results are expected as they are; nothing where no run was ever accepted.
ACCEPTED = [str(VERSIONS.accepted)] if VERSIONS.accepted.is_file() else []

# What of the study a figure knows beside models and data sets; curricula as pairs, which keep their order.
CURRICULA = [[name, dumped(c)] for name, c in STUDY.curricula.items()]
# Of maps, as pairs too: methods with their settings, and the family of each mapped model.
METHODS = [[name, dumped(m)] for name, m in STUDY.maps.methods.items()]
MAPPED = {
    "methods": list(STUDY.maps.methods),
    "shown": STUDY.maps.methods_shown(),
    "families": FAMILIES,
    "protocols": [*STUDY.maps.identification, *STUDY.maps.verification],
}
ROLES = {"tasks": STUDY.tasks(), "base": STUDY.base_curriculum()}
TRADED = {
    "base": STUDY.base_curriculum(),
    "curricula": CURRICULA,
    "gains": gained(STUDY),
    "sizes": list(STUDY.tradeoffs.sizes.items()),
    "methods": MAPPED["methods"],
    "protocols": MAPPED["protocols"],
}
FIGURE_SETTINGS = {
    "tasks": {"tasks": STUDY.tasks()},
    "losses": {"names": TRAINED},
    "conflicts": {"names": TRAINED},
    "pca_transfer": {"names": ANALYSED},
    "pca_components": {"names": ANALYSED},
    "schedule": {"curricula": CURRICULA},
    "interpolation": {"curricula": CURRICULA, **ROLES},
    "forgetting": {
        **ROLES,
        "aside": [
            name for name, c in STUDY.curricula.items() if c.interpolate or c.untrained
        ],
    },
    **dict.fromkeys(
        (
            *("maps", "maps_families", "maps_cmc", "maps_roc", "planted"),
            *("maps_structure", "maps_centrality", "maps_geometry", "maps_similarity"),
        ),
        MAPPED,
    ),
    **dict.fromkeys(tradeoff_figures(STUDY), TRADED),
    **dict.fromkeys(
        ("maps_efficiency", "maps_security"),
        MAPPED | {"names": list(STUDY.maps.datasets)},
    ),
}


rule draw_contact_sheet:
    input:
        code=code("draw_contact_sheet"),
        data=lambda w: images_of(w.dataset),
    output:
        image=report(
            f"{FIGURES}/sheet_{{dataset}}.png",
            caption="../report/sheet.rst",
            category="Images",
            labels={"data set": "{dataset}"},
        ),
        table=f"{FIGURES}/sheet_{{dataset}}.csv",
    log:
        f"{LOGS}/draw_contact_sheet/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/draw_contact_sheet/{{dataset}}.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: text(
            labels=STUDY.report.sheet_labels, images=STUDY.report.sheet_images
        ),
        data=lambda w: f"{DATA}/{w.dataset}",
    shell:
        "python -m unispace draw-contact-sheet --settings {params.settings:q} --data {params.data}"
        " --image {output.image} --table {output.table} > {log} 2>&1"


rule draw_figure:
    input:
        code=code("draw_figure"),
        style="workflow/report/style.mplstyle",
        tables=lambda w: DRAWN_FROM[w.figure],
        published=lambda w: PUBLISHED if w.figure == "gelo" else [],
    output:
        svg=report(
            f"{FIGURES}/{{figure}}.svg",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        png=f"{FIGURES}/{{figure}}.png",
        table=report(
            f"{FIGURES}/{{figure}}.csv",
            caption="../report/numbers.rst",
            category="Numbers",
            labels={"numbers of figure": "{figure}"},
        ),
    log:
        f"{LOGS}/draw_figure/{{figure}}.log",
    benchmark:
        f"{BENCHMARKS}/draw_figure/{{figure}}.tsv"
    wildcard_constraints:
        figure=one_of(DRAWN_FROM),
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda w: text(
            figure=w.figure,
            models=STUDY.models(),
            datasets=list(STUDY.datasets),
            domains={d: s.domain for d, s in STUDY.datasets.items()},
            **FIGURE_SETTINGS.get(w.figure, {}),
        ),
        kept=lambda w: f"{KEPT}/draw_figure/{w.figure}",
    shell:
        "python -m unispace draw-figure --settings {params.settings:q} --tables {input.tables}"
        " --published {input.published}"
        " --style {input.style} --svg {output.svg} --png {output.png} --csv {output.table}"
        " --kept {params.kept} > {log} 2>&1"


rule render_report:
    input:
        code=code("render_report"),
        templates=[
            f"workflow/report/{f}"
            for f in (
                "page.html.j2",
                "claims.html.j2",
                "accepted.html.j2",
                "maps.html.j2",
                "maps_structure.html.j2",
                "tradeoffs.html.j2",
                "page.css",
                "page.js",
                "curves.js",
                "tables.js",
            )
        ],
        results=f"{RESULTS}/results.parquet",
        people=f"{RESULTS}/humans.parquet",
        humans="workflow/unispace/evaluation/human.csv",
        published=PUBLISHED,
        claims=(
            [f"{RESULTS}/analysis/{t}.parquet" for t in ("claims", "claim_parts")]
            if STUDY.claims.files
            else []
        ),
        accepted=ACCEPTED,
        audit=[
            f"{RESULTS}/audit.parquet",
            *([f"{RESULTS}/audit_embeddings.parquet"] if STUDY.audit.model else []),
        ],
        figures=[
            f"{FIGURES}/{f}.{e}" for f in DRAWN_FROM for e in ("svg", "png", "csv")
        ],
        sheets=[f"{FIGURES}/sheet_{d}.png" for d in PICTURED],
        manifests=[f"{DATA}/{d}/manifest.parquet" for d in STUDY.datasets],
        cards=[f"{checkpoint_of(m)}/model.json" for m in STUDY.network_models()],
        own=[
            f"{RESULTS}/embeddings/{m}/{d}/embedding.json"
            for m in STUDY.own_models()
            for d in STUDY.evaluation.datasets
        ],
    output:
        page=f"{RESULTS}/report/index.html",
    log:
        f"{LOGS}/render_report.log",
    benchmark:
        f"{BENCHMARKS}/render_report.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        # Sorting the keys of the study loses the order in which its parts are shown.
        settings=text(
            study=dumped(STUDY),
            models=STUDY.models(),
            datasets=list(STUDY.datasets),
            figures=list(DRAWN_FROM),
            methods=METHODS,
            families=FAMILIES,
            drawn_from=DRAWN_FROM,
            code=version_of("draw_figure"),
        ),
        templates=lambda w: "workflow/report",
        figures=lambda w: FIGURES,
        kept=lambda w: f"{KEPT}/render_report",
    shell:
        "python -m unispace render-report --settings {params.settings:q}"
        " --templates {params.templates} --results {input.results} --audit {input.audit}"
        " --figures {params.figures}"
        " --people {input.people} --humans {input.humans} --published {input.published}"
        " --claims {input.claims} --accepted {input.accepted}"
        " --manifests {input.manifests} --cards {input.cards} --own {input.own}"
        " --page {output.page} --kept {params.kept} > {log} 2>&1"


rule figures:
    input:
        [f"{FIGURES}/{f}.svg" for f in DRAWN_FROM],
        [f"{FIGURES}/sheet_{d}.png" for d in PICTURED],
