"""What workers of a run share of what was compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.compiled import _Shared

from engine.assets.tools.tool_process import ToolResult


def test_what_one_worker_has_compiled_another_finds_by_the_same_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Shared, "folder", tmp_path)
    key, made = ("tool 1", "-o", b"source", 1.5), (ToolResult(0, "said"), b"module")
    assert _Shared.find(key) is None
    _Shared.keep(key, made)
    assert _Shared.find(key) == made
    assert _Shared.find(("tool 2", *key[1:])) is None
    assert len(list(tmp_path.iterdir())) == 1, "nothing half written is left"
