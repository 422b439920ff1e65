"""Imports imgui-bundle, without what it imports for others alone.

It imports `glfw`, which makes a C parser where cffi is installed, for Vulkan objects given as CFFI pointers:
we give numbers. That parser takes 18 ms, a tenth of what a window's start takes beyond a run without one.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

_UNUSED = "cffi"


def import_bundle() -> None:
    """Import imgui-bundle and `glfw`; call it before any other module imports them."""
    there = _UNUSED in sys.modules
    if not there:
        sys.modules[_UNUSED] = cast("ModuleType", None)  # to import it then raises ModuleNotFoundError
    try:
        import imgui_bundle  # noqa: F401
    finally:
        if not there:
            del sys.modules[_UNUSED]
