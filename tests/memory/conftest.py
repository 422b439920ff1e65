"""Fixtures of support/memory_fixtures.py."""

from __future__ import annotations

from support.memory_fixtures import cache, device, pace, profile, resources

__all__ = ["cache", "device", "pace", "profile", "resources"]
