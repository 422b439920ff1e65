"""The packages that order and simplify meshes, extras of ours: which of them are installed, in which version.

What is made with one of them has its name and version in its recipe. So what was cooked without it is cooked
again once it is there, and the other way round; a cache never holds meshes that this installation would not
make.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

ORDERING, SIMPLIFYING = "meshopt", "opengl_decimate"
"""The packages, by the names that they are imported with."""

_INFO = ".dist-info"


@cache
def identity_of(package: str) -> str:
    """Return name and version of an installed package, empty where there is none; it is not imported."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return ""
    # importlib.metadata would say so, too, but takes 20 ms to import at every start
    start = f"{package}-".lower()
    for name in os.listdir(os.path.dirname(os.path.dirname(spec.origin))):
        if name.endswith(_INFO) and name.lower().startswith(start):
            return f"{package} {name[len(start) : -len(_INFO)]}"
    return package


def load(package: str) -> ModuleType | None:
    """Return a package, None where it cannot be imported."""
    try:
        return import_module(package)
    except ImportError:
        return None
