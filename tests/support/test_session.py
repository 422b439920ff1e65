"""A run of the tests: chosen by extent, seeds that can be given again, and an end for what hangs."""

from __future__ import annotations

import re

import pytest
from support.limits import LOOP_S, Loop, Slowness, limit

pytest_plugins = ("pytester",)

CONFTEST = """
import pytest
from support.sampling import Sample
from support.session import Session, add_options

@pytest.fixture
def sample(request):
    return Sample(request.node.nodeid)

def pytest_addoption(parser):
    add_options(parser)

def pytest_configure(config):
    config.pluginmanager.register(Session(config))
"""
TESTS = """
import pytest

def test_plain():
    pass

def test_sampled(sample, request):
    print("limit", request.node.get_closest_marker("timeout").args[0])
    assert sample.of(range(1000), 3) == []

@pytest.mark.proof
def test_long():
    pass

@pytest.mark.proof(short=True)
def test_shorter():
    pass
"""
HANGS = """
import signal, threading

def test_hangs():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    threading.Event().wait()

def test_goes_on():
    pass
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, root) -> pytest.Pytester:
    """A project with these hooks and one area, `plan`."""
    monkeypatch.delenv("DIORAMA_SEED", raising=False)
    monkeypatch.delenv("CI", raising=False)
    ini = f"[pytest]\npythonpath = {root / 'tests'}\nmarkers = proof\ntimeout = 120\n"
    pytester.makeini(ini + "addopts = -p no:cacheprovider -p pytest_timeout -p _hypothesis_pytestplugin")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # a run begins in half the time
    pytester.makeconftest(CONFTEST)
    pytester.mkdir("tests").joinpath("plan").mkdir()
    pytester.path.joinpath("tests/plan/test_it.py").write_text(TESTS, encoding="utf-8")
    return pytester


def names(result: pytest.RunResult) -> set[str]:
    return set(re.findall(r"::test_(\w+) ", result.stdout.str()))


@pytest.mark.parametrize(
    ("options", "ran", "has_an_hour"),
    [
        ((), {"plain", "sampled"}, False),
        (("--proof", "all"), {"sampled", "long", "shorter"}, True),
        (("--proof", "plan"), {"sampled", "long", "shorter"}, True),
        (("--proof", "short"), {"sampled", "shorter"}, False),
    ],
)
def test_a_proof_runs_what_is_marked_and_what_is_sampled_which_has_an_hour_in_a_whole_one(
    project: pytest.Pytester, options: tuple[str, ...], ran: set[str], has_an_hour: bool
) -> None:
    result = project.runpytest_subprocess("-v", *options)
    assert names(result) == ran
    (limit_of_drawn,) = re.findall(r"^limit ([\d.]+)$", result.stdout.str(), re.MULTILINE)
    assert (float(limit_of_drawn) >= 3600) == has_an_hour


def test_an_area_without_a_folder_is_an_error_that_names_those_there_are(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--proof", "nothing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "plan" in result.stderr.str()


def test_the_seed_stands_in_header_and_failure_and_draws_the_same_again(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = project.runpytest_subprocess().stdout.str()
    (seed,) = set(re.findall(r"DIORAMA_SEED=(\d+)", first))
    drawn = re.findall(r"3 of 1000: .*", first)
    assert len(drawn) == 1
    assert re.findall(r"3 of 1000: .*", project.runpytest_subprocess("--seed", seed).stdout.str()) == drawn
    monkeypatch.setenv("DIORAMA_SEED", seed)
    workers = project.runpytest_subprocess("-p", "xdist", "-n", "2").stdout.str()
    assert re.findall(r"3 of 1000: .*", workers) == drawn
    assert re.search(r"CPU time: \d+ s with all processes, [\d,]+ x the fixed loop", workers)


def test_a_test_that_hangs_outside_of_python_ends_its_worker_with_all_stacks_and_the_others_run(
    project: pytest.Pytester,
) -> None:
    project.path.joinpath("tests/plan/test_it.py").write_text(HANGS, encoding="utf-8")
    ini = project.path / "tox.ini"
    ini.write_text(ini.read_text().replace("timeout = 120", "timeout = 0.5"))
    result = project.runpytest_subprocess("-p", "xdist", "-n", "1")
    result.assert_outcomes(passed=1, failed=1)
    assert "in test_hangs" in result.stderr.str()


def test_limits_grow_with_the_time_that_the_fixed_loop_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slowness, "factor", 1.0)
    monkeypatch.setattr("support.limits.fixed_loop", lambda: Loop(LOOP_S, 4 * LOOP_S))
    Slowness.measure()
    assert limit(10) == pytest.approx(40)
    monkeypatch.setattr("support.limits.fixed_loop", lambda: Loop(LOOP_S / 2, LOOP_S / 2))
    Slowness.measure()
    assert limit(10) == 10
