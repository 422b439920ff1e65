"""The modules of Vulkan's enums are what their generator writes from the installed binding."""

from __future__ import annotations

import runpy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(find_spec("vulkan") is None, reason="the binding is not installed")


@pytest.fixture(scope="module")
def generator(root: Path) -> dict[str, Any]:
    return runpy.run_path(str(root / "tools" / "make_vulkan_enums.py"))


def test_committed_enums_are_what_the_generator_writes(root: Path, generator: dict[str, Any]) -> None:
    sources = generator["sources"]()
    assert sources == {path: (root / path).read_text(encoding="utf-8") for path in sources}


def test_a_member_that_vulkan_does_not_have_is_refused(generator: dict[str, Any]) -> None:
    enum = generator["Enum"]("Filter", "VkFilter", "NEAREST BLURRED")
    with pytest.raises(LookupError, match=r"VkFilter has 0 numbers for Filter\.BLURRED"):
        enum.source()


def test_a_member_with_two_numbers_is_refused(generator: dict[str, Any]) -> None:
    prefixes, renamed = ("VK_SUCCESS", "VK_TIMEOUT"), {"EITHER": ""}
    enum = generator["Enum"]("Result", "VkResult", "EITHER", prefixes=prefixes, renamed=renamed)
    with pytest.raises(LookupError, match=r"VkResult has 2 numbers for Result\.EITHER"):
        enum.source()
