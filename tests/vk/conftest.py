"""A device for tests of the Vulkan boundary, with all validation enabled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.gpu import checked_device

from engine.vk.device import Device


@pytest.fixture
def device() -> Iterator[Device]:
    with checked_device() as made:
        yield made
