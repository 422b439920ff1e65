"""The pytest plugin: marks for tests that need a device or run over profiles, and the fixtures for faults.

Importing it costs a run without scene tests next to nothing: Vulkan and numpy come in with the first scene.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from engine.testing.scene.fault_injection import Faults

pytest_plugins = (
    "engine.testing.hooks.golden_hooks",
    "engine.testing.hooks.report_hooks",
    "engine.testing.hooks.hu_hooks",
)

_NO_DEVICE: pytest.StashKey[str] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run insist on a device."""
    group = parser.getgroup("diorama", "Diorama scene tests")
    group.addoption(
        "--require-gpu",
        action="store_true",
        help="fail, and do not skip, tests that need a Vulkan device where none answers",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marks."""
    config.addinivalue_line(
        "markers", "gpu: needs a Vulkan device; skipped with the reason where none answers, see --require-gpu"
    )
    config.addinivalue_line(
        "markers",
        "profiles(pattern, ...): runs the test for every recorded device profile whose name fits; "
        "the test takes the name as `profile`",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test marked with `profiles` once for each of them."""
    mark = metafunc.definition.get_closest_marker("profiles")
    if mark is None:
        return
    from engine.testing.scene.profiles import profile_names

    if "profile" not in metafunc.fixturenames:
        raise pytest.UsageError(
            f"{metafunc.definition.nodeid} is marked with profiles and takes no `profile`"
        )
    found = [name for pattern in mark.args or ("*",) for name in profile_names(pattern)]
    if not found:
        known = ", ".join(profile_names())
        asked = ", ".join(map(str, mark.args))
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: no profile fits {asked}; there are {known}")
    metafunc.parametrize("profile", list(dict.fromkeys(found)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail, a test that is marked with `gpu` where no device answers."""
    if item.get_closest_marker("gpu") is None:
        return
    if _NO_DEVICE not in item.config.stash:
        item.config.stash[_NO_DEVICE] = no_device_reason()
    _without_device(item.config, item.config.stash[_NO_DEVICE])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Treat a test that finds no device while it runs as if it had been marked."""
    try:
        yield
    except Exception as error:
        # Only who has opened a device has this module, so that nothing is imported here.
        vulkan = sys.modules.get("engine.vk.errors")
        if vulkan is None or not isinstance(error, vulkan.NoVulkan):
            raise
        _without_device(item.config, "; ".join(error.reasons))


def _without_device(config: pytest.Config, reason: str) -> None:
    __tracebackhide__ = True
    if not reason:
        return
    if config.getoption("--require-gpu"):
        pytest.fail(f"no Vulkan device, and --require-gpu asks for one: {reason}", pytrace=False)
    pytest.skip(f"no Vulkan device: {reason}")


def no_device_reason() -> str:
    """Say why no Vulkan 1.3 device answers, and what to install; empty where one does.

    The question is asked in another process, because a driver may crash while it answers.
    """
    command = [sys.executable, "-m", "engine.cli.probe", "--packages", "device"]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if asked.returncode < 0:
        return f"a driver crashed while it was asked (signal {-asked.returncode})"
    if asked.returncode:
        return f"asking failed: {asked.stderr.strip()[-200:]}"
    packages = " ".join(asked.stdout.split())
    return (
        f"no driver for Vulkan 1.3 answers; for a software one: apt-get install {packages}"
        if packages
        else ""
    )


def pytest_unconfigure() -> None:
    """Close the devices that scenes have shared."""
    devices = sys.modules.get("engine.testing.scene.shared_devices")
    if devices is not None:
        devices.close_devices()


@pytest.fixture
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faults]:
    """Faults on request, see `engine.testing.scene.fault_injection`; all are switched off after the test."""
    from engine.testing.scene.fault_injection import Faults

    with Faults(tmp_path_factory) as made:
        yield made
