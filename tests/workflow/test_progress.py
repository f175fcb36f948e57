"""What the progress display says, fed with the records that Snakemake sends."""

from __future__ import annotations

import logging
import re
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_unispace import LogHandler
from snakemake_logger_plugin_unispace.progress import Estimate, Job, clock, last_words, reason


def record(message: str = "", level: int = logging.INFO, **about) -> logging.LogRecord:
    made = logging.LogRecord("snakemake", level, "", 0, message, None, None)
    made.__dict__.update(about)
    return made


@pytest.fixture
def handler(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = LogHandler(SimpleNamespace(dryrun=False), None)  # pyright: ignore[reportArgumentType]
    yield made
    made.close()


def start(handler, number=1, rule="train_model", log="train.log"):
    handler.emit(
        record(
            event=LogEvent.JOB_INFO,
            jobid=number,
            rule_name=rule,
            wildcards={"backbone": "b", "curriculum": "c", "seed": "0"},
            log=[log],
        )
    )


def test_a_run_is_told_job_by_job(handler, capsys):
    stats = {"prepare_data": 1, "train_model": 1, "all": 1, "total": 3}
    handler.emit(record(event=LogEvent.RUN_INFO, stats=stats))
    start(handler, 1, "prepare_data")
    handler.emit(record(event=LogEvent.JOB_FINISHED, job_id=1))
    start(handler, 2)
    said = capsys.readouterr().err
    assert "2 jobs: 1 prepare_data, 1 train_model\n" in said
    assert "0/2  start  prepare_data  b/c/0\n" in said
    assert "1/2  done   prepare_data  b/c/0" in said
    assert "1/2  start  train_model" in said


@pytest.mark.parametrize("target", ["all", "data", "tables", "models", "figures"])
def test_a_rule_that_only_names_targets_is_not_told(handler, capsys, target):
    start(handler, 1, target)
    handler.emit(record(event=LogEvent.JOB_FINISHED, job_id=1))
    assert capsys.readouterr().err == ""


def test_a_failed_job_shows_its_own_error_and_its_log(handler, capsys, tmp_path):
    (tmp_path / "train.log").write_text(
        "10:00:00 INFO    step 1\n10:00:01 ERROR   loss became nan\n  lower learning_rate\n"
    )
    start(handler)
    handler.emit(record("Error in rule", logging.ERROR, event=LogEvent.JOB_ERROR, jobid=1))
    said = capsys.readouterr().err
    assert "FAILED  train_model  b/c/0" in said
    assert "log: train.log" in said
    assert "    loss became nan\n      lower learning_rate" in said
    assert "step 1" not in said


def test_a_job_is_counted_as_failed_when_it_is_not_begun_again(
    handler, capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr(LogHandler, "retries", 1)
    (tmp_path / "train.log").write_text("10:00:01 ERROR   the machine went\n")
    handler.emit(record(event=LogEvent.RUN_INFO, stats={"train_model": 2}))
    start(handler)
    failed = {"event": LogEvent.JOB_ERROR, "jobid": 1}
    handler.emit(record("Error in rule", logging.ERROR, **failed))
    handler.emit(record("Trying to restart job 1."))
    said = capsys.readouterr().err
    assert "0/2  again  train_model  b/c/0" in said
    assert "log: train.log  start 1 of 2 failed\n    the machine went\n" in said
    assert "FAILED" not in said
    assert "restart" not in said
    # Another job has starts of its own.
    start(handler, 2)
    start(handler, 1)
    handler.emit(record("Error in rule", logging.ERROR, **failed))
    handler.emit(record(event=LogEvent.JOB_FINISHED, job_id=2))
    said = capsys.readouterr().err
    assert "1/2  FAILED  train_model  b/c/0" in said
    assert "2/2  done   train_model  b/c/0" in said
    assert "again" not in said


@pytest.mark.slow
def test_snakemake_begins_a_failed_job_again_as_often_as_it_is_told(fresh):
    fresh.change(
        "workflow/unispace/commands/prepare_data.py",
        "def run(arguments: argparse.Namespace) -> None:\n",
        "def run(arguments: argparse.Namespace) -> None:\n    raise RuntimeError('the disk went')\n",
    )
    wanted = "data/tiny/faces/images.npy"
    done = fresh.snakemake(
        *(wanted, "--cores", "1", "--retries", "1"),
        *("--configfile", "workflow/studies/tiny.yaml"),
        # The plugin of this copy, and not the one that is installed.
        PYTHONPATH=str(fresh.folder / "workflow"),
    )
    assert done.returncode == 1
    words = re.findall(r"  (start|again|FAILED|done ) +prepare_data", done.stderr)
    assert words == ["start", "again", "start", "FAILED"]


def test_a_crash_shows_the_end_of_the_log(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("\n".join(f"line {i}" for i in range(50)))
    assert reason(str(log)) == [f"line {i}" for i in range(30, 50)]


def test_noise_is_left_out_and_warnings_and_news_are_not(handler, capsys):
    handler.emit(record("Building DAG of jobs..."))
    handler.emit(record("Select jobs to execute..."))
    handler.emit(record("Nothing to be done."))
    handler.emit(record("disk is slow", logging.WARNING))
    assert capsys.readouterr().err == "Nothing to be done.\ndisk is slow\n"


def test_a_dry_run_is_shown_as_snakemake_shows_it(tmp_path, capsys):
    handler = LogHandler(SimpleNamespace(dryrun=True), None)  # pyright: ignore[reportArgumentType]
    handler.emit(record("rule train_model: reason: ..."))
    assert capsys.readouterr().err == "rule train_model: reason: ...\n"
    handler.close()


def test_the_time_left_comes_from_earlier_runs_and_this_one(tmp_path):
    folder = tmp_path / "studio/train_model/b/c"
    folder.mkdir(parents=True)
    (folder / "seed0.tsv").write_text("s\th:m:s\n100.0\t0:01:40\n")
    (folder / "seed1.tsv").write_text("s\th:m:s\n140.0\t0:02:20\n")
    estimate = Estimate(tmp_path)
    estimate.cores = 2
    estimate.expect({"train_model": 4})
    assert estimate.text() == "about 4:00 left"
    job = Job(1, "train_model", "", "")
    job.began -= 60
    estimate.begin(job)
    assert estimate.seconds("train_model") == 120
    assert (
        estimate.text() == "about 3:30 left"
    )  # 3 x 120 s and the 60 s left of this one, on 2 cores
    estimate.end(job)
    assert estimate.seconds("train_model") == pytest.approx(60, abs=0.1)
    assert estimate.text() == "about 1:30 left"
    estimate.begin(Job(2, "train_model", "", ""))
    estimate.again(Job(2, "train_model", "", ""))
    assert estimate.text() == "about 1:30 left"
    assert (estimate.done, estimate.total) == (1, 4)


def test_what_was_never_seen_makes_the_estimate_a_lower_bound(tmp_path):
    (tmp_path / "studio").mkdir()
    (tmp_path / "studio/render_report.tsv").write_text("s\n8.0\n")
    estimate = Estimate(tmp_path)
    estimate.expect({"render_report": 1, "train_model": 1})
    assert estimate.text() == "at least 8 s left"


def test_the_last_message_of_a_log_is_found_below_what_others_print(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("10:00:00 INFO    step 3 of 9, 5 s left\nUserWarning: old\n  code\n")
    assert last_words(str(log)) == "step 3 of 9, 5 s left"
    assert last_words(str(tmp_path / "absent.log")) == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(7.4, "7 s"), (60, "1:00"), (185, "3:05"), (3723, "1:02:03")]
)
def test_times_are_short(seconds, text):
    assert clock(seconds) == text
