"""What jobs ask of a machine or cluster: memory, run time and graphics processors, growing with their work.

Purpose: one place for all rules, so that every profile asks the same. A rule that asks for nothing is small and takes
         the default-resources of the profile. `--set-resources` and a profile's `set-resources` come before these.

Each attempt asks for more, in case the one before was ended for what it asked. None of this is part of a result: it
reruns nothing.
"""


def megabytes(base, times):
    """Memory: of the libraries, and so many times the size of the inputs that are no code."""

    def asked(wildcards, input, attempt):
        return int(base + times * size_of(input)) * attempt

    return asked


def minutes(base, per_gigabyte=0):
    """Run time: of any job of the rule, and for each gigabyte of inputs that are no code."""

    def asked(wildcards, input, attempt):
        return int(base + per_gigabyte * size_of(input) / 1000) * attempt

    return asked


def size_of(inputs):
    """Megabytes of the inputs of a job that are data; Snakemake asks again for those that are still to be made."""
    code = set(inputs.get("code", []))
    return sum(Path(f).stat().st_size for f in inputs if f not in code) / 1e6


# A small transformer on one core shows more images in a second, a large one on a graphics processor as well.
IMAGES_PER_SECOND = 100


def minutes_to_tune(wildcards, attempt):
    """Run time of a training, by the images that it is shown."""
    how = STUDY.curricula[wildcards.curriculum]
    batches = [part.batch_size for part in how.train_on.values()]
    if not batches:
        return 10 * attempt
    # In a sequence one data set is visited at a time, else all of them in each step.
    images = how.steps * sum(batches)
    return int(30 + images / IMAGES_PER_SECOND / 60) * attempt


def minutes_to_pretrain(wildcards, attempt):
    """Run time of a pretraining, by the images that it is shown."""
    weights = STUDY.backbones[wildcards.backbone].weights
    if weights.kind != "pretrain":
        return 10 * attempt
    images = weights.steps * weights.batch_size
    return int(30 + images / IMAGES_PER_SECOND / 60) * attempt


# On one machine graphics processors are counted where the user says how many there are; else trainings compute on the
# CPU, and a cluster is not asked for what it may not have. There a profile asks, by set-resources.
COUNTED = workflow.local_exec and "gpu" in workflow.resource_settings.resources


def gpus_to_tune(wildcards):
    """One for each process of a training; none where nothing is trained."""
    how = STUDY.curricula[wildcards.curriculum]
    return how.processes if COUNTED and how.train_on else 0


def gpus_to_pretrain(wildcards):
    """One, unless the weights are drawn."""
    weights = STUDY.backbones[wildcards.backbone].weights
    return 1 if COUNTED and weights.kind == "pretrain" else 0
