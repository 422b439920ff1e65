"""The pytest plugin: marks for tests that need a device or run over profiles, and the fixture for faults.

Vulkan and numpy are imported with the first scene, so a run without scene tests pays almost nothing.
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
    """Add the option that makes a missing device a failure."""
    group = parser.getgroup("diorama", "Diorama scene tests")
    group.addoption(
        "--require-gpu",
        action="store_true",
        help="fail tests that need a Vulkan device, instead of skipping them, where there is none",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks."""
    config.addinivalue_line(
        "markers", "gpu: needs a Vulkan device; skipped with the reason without one, see --require-gpu"
    )
    config.addinivalue_line(
        "markers",
        "profiles(pattern, ...): runs the test for every recorded device profile whose name matches; "
        "the test takes the name as `profile`",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test marked with `profiles` once for each matching profile."""
    mark = metafunc.definition.get_closest_marker("profiles")
    if mark is None:
        return
    from engine.testing.scene.profiles import profile_names

    if "profile" not in metafunc.fixturenames:
        raise pytest.UsageError(
            f"{metafunc.definition.nodeid} is marked with profiles but does not take `profile`"
        )
    found = [name for pattern in mark.args or ("*",) for name in profile_names(pattern)]
    if not found:
        known = ", ".join(profile_names())
        patterns = ", ".join(map(str, mark.args))
        raise pytest.UsageError(
            f"{metafunc.definition.nodeid}: no profile matches {patterns}; known are {known}"
        )
    metafunc.parametrize("profile", list(dict.fromkeys(found)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that is marked with `gpu`, or fail it under --require-gpu, where there is no device."""
    if item.get_closest_marker("gpu") is None:
        return
    if _NO_DEVICE not in item.config.stash:
        item.config.stash[_NO_DEVICE] = no_device_reason()
    _without_device(item.config, item.config.stash[_NO_DEVICE])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Treat a test that raises NoVulkan while it runs as if it had been marked with `gpu`."""
    try:
        yield
    except Exception as error:
        # Opening a device imports this module; nothing is imported here only to look.
        vulkan = sys.modules.get("engine.vk.errors")
        if vulkan is None or not isinstance(error, vulkan.NoVulkan):
            raise
        _without_device(item.config, "; ".join(error.reasons))


def _without_device(config: pytest.Config, reason: str) -> None:
    __tracebackhide__ = True
    if not reason:
        return
    if config.getoption("--require-gpu"):
        pytest.fail(f"no Vulkan device, and --require-gpu requires one: {reason}", pytrace=False)
    pytest.skip(f"no Vulkan device: {reason}")


def no_device_reason() -> str:
    """Return why there is no Vulkan 1.3 device, and what to install; empty where there is one.

    The drivers are loaded in a child process, because one may crash.
    """
    command = [sys.executable, "-m", "engine.cli.probe", "--packages", "device"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode < 0:
        return f"a driver crashed while devices were listed (signal {-done.returncode})"
    if done.returncode:
        return f"listing the devices failed: {done.stderr.strip()[-200:]}"
    packages = " ".join(done.stdout.split())
    return (
        f"there is no driver for Vulkan 1.3; for a software one: apt-get install {packages}"
        if packages
        else ""
    )


def pytest_unconfigure() -> None:
    """Close the devices that scenes share."""
    devices = sys.modules.get("engine.testing.scene.shared_devices")
    if devices is not None:
        devices.close_devices()


@pytest.fixture
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faults]:
    """Fault injection, see `engine.testing.scene.fault_injection`; every fault ends with the test."""
    from engine.testing.scene.fault_injection import Faults

    with Faults(tmp_path_factory) as made:
        yield made
