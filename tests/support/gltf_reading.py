"""Reads files in the making without a file system, and what is said of what is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.gltf_files import GltfFile

from engine.gltf import Gltf, Item, read_gltf
from engine.humon import InputError, Problem


def no_file(name: str, place: Item) -> bytes:
    raise place.failure("file.missing", f"there is no {name}")


def opened(file: GltfFile) -> Gltf:
    """The file as a `.glb` of one piece, opened."""
    return read_gltf(file.glb(), "test.glb", no_file)


def document(root: dict[str, Any]) -> Gltf:
    """A `.gltf` with this JSON, opened."""
    return read_gltf(json.dumps({"asset": {"version": "2.0"}} | root).encode(), "test.gltf", no_file)


def refused(call: Callable[[], object]) -> Problem:
    """The one problem that a call raises."""
    with pytest.raises(InputError) as caught:
        call()
    assert len(caught.value.problems) == 1
    return caught.value.problems[0]
