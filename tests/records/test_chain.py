"""From a figure back to data, code and config, from planted records."""

import hashlib
import json

import pytest

from unispace.errors import UserError
from unispace.records.chain import chain_of
from unispace.records.chain_text import as_json, code_version, describe
from unispace.records.plan import Plan, PlannedJob, Reason
from unispace.records.provenance import Job
from unispace.records.snakemake_metadata import write_metadata

CODE = "workflow/unispace/data/prepare.py"
STYLE = "workflow/report/style.mplstyle"
STUDY = {"study": "s", "datasets": {"faces": {"labels": 4}}, "report": {"title": "T"}}
PREPARED = repr(json.dumps({"dataset": {"labels": 4}, "name": "faces"}))


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def record(root, rule, outputs, inputs, params=()):
    for output in outputs:
        write_metadata(
            root,
            output,
            {
                "rule": rule, "input": [*inputs], "params": [*params],
                "input_checksums": {k: v for k, v in inputs.items() if v},
                "shellcmd": f"python -m unispace {rule} > {outputs[0]}",
            },
        )  # fmt: skip


@pytest.fixture
def root(tmp_path):
    (tmp_path / CODE).parent.mkdir(parents=True)
    (tmp_path / CODE).write_text("code")
    return tmp_path


def planned():
    raise AssertionError("all is in the records; Snakemake need not be asked")


@pytest.fixture
def made(root):
    """images -> scores -> figure, beside a data set that the figure has no part of."""
    code = {CODE: f"sha256:{digest('code')}"}
    images = "data/s/faces/images.npy"
    record(root, "prepare_data", [images, "data/s/faces/manifest.parquet"], code, [PREPARED])
    record(root, "prepare_data", ["data/s/others/images.npy"], code)
    record(root, "evaluate", ["results/s/scores"], {images: f"sha256:{digest('i')}", **code})
    figure = {"results/s/scores": f"sha256:{digest('s')}", STYLE: f"sha256:{digest('css')}"}
    record(root, "draw_figure", ["results/s/f.svg", "results/s/f.png"], figure)
    return root


def test_a_chain_goes_from_images_to_the_figure(made):
    chain = chain_of(["results/s/f.svg"], made, [], planned)
    assert [link.rule for link in chain.links] == ["prepare_data", "evaluate", "draw_figure"]
    first = chain.links[0]
    # Only what the chain needs, with the hash by which it was read.
    assert first.outputs == {"data/s/faces/images.npy": f"sha256:{digest('i')}"}
    assert first.code == {CODE: f"sha256:{digest('code')}"}
    assert chain.given == {STYLE: f"sha256:{digest('css')}"}
    assert {link.known for link in chain.links} == {"made here"}


def test_in_words(made):
    chain = chain_of(["results/s/f.svg"], made, [], planned)
    text = describe(chain, made, STUDY, "snakemake results/s/f.svg --cores 2", whole=False)
    assert text.startswith(
        "results/s/f.svg\n  rebuild it with: snakemake results/s/f.svg --cores 2"
    )
    assert "config:  datasets.faces" in text
    assert f"data/s/faces/images.npy  sha256 {digest('i')[:12]}" in text
    assert f"1 modules, version {code_version(chain.links[0])[:12]}, as it is now" in text
    assert f"made by no rule:\n {STYLE}  sha256 {digest('css')[:12]}" in text
    (made / CODE).write_text("edited")
    assert f"changed since: {CODE}" in describe(chain, made, STUDY, "", whole=False)


def test_for_machines(made):
    chain = chain_of(["results/s/f.svg"], made, [], planned)
    jobs = as_json(chain, STUDY, "snakemake results/s/f.svg")["jobs"]
    assert [job["rule"] for job in jobs] == ["prepare_data", "evaluate", "draw_figure"]
    assert jobs[0]["config_keys"] == ["datasets.faces"]
    assert jobs[0]["command"] == "python -m unispace prepare_data > data/s/faces/images.npy"


def test_in_a_clone_the_record_in_git_tells(root):
    outputs = {"data/s/faces/images.npy": {"bytes": 1, "sha256": digest("i")}}
    job = Job.model_validate(
        {
            "rule": "prepare_data", "outputs": outputs, "inputs": [[CODE, f"sha256:{digest('code')}"]],
            "params": [PREPARED], "code": "c", "shellcmd": "make", "software_stack_hash": "",
            "container_img_url": None, "record_format_version": 6,
        }
    )  # fmt: skip
    (link,) = chain_of(["data/s/faces/images.npy"], root, [job], planned).links
    assert link.known == "published"
    assert link.outputs == {"data/s/faces/images.npy": f"sha256:{digest('i')}"}


def test_what_never_ran_is_told_as_the_rules_have_it(root):
    job = PlannedJob(
        rule="draw_figure", wildcards={}, outputs=("results/s/f.svg",), inputs=(CODE, STYLE),
        params=(), shellcmd="draw", code="draw", threads=1, mem_mb=None, gpu=None, benchmark=None,
        runs=True, after=(), reason=Reason(),
    )  # fmt: skip
    chain = chain_of(["results/s/f.svg"], root, [], lambda: Plan(jobs=(job,)))
    assert [link.known for link in chain.links] == ["planned"]
    text = describe(chain, root, STUDY, "snakemake", whole=True)
    assert "1 of these jobs never ran here" in text
    assert "command: draw" in text


def test_a_file_that_no_rule_makes_is_refused(root):
    with pytest.raises(UserError, match="results/s/nothing: no output of a rule of this study"):
        chain_of(["results/s/nothing"], root, [], lambda: Plan(jobs=()))
