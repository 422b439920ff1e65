"""Claims about the pytest plugin: skipped and failed tests, runs over profiles, texts of failures."""

from __future__ import annotations

import pytest

from engine.testing import open_scene, plugin
from engine.testing.scene.profiles import profile_names

pytest_plugins = ("pytester",)

NO_DRIVER = {"VK_DRIVER_FILES": "/nowhere.json", "VK_ICD_FILENAMES": "/nowhere.json"}
GPU_TESTS = """
import pytest
from engine.testing import open_scene

@pytest.mark.gpu
def test_marked():
    assert True

def test_that_opens_a_scene():
    with open_scene("scenes/cube.hu") as scene:
        scene.frame()

def test_of_a_plan():
    with open_scene("scenes/cube.hu", profile="unified") as scene:
        assert scene.memory.peak
"""


# With no plugin but ours a run begins in half the time.
OURS = ("-p", "engine.testing.plugin")
PARALLEL = (*OURS, "-p", "xdist", "-n", "2")


@pytest.fixture(autouse=True)
def only_our_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture(scope="module")
def loaded() -> None:
    """Load what scenes need: runs in this process unload what they import, numpy can be loaded only once."""
    with open_scene("scenes/cube.hu", profile="unified", size=(16, 16)):
        pass


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NO_DRIVER.items():
        monkeypatch.setenv(name, value)


def test_without_a_device_gpu_tests_are_skipped_with_the_reason(pytester: pytest.Pytester, no_driver):
    pytester.makepyfile(GPU_TESTS)
    result = pytester.runpytest_subprocess(*OURS, "-rs")
    result.assert_outcomes(passed=1, skipped=2)
    text = result.stdout.str()
    assert text.count("no Vulkan device: ") == 2
    assert "apt-get install mesa-vulkan-drivers" in text


def test_require_gpu_turns_a_missing_device_into_failures(pytester: pytest.Pytester, no_driver):
    pytester.makepyfile(GPU_TESTS)
    result = pytester.runpytest_subprocess(*OURS, "--require-gpu")
    result.assert_outcomes(passed=1, failed=1, errors=1)  # one before it ran, one while
    assert result.stdout.str().count("no Vulkan device, and --require-gpu requires one: ") >= 2


@pytest.mark.gpu
def test_with_a_device_nothing_is_skipped_and_require_gpu_changes_nothing(pytester: pytest.Pytester):
    pytester.makepyfile(GPU_TESTS)
    pytester.runpytest_subprocess(*OURS, "--require-gpu").assert_outcomes(passed=3)


def test_profiles_runs_a_test_for_each_that_matches(pytester: pytest.Pytester, loaded: None):
    pytester.makepyfile(
        """
        import pytest
        from engine.testing import open_scene

        @pytest.mark.profiles("*")
        def test_everywhere(profile):
            with open_scene("scenes/cube.hu", profile=profile) as scene:
                assert scene.driver

        @pytest.mark.profiles("uni*", "unified")
        def test_here(profile):
            assert profile == "unified"
        """
    )
    result = pytester.runpytest_inprocess(*OURS, "-v")
    result.assert_outcomes(passed=len(profile_names()) + 1)
    assert "test_everywhere[coarse]" in result.stdout.str()


@pytest.mark.parametrize(
    ("mark", "arguments", "said"),
    [
        ('profiles("nosuch-*")', "profile", "no profile matches nosuch-*; known are coarse"),
        ('profiles("*")', "", "is marked with profiles but does not take `profile`"),
    ],
)
def test_a_wrong_mark_is_reported_in_words(
    pytester: pytest.Pytester, loaded: None, mark: str, arguments: str, said: str
):
    pytester.makepyfile(f"import pytest\n\n@pytest.mark.{mark}\ndef test_it({arguments}):\n    pass\n")
    result = pytester.runpytest_inprocess(*OURS)
    assert said in result.stdout.str() + result.stderr.str()
    assert result.ret != 0


def test_a_failure_points_at_the_tests_own_line_and_not_into_the_assertion(
    pytester: pytest.Pytester, loaded: None
):
    pytester.makepyfile(
        """
        from engine.testing import MIB, assert_no_growth, assert_planned, open_scene

        def test_row():
            with open_scene("scenes/cube.hu", profile="unified") as scene:
                assert_planned(scene, "shadowMap", max_bytes=1)

        def test_block():
            with open_scene("scenes/cube.hu", profile="unified", settings=["cube.active=false"]) as scene:
                with assert_no_growth(scene):
                    scene["cube"].active = True

        def test_plain():
            with open_scene("scenes/cube.hu", profile="unified") as scene:
                assert scene.memory.peak <= 1 * MIB
        """
    )
    result = pytester.runpytest_inprocess(*OURS)
    result.assert_outcomes(failed=3)
    text = result.stdout.str()
    assert "\n>           assert_planned(scene" in text
    assert "\n>           with assert_no_growth(scene)" in text
    assert "failure_messages.py" not in text
    assert "assertions/plan.py" not in text
    assert "assertions/memory.py" not in text
    assert "contextlib.py" not in text
    assert "<memory: live " in text


def test_a_run_without_scene_tests_loads_neither_vulkan_nor_numpy(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import sys

        def test_light():
            assert not {"numpy", "vulkan", "PIL"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess(*OURS).assert_outcomes(passed=1)


def test_a_crashing_driver_is_given_as_the_reason(monkeypatch: pytest.MonkeyPatch):
    import subprocess

    done = subprocess.CompletedProcess(["probe"], -11, "", "")
    monkeypatch.setattr(plugin.subprocess, "run", lambda *_, **__: done)
    assert plugin.no_device_reason() == "a driver crashed while devices were listed (signal 11)"


@pytest.mark.gpu
def test_workers_of_a_parallel_run_each_have_their_device(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import pytest
        from engine.testing import open_scene

        @pytest.mark.parametrize("number", range(4))
        def test_it(number):
            with open_scene("scenes/cube.hu", size=(32, 24)) as scene:
                assert scene.frame().shape == (24, 32, 4)
        """
    )
    pytester.runpytest_subprocess(*PARALLEL).assert_outcomes(passed=4)
