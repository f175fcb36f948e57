"""Where the time went: from the benchmark files of the jobs."""

import pytest

from unispace.commands.show_times import table
from unispace.errors import UserError
from unispace.records.times import read_times, write_times

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def job(folder, name, seconds, memory, cpu):
    path = folder / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + f"{seconds}\t0:00:00\t{memory}\t1\t1\t1\t0\t0\t50\t{cpu}\n")


@pytest.fixture
def benchmarks(tmp_path):
    job(tmp_path, "train_model/vit/base/seed0", 100, 500, 90)
    job(tmp_path, "train_model/vit/imic/seed0", 300, 700.4, 280)
    job(tmp_path, "render_report", 20, 300, 18)
    job(tmp_path, "compare_humans", 0.4, "NA", "NA")
    return tmp_path


def test_jobs_are_added_up_by_rule_and_the_slowest_rule_is_first(benchmarks):
    found = read_times(benchmarks)
    assert [rule.rule for rule in found] == ["train_model", "render_report", "compare_humans"]
    first, _, last = found
    assert (first.jobs, first.seconds, first.longest, first.cpu, first.memory) == (
        2, 400, 300, 370, 700.4,
    )  # fmt: skip
    assert (last.seconds, last.cpu, last.memory) == (0.4, None, None)


def test_of_a_job_that_was_repeated_the_last_counts(tmp_path):
    job(tmp_path, "render_report", 20, 300, 18)
    path = tmp_path / "render_report.tsv"
    path.write_text(path.read_text() + "30\t0\t1\t1\t1\t1\t0\t0\t1\t1\n")
    assert read_times(tmp_path)[0].seconds == 30


def test_the_table_has_a_line_for_each_rule_and_the_sum(benchmarks, tmp_path):
    head, *lines, total = table(read_times(benchmarks)).splitlines()
    assert head.split()[0] == "rule"
    assert lines[0].split() == ["train_model", "2", "400.0", "300.0", "370.0", "700"]
    assert total.split() == ["all", "4", "420.4"]
    write_times(read_times(benchmarks), tmp_path / "times.csv")
    assert "compare_humans,1,0.4,0.4,,\n" in (tmp_path / "times.csv").read_text()


def test_a_study_that_has_not_run_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"run the study first, `snakemake --cores 2`"):
        read_times(tmp_path / "studio")


def test_a_file_that_is_no_benchmark_is_named(tmp_path):
    (tmp_path / "x.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(UserError, match=r"x\.tsv: no benchmark of Snakemake"):
        read_times(tmp_path)
