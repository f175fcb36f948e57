"""Unispace: from images to a report.

`snakemake --cores 2` runs the study of config.yaml, `--configfile FILE` another one.
The rules are in workflow/rules, one file per stage; what they call is the package in workflow/unispace.
"""

from snakemake.utils import min_version

min_version("9.27")


# A study is whole: another file replaces config.yaml and is not laid over it.
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/requests.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/embed.smk"
include: "workflow/rules/align.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        f"{RESULTS}/report/index.html",
        f"{RESULTS}/results.parquet",
        f"{VERSIONS.headline}.json",


rule tables:
    input:
        f"{RESULTS}/results.parquet",


rule models:
    input:
        [f"{checkpoint_of(m)}/model.safetensors" for m in STUDY.network_models()],


onstart:
    begin(STUDY)


onsuccess:
    summarise(STUDY, f"{RESULTS}/report/index.html")


onerror:
    forget_kept()
