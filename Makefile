# Two commands do everything: `make reproduce` and `make test`.
#
#   make reproduce                      the default study, to results/studio/report/index.html
#   make reproduce STUDY=FILE CORES=2   another study, with two cores
#   make doctor                         what stands in the way of that, before its first job (STUDY=FILE, too)
#   make test                           all checks and tests, with their coverage; WORKERS=1: one test at a time
#   make snakemake-report               Snakemake's own report of a finished run, as a zip below results (STUDY=FILE, too)
#   make test-all                       those too that take long: kills, clones, a Slurm of its own
#   make test-fast                      without the tests that run Snakemake or train
#   make gate                           whether the results of the last run are those that are expected
#   make bench                          speed and memory beside other implementations, as a table; about 15 minutes
#   make pull                           the published data and checkpoints, where a DVC remote is configured
#   make verify-data                    whether the data that is here has the published bytes
#   make audit                          known weaknesses and licences of all packages of the lock; asks a service
#   make publish                        record what a run made as the version of the next commit

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p && break; done)
STUDY ?=
CORES ?=
PIP_AUDIT := 2.10.1
READY := $(VENV)/.ready
# Everything runs as in an activated environment, and never with code of another one.
RUN := export VIRTUAL_ENV="$(CURDIR)/$(VENV)" PATH="$(CURDIR)/$(VENV)/bin:$$PATH"; unset PYTHONPATH PYTHONHOME;

.PHONY: help setup doctor reproduce snakemake-report gate pull verify-data publish test test-all test-fast bench audit check format lock schema dag clean

help:
	@sed -n '/^$$/q; s/^#  *//p' Makefile

setup: $(READY)

$(READY): envs/requirements.lock
	@test -n "$(PYTHON)" || { echo "No python3 found. Install Python 3.11, 3.12 or 3.13, or say make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "Unispace needs Python 3.11, 3.12 or 3.13; $(PYTHON) is %d.%d. Say make PYTHON=/path/to/python" % v)'
	@echo "Setting up $(VENV) (once; several GB, a few minutes) ..."
	@rm -f $@
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r envs/requirements.lock
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

reproduce: $(READY)
	@test -z "$(STUDY)" || test -f "$(STUDY)" || { echo "No study file $(STUDY). There are: $$(echo config.yaml workflow/studies/*.yaml)"; exit 1; }
	@$(RUN) snakemake --cores $(or $(CORES),all) $(if $(STUDY),--configfile $(STUDY))

# Of the outputs alone that lie there: nothing is run.
snakemake-report: $(READY)
	@$(RUN) study="$$(sed -En 's/^study: *([^ #]+).*/\1/p' "$(or $(STUDY),config.yaml)")"; snakemake --cores 1 $(if $(STUDY),--configfile $(STUDY)) --report "results/snakemake-$$study.zip" && echo "  report   results/snakemake-$$study.zip"

gate: $(READY)
	@$(RUN) unispace gate $(STUDY)

doctor: $(READY)
	@$(RUN) unispace doctor $(STUDY) $(if $(CORES),--cores $(CORES))

pull: $(READY)
	@$(RUN) unispace pull $(STUDY)

verify-data: $(READY)
	@$(RUN) unispace provenance verify $(STUDY) --only data

publish: $(READY)
	@$(RUN) unispace publish $(STUDY)

check: $(READY)
	@$(RUN) ruff check . && ruff format --check . && snakefmt --check Snakefile workflow/rules
	@$(RUN) lint-imports && pyright
	@$(RUN) snakemake --lint

# Modules of tests side by side, the longest first, each in one process with one thread.
WORKERS ?= 2
PYTEST := export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1; pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder

test: check
	@$(RUN) $(PYTEST) --cov

# Kills and Slurm measure time, and have the machine to themselves.
test-all: test
	@$(RUN) pytest -m nightly

test-fast: $(READY)
	@$(RUN) $(PYTEST) -m "not slow and not bench and not nightly"

# Each file in a process of its own, with one thread, so that memory is that of its own libraries.
bench: $(READY)
	@$(RUN) export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1; rm -rf results/bench/rows; failed=0; for file in tests/bench/test_bench_*.py; do pytest -q -m bench $$file || failed=1; done; python tests/bench/table.py || failed=1; exit $$failed

format: $(READY)
	@$(RUN) ruff check --fix . ; ruff format . ; snakefmt Snakefile workflow/rules

schema: $(READY)
	@$(RUN) unispace write-schema

dag: $(READY)  # needs graphviz
	@$(RUN) snakemake --rulegraph 2>/dev/null | sed -E 's/, color = "[^"]*", style="[^"]*"//; s/^ *node\[.*/node[shape=box, style="rounded,filled", fillcolor="#eef2f6", color="#5b6b7b", fontname="Helvetica,Arial,sans-serif", fontsize=11];/; s/^ *edge\[.*/edge[color="#8a98a6"];/; s/^digraph .*/digraph { rankdir=LR; nodesep=0.18; ranksep=0.35;/' | dot -Tsvg > docs/dag.svg

lock: $(READY)
	@$(RUN) python envs/lock.py && python envs/licences.py

# pip-audit calls what it could not look up no weakness: --strict makes that an error.
audit: $(READY)
	@$(RUN) python envs/licences.py --check
	@$(RUN) uv tool run --quiet pip-audit@$(PIP_AUDIT) --strict --disable-pip --require-hashes -r envs/requirements.lock --progress-spinner off || { echo "make audit: a package has a known weakness, or there is no service here that knows (the lines above say which); see docs/security.md"; exit 1; }

clean:
	rm -rf .snakemake data/studio checkpoints/studio results/studio logs benchmarks
