"""Why jobs run, from planted records."""

import hashlib
import json

import pytest

from unispace.errors import UserError
from unispace.records.benchmarks import Costs
from unispace.records.explanation import duration, explanation
from unispace.records.plan import Plan, PlannedJob, Reason, read_plan
from unispace.records.reasons import Cause, explain
from unispace.records.snakemake_metadata import write_metadata

CODE = "workflow/unispace/curricula/training.py"
OTHER = "workflow/unispace/curricula/views.py"
TEMPLATE = "workflow/report/page.css"
STUDY = {"study": "s", "curricula": {"base": {"steps": 5}}, "report": {"title": "New"}}


def settings(**values):
    return repr(json.dumps(values))


def planned(rule, outputs, inputs=(), params=(), after=(), runs=True, **reason):
    return PlannedJob(
        rule=rule, wildcards={"curriculum": "base"}, outputs=outputs, inputs=inputs,
        params=params, shellcmd=f"{rule} --all", code=f"{rule} {{params}}", threads=1, mem_mb=None,
        gpu=None, benchmark=None, runs=runs, after=after, reason=Reason(**reason),
    )  # fmt: skip


@pytest.fixture
def root(tmp_path):
    for name in (CODE, OTHER, TEMPLATE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("as it was")
    return tmp_path


def record(root, output, inputs, params=(), code="train {params}"):
    """Snakemake's record of an output that is there."""
    (root / output).parent.mkdir(parents=True, exist_ok=True)
    (root / output).write_text("made")
    sums = {
        i: f"sha256:{hashlib.sha256((root / i).read_bytes()).hexdigest()}"
        for i in inputs
        if (root / i).is_file()
    }
    write_metadata(
        root,
        output,
        {"rule": "train", "input": [*inputs], "input_checksums": sums, "params": [*params], "code": code},
    )  # fmt: skip


def causes(root, *jobs):
    return [e.causes for e in explain(Plan(jobs=jobs), root, STUDY)]


def test_a_changed_parameter_is_told_by_its_key(root):
    record(root, "m", [CODE], [settings(curriculum={"steps": 4})])
    job = planned("train", ("m",), (CODE,), (settings(curriculum={"steps": 5}),))
    assert causes(root, job) == [(Cause("parameter", "curricula.base.steps", "4 -> 5"),)]


def test_a_parameter_that_is_no_key_of_the_study_is_told_by_its_own_name(root):
    record(root, "m", [CODE], [settings(own={"word": 4})])
    job = planned("train", ("m",), (CODE,), (settings(own={"word": 5}),))
    assert causes(root, job) == [(Cause("parameter", "own.word", "4 -> 5"),)]


def test_edited_modules_and_files_are_named(root):
    record(root, "m", [CODE, TEMPLATE])
    job = planned("train", ("m",), (CODE, TEMPLATE))
    assert causes(root, job) == [()]
    (root / CODE).write_text("edited")
    assert causes(root, job) == [(Cause("module", CODE),)]
    (root / TEMPLATE).write_text("edited")
    assert causes(root, job) == [(Cause("module", CODE), Cause("file", TEMPLATE))]


def test_modules_that_are_imported_now_or_not_any_more_are_named(root):
    record(root, "m", [CODE])
    (found,) = causes(root, planned("train", ("m",), (OTHER,)))
    assert [c.text() for c in found] == [
        f"code changed: {OTHER} (imported now)",
        f"code changed: {CODE} (not imported any more)",
    ]


def test_another_set_of_inputs_is_told_by_what_came_and_went(root):
    record(root, "m", ["a", "b"])
    (found,) = causes(root, planned("train", ("m",), ("b", "c")))
    assert found == (Cause("inputs", "train", "with c, without a"),)


def test_a_deleted_output_is_named_and_one_that_never_was_is_new(root):
    record(root, "m", [])
    (root / "m").unlink()
    assert causes(root, planned("train", ("m",), missing=("m",))) == [(Cause("deleted", "m"),)]
    assert causes(root, planned("train", ("n",), missing=("n",))) == [(Cause("new", "train"),)]


def test_what_a_killed_job_left_is_unfinished_and_not_forced(root):
    job = planned("train", ("m",), incomplete=("m",), forced=True)
    assert causes(root, job) == [(Cause("unfinished", "m"),)]
    assert causes(root, planned("train", ("m",), forced=True)) == [(Cause("forced", "train"),)]


def test_a_changed_command_and_environment(root):
    record(root, "m", [], code="train {params} --old")
    (found,) = causes(root, planned("train", ("m",), software=True))
    assert found == (Cause("command", "train"), Cause("environment", "train"))


def test_jobs_that_only_follow_have_no_cause_and_say_whom_they_follow(root):
    record(root, "m", [CODE])
    record(root, "e", ["m"])
    (root / CODE).write_text("edited")
    train = planned("train", ("m",), (CODE,))
    embed = planned("train", ("e",), ("m",), after=(0,), follows=("m",))
    idle = planned("other", ("x",), runs=False)
    first, second = explain(Plan(jobs=(train, embed, idle)), root, STUDY)
    assert (first.causes, first.follows) == ((Cause("module", CODE),), ())
    assert (second.causes, second.follows) == ((), (0,))


def test_the_text_puts_causes_before_what_follows_and_counts_the_cost(root):
    record(root, "m", [], [settings(title="Old")], code="train_model {params}")
    record(root, "e", ["m"], code="page {params}")
    train = planned("train_model", ("m",), (), (settings(title="New"),))
    embed = planned("page", ("e",), ("m",), after=(0,), follows=("m",))
    plan = Plan(jobs=(train, embed))
    found = explanation("s", plan, explain(plan, root, STUDY), Costs(root), 2)
    text = found.text()
    assert text.index("report.title: Old -> New") < text.index("because these run")
    assert "study s: 2 of 2 jobs would run, at least" in text
    assert found.unknown == ["page"]
    assert [job["rule"] for job in found.as_json()["jobs"]] == ["train_model", "page"]
    assert found.as_json()["jobs"][1]["follows"] == ["m"]


def test_nothing_to_do_is_said(root):
    plan = Plan(jobs=(planned("train", ("m",), runs=False),))
    found = explanation("s", plan, explain(plan, root, STUDY), Costs(root), 2)
    assert found.text() == "study s: nothing would run; all 1 jobs are up to date"


def test_what_is_no_plan_is_refused():
    with pytest.raises(UserError, match="the plan of Snakemake is not as expected"):
        read_plan('{"jobs": [{"rule": "a"}]}')


@pytest.mark.parametrize(
    ("seconds", "text"), [(7.4, "7 s"), (89, "89 s"), (200, "3 min"), (5400, "1 h 30 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
