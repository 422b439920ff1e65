"""Claims about scene scripts: which run, the messages of wrong or raising ones, and exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.display import Display
from support.limits import limit

from engine.humon import InputError
from engine.testing import ScriptFailed, load_script, open_scene, run_script
from viewer.main import main

GOOD = """
def run(scene):
    before = scene.memory
    scene["cube"].shadowCaster.active = False
    scene.settle()
    assert scene.memory.planned < before.planned
    scene.step(count=2)
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "script.py"
    path.write_text(text)
    return path


def failure(folder: Path, text: str) -> list[str]:
    path = write(folder, text)
    with (
        open_scene("scenes/cube.hu", profile="unified") as scene,
        pytest.raises(ScriptFailed) as caught,
    ):
        run_script(path, scene)
    return str(caught.value).replace(f"{path}:", "script.py:").splitlines()


def test_a_script_runs_on_a_scene_wherever_it_is_open(tmp_path):
    path = write(tmp_path, GOOD)
    with open_scene("scenes/cube.hu", profile="unified") as scene:
        run_script(path, scene)
        assert "shadowMap" not in scene.memory


def test_a_script_that_raises_shows_its_own_deepest_line_first(tmp_path):
    text = "def run(scene):\n    off(scene, 'cubee')\n\ndef off(scene, name):\n    scene[name].active = 0\n"
    assert failure(tmp_path, text)[:5] == [
        "script.py:5: error[script.raised]: KeyError: no object 'cubee' at the top of the tableau "
        "(in path 'cubee'); did you mean 'cube'?",
        "    scene[name].active = 0",
        "traceback:",
        "    script.py:2 in run: off(scene, 'cubee')",
        "    script.py:5 in off: scene[name].active = 0",
    ]


def test_a_plain_assert_shows_the_values_that_it_compared(tmp_path):
    text = "def run(scene):\n    limit = 7\n    assert len(scene.tableau) <= limit - 6\n"
    assert failure(tmp_path, text) == [
        "script.py:3: error[script.raised]: AssertionError: len(scene.tableau) <= limit - 6",
        "    where len(scene.tableau) is 4",
        "    where limit - 6 is 1",
        "    assert len(scene.tableau) <= limit - 6",
    ]


def test_an_assert_evaluates_its_sides_once_and_keeps_its_own_message(tmp_path):
    text = "def run(scene):\n    calls = []\n    assert len([calls.append(1)]) == 1\n"
    text += "    assert calls == [1]\n    assert 1 == 2, f'my own {len(calls)}'\n"
    assert failure(tmp_path, text)[0] == "script.py:5: error[script.raised]: AssertionError: my own 1"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("x = 1\n", "script.run", "write `def run(scene): ...`"),
        ("run = 3\n", "script.run", "no function run"),
        ("def run(scene):\n    x = = 2\n", "script.syntax", "script.py:2:9"),
        ("x = '\0'\n", "script.syntax", "is not valid Python"),
    ],
)
def test_a_file_that_is_no_script_is_refused_with_its_place(tmp_path, text, code, said):
    with pytest.raises(InputError) as caught:
        load_script(write(tmp_path, text))
    assert f"error[{code}]" in str(caught.value)
    assert said in str(caught.value)


def test_a_missing_script_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"script\.missing.*no\.py: No such file"):
        load_script(tmp_path / "no.py")


def test_a_script_that_raises_while_it_is_read_shows_its_line(tmp_path):
    with pytest.raises(ScriptFailed, match=r"script\.py:1: error\[script\.raised\]: ZeroDivisionError"):
        load_script(write(tmp_path, "1 / 0\n"))


def view(root: Path, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    command = [sys.executable, "-m", "viewer", "scenes/cube.hu", "--size", "64x48", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=root,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=limit(100),
        check=False,
    )


@pytest.mark.gpu
def test_the_viewer_runs_a_script_headless_and_writes_the_picture_it_leaves(root, tmp_path):
    script = write(tmp_path, GOOD)
    picture = tmp_path / "end.png"
    done = view(root, "--headless", "--script", script, "--screenshot", picture)
    assert (done.returncode, done.stderr) == (0, "")
    assert picture.is_file()


@pytest.mark.gpu
def test_the_viewer_runs_a_script_in_its_window(root, tmp_path, display: Display):
    done = view(root, "--script", write(tmp_path, GOOD), "--frames", "1", DISPLAY=display.name)
    assert done.returncode == 0, done.stderr


@pytest.mark.gpu
def test_a_script_that_fails_ends_the_viewer_with_1_and_its_line_first(root, tmp_path):
    done = view(root, "--headless", "--script", write(tmp_path, "def run(scene):\n    scene['no']\n"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith(f"{tmp_path}/script.py:2: error[script.raised]: KeyError: ")
    assert "Traceback" not in done.stderr


RUN = "import sys\ndef run(scene):\n    scene['cube'].active = False\n    {}\n    scene['no']\n"
EXITS = [
    (RUN.format("sys.exit()"), 0, ""),
    (RUN.format("exit(0)"), 0, ""),
    (RUN.format("raise SystemExit(False)"), 0, ""),
    (RUN.format("sys.exit(3)"), 3, "script.py:4: error[script.exit]: the script ended with exit code 3"),
    (RUN.format("sys.exit(-1)"), 255, "script.py:4: error[script.exit]: the script ended with exit code -1"),
    (
        RUN.format("sys.exit(2**70)"),
        1,
        f"script.py:4: error[script.exit]: the script ended with exit code {2**70}",
    ),
    (RUN.format("sys.exit('no \x1b[2J')"), 1, "script.py:4: error[script.exit]: no \ufffd[2J"),
    (
        RUN.format("raise type('Mute', (BaseException,), {'__str__': None})"),
        1,
        "script.py:4: error[script.raised]: Mute",
    ),
    (RUN.format("sys.exit('no room')"), 1, "script.py:4: error[script.exit]: no room"),
    (RUN.format("raise GeneratorExit"), 1, "script.py:4: error[script.raised]: GeneratorExit"),
    ("import sys\nsys.exit()\n", 0, ""),
    ("import sys\nsys.exit(7)\n", 7, "script.py:2: error[script.exit]: the script ended with exit code 7"),
]


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("text", "code", "said"), EXITS, ids=[f"{code}-{text[-40:]}" for text, code, _ in EXITS]
)
def test_a_script_that_exits_ends_itself_and_not_the_picture(root, tmp_path, capsys, text, code, said):
    script, picture = write(tmp_path, text), tmp_path / "a.png"
    options = ["--headless", "--size", "64x48", "--script", str(script), "--screenshot", str(picture)]
    assert main([str(root / "scenes/cube.hu"), *options]) == code
    assert picture.is_file()
    assert capsys.readouterr().err.replace(f"{tmp_path}/", "").partition("\n")[0] == said


def test_a_script_that_exits_is_run_from_python_as_one_that_ends_or_raises(tmp_path):
    with open_scene("scenes/cube.hu", profile="unified") as scene:
        run_script(write(tmp_path, RUN.format("sys.exit(0)")), scene)
        assert not scene["cube"].active
        with pytest.raises(ScriptFailed, match=r"script\.py:4: error\[script\.exit\]: .* exit code 3"):
            run_script(write(tmp_path, RUN.format("sys.exit(3)")), scene)


def test_a_script_that_cannot_be_read_ends_the_viewer_with_2(root, tmp_path):
    done = view(root, "--headless", "--script", tmp_path / "no.py")
    assert done.returncode == 2
    assert "error[script.missing]" in done.stderr
