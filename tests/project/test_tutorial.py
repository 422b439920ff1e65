"""docs/testing.md followed word for word: an empty folder, a fresh environment, every block run in order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.display import Display
from support.limits import limit

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"[Ww]rite `([^`]+)`")
RUN = re.compile(r"^ *- run: (.+)$", re.MULTILINE)
NOT_HERE = ("sudo apt-get",)  # what a fresh machine needs and this one has


def blocks(root: Path) -> Iterator[tuple[str, str, str]]:
    """Language, file name (from the text before) and content of every block."""
    text = (root / "docs" / "testing.md").read_text(encoding="utf-8")
    end = 0
    for found in BLOCK.finditer(text):
        named = FILE.findall(text[end : found.start()])
        yield found[1], named[-1] if named else "", found[2]
        end = found.end()


@pytest.fixture
def source(root: Path, tmp_path: Path) -> Path:
    """A copy of the checkout, so that building leaves nothing in this one."""
    folder = tmp_path / "diorama"
    ignored = shutil.ignore_patterns("__pycache__", "*.ogCache*")
    for name in ("engine", "features", "viewer", "scenes", "assets"):
        shutil.copytree(root / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, folder)
    return folder


@pytest.fixture
def environment(source: Path, display: Display) -> dict[str, str]:
    """Installing needs no network: pip finds the dependencies here."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTEST_"))}
    return own | {
        "DIORAMA": str(source),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}",
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "DISPLAY": display.name,
    }


def run(command: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=limit(300),
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, f"{command}\n{output}"
    return output


@pytest.mark.gpu
@pytest.mark.proof(short=True)
@pytest.mark.timeout(400)
def test_the_tutorial_followed_word_for_word_works(
    root: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    output = ""
    seen = []
    for language, file, content in blocks(root):
        seen.append(language)
        if language == "sh":
            output = run(content, folder, environment)
        elif language == "text":
            wrong = [line for line in content.splitlines() if line.strip() not in output]
            assert not wrong, f"not said:\n{chr(10).join(wrong)}\n\nbut:\n{output}"
        else:
            assert file, f"nothing says which file this is:\n{content}"
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(content, encoding="utf-8")
            if language == "yaml":
                for command in RUN.findall(content):
                    if not command.startswith(NOT_HERE):
                        output = run(command, folder, environment)
    assert {"sh", "text", "python", "hu", "yaml"} == set(seen)
    assert seen.count("sh") >= 5
    assert re.search(r"\b(\d+) passed", output), output
    assert "failed" not in output
    imported = run(".venv/bin/python -c 'import engine; print(engine.__file__)'", folder, environment)
    assert imported.startswith(str(folder / ".venv")), "the tutorial tests what it installed"
