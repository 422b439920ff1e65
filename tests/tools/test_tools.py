"""Scripts of developers describe themselves with `--help`, and refuse unknown options, before they write."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for folder in ("tools", "scenes", "assets/builtin")
    for path in (ROOT / folder).glob("*.py")
    if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")
)


@pytest.fixture(autouse=True)
def imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts of tools/ import their neighbours, and one adds to the path."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])


def exit_code(script: str, argument: str, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(sys, "argv", [script, argument])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / script), run_name="__main__")
    return ended.value.code


def test_all_scripts_are_found() -> None:
    assert {"tools/window_pictures.py", "scenes/make_lights.py", "assets/builtin/make_sky.py"} <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_prints_the_purpose_and_exits(
    script: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(script, "--help", monkeypatch) == 0
    purpose = (ROOT / script).read_text(encoding="utf-8").removeprefix('"""').splitlines()[0]
    assert purpose.removesuffix('"""') in capsys.readouterr().out


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_unknown_option_is_refused(
    script: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(script, "--unknown", monkeypatch) == 2
    assert "--unknown" in capsys.readouterr().err
