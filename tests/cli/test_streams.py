"""Hard surroundings cost one error block and a documented exit code, in every command, and no traceback."""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.limits import limit
from support.sampling import in_proof

from engine.cli.main import main as engine
from engine.files import streams
from viewer.command import main as diorama
from viewer.main import main as viewer

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform != "linux", reason="/dev/full, users and modes of Linux"),
]

ENGINE = "import sys; from engine.cli.main import main; sys.exit(main(sys.argv[1:]))"
VIEWER = "import sys; from viewer.main import main; sys.exit(main(sys.argv[1:]))"
DIORAMA = "import sys; from viewer.command import main; sys.exit(main(sys.argv[1:]))"
PRINTING = {
    "help": (ENGINE, ["--help"]),
    "plan": (ENGINE, ["plan", "scenes/cube.hu"]),
    "why": (ENGINE, ["why", "scenes/cube.hu", "cube"]),
    "cook": (ENGINE, ["cook", "scenes/cube.hu"]),
    "viewer": (VIEWER, ["--help"]),
    "diorama": (DIORAMA, ["--help"]),
}


Ended = subprocess.CompletedProcess[str]


def run(
    program: str,
    arguments: Sequence[object],
    root: Path,
    *,
    before: Callable[[], None] | None = None,
    cwd: Path | None = None,
    **options: object,
) -> Ended:
    """Run a program in a child process; `before` runs in it first."""
    environment = {**os.environ, "PYTHONPATH": str(root), **options.pop("env", {})}  # type: ignore[dict-item]
    environment = {name: value for name, value in environment.items() if value is not None}
    given: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-c", program, *map(os.fspath, arguments)],  # type: ignore[arg-type]
        cwd=cwd or root,
        env=environment,
        text=True,
        errors="replace",
        timeout=limit(60),
        preexec_fn=before,
        check=False,
        **given,
    )


def one_block(done: Ended, code: str, exit_code: int = 2) -> None:
    assert done.returncode == exit_code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error[") == 1, done.stderr
    assert f"error[{code}]" in done.stderr


@pytest.mark.parametrize("buffered", ["", *in_proof("1")])
@pytest.mark.parametrize("case", ["plan", *in_proof("help", "why", "cook", "viewer", "diorama")])
def test_a_full_output_is_one_error(root: Path, case: str, buffered: str) -> None:
    program, arguments = PRINTING[case]
    with open("/dev/full", "w") as full:
        done = run(program, arguments, root, stdout=full, env={"PYTHONUNBUFFERED": buffered})
    one_block(done, "output.write")
    assert "No space left" in done.stderr


@pytest.mark.parametrize("case", ["help", *in_proof("plan")])
def test_a_closed_output_is_one_error(root: Path, case: str) -> None:
    program, arguments = PRINTING[case]
    one_block(run(program, arguments, root, before=lambda: os.close(1)), "output.write")


@pytest.mark.parametrize("case", ["viewer", *in_proof("plan")])
def test_a_pipe_that_closes_early_ends_the_command_quietly(root: Path, case: str) -> None:
    program, arguments = PRINTING[case]
    reader, writer = os.pipe()
    os.close(reader)
    done = run(program, arguments, root, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.proof(short=True)
def test_a_closed_or_full_error_stream_leaves_the_exit_code(root: Path) -> None:
    assert run(ENGINE, ["plan", "none.hu"], root, before=lambda: os.close(2)).returncode == 2
    with open("/dev/full", "w") as full:
        assert run(ENGINE, ["plan", "none.hu"], root, stderr=full).returncode == 2


def test_a_long_output_is_written_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[str] = []
    monkeypatch.setattr(streams, "_AT_ONCE", 7)
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(write=pieces.append, isatty=lambda: False))
    streams.write_output("a long line, and\nanother")
    assert "".join(pieces) == "a long line, and\nanother"
    assert max(map(len, pieces)) == 7


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_name_does_not_control_a_terminal_and_a_pipe_gets_it_as_it_is(
    is_terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces: list[str] = []
    written = SimpleNamespace(write=pieces.append, isatty=lambda: is_terminal, flush=lambda: None)
    scene = tmp_path / "a\x1b]0;b\x07.hu"
    scene.write_text("tableau: { name: a  objects: { eye: { features: [{ @type: camera }] } } }")
    monkeypatch.setattr(sys, "stdout", written)
    assert engine(["plan", str(scene)]) == 0
    assert any("eye" in piece for piece in pieces)
    assert any("\x1b" in piece or "\x07" in piece for piece in pieces) is not is_terminal


def test_no_file_gets_the_descriptor_of_a_closed_stream(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan.hu"
    done = run(
        ENGINE, ["plan", "scenes/cube.hu", "--out", out], root, before=lambda: [os.close(n) for n in range(3)]
    )
    assert done.returncode == 0
    assert out.read_text(encoding="utf-8").startswith("featureDb")


@pytest.mark.proof(short=True)
def test_every_output_goes_into_a_device(root: Path) -> None:
    done = run(ENGINE, ["plan", "scenes/cube.hu", "--out", "/dev/stdout"], root)
    assert done.returncode == 0
    assert done.stdout.startswith("featureDb")
    one_block(run(ENGINE, ["plan", "scenes/cube.hu", "--out", "/dev/full"], root), "output.write")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


LONG = "x" * 300


@pytest.mark.parametrize(
    ("main", "arguments", "code"),
    [
        (engine, ["plan", LONG], "file.unreadable"),
        (engine, ["plan", f"{LONG}/scene.hu"], "file.unreadable"),
        (engine, ["plan", "scenes/cube.hu", "--out", LONG], "output.write"),
        (engine, ["plan", "scenes/cube.hu", "--profile", f"{LONG}.json"], "profile.file"),
        (engine, ["plan", "scenes/cube.hu", "--profile", LONG], "profile.unknown"),
        (engine, ["why", LONG, "cube"], "file.unreadable"),
        (engine, ["cook", LONG], "file.unreadable"),
        (engine, ["diff", LONG, LONG], "file.unreadable"),
        (engine, ["format", LONG], "file.unreadable"),
        (viewer, ["--headless", LONG], "file.unreadable"),
        (viewer, ["--headless", "scenes/cube.hu", "--script", LONG], "script.missing"),
        (viewer, ["--headless", "scenes/cube.hu", "--report", f"{LONG}/r.json"], "output.folder"),
        (diorama, [LONG, "--headless"], "file.unreadable"),
    ],
)
def test_a_name_of_300_characters_is_one_error(
    capsys: pytest.CaptureFixture[str], main: Callable[[list[str]], int], arguments: list[str], code: str
) -> None:
    exit_code = main(arguments)
    error = capsys.readouterr().err
    assert (exit_code, error.count("error[")) == (2, 1), error
    assert f"error[{code}]" in error


@pytest.fixture
def odd_folder(root: Path, tmp_path: Path) -> Path:
    """A project in a folder whose name is not UTF-8."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd-\xff\xfe"))
    for name in ("scenes", "assets"):
        (folder / name).mkdir(parents=True)
    (folder / "scenes" / "empty.hu").write_text(
        "tableau: { name: t  objects: { eye: { features: [{ @type: camera }] } } }", encoding="utf-8"
    )
    (folder / "scenes" / "wrong.hu").write_text("tableau: { name: t  objects: [ }", encoding="utf-8")
    return folder


@pytest.mark.parametrize("encoding", [*in_proof("utf-8", "ascii"), "latin-1"])
def test_a_folder_that_is_not_utf_8_can_be_worked_in(
    root: Path, odd_folder: Path, tmp_path: Path, encoding: str
) -> None:
    scene, out = odd_folder / "scenes" / "empty.hu", tmp_path / "plan.hu"
    env = {"PYTHONIOENCODING": f"{encoding}:strict"}
    for arguments in (["plan", scene], ["plan", scene, "--out", out]):
        done = run(ENGINE, arguments, root, env=env)
        assert done.returncode == 0, done.stderr
        assert "error[" not in done.stderr
        assert "Traceback" not in done.stderr
    assert out.read_bytes().decode("utf-8")
    done = run(ENGINE, ["plan", odd_folder / "scenes" / "wrong.hu"], root, env=env)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    done = run(ENGINE, ["format", scene], root, cwd=odd_folder, env=env)
    assert done.returncode == 0
    assert run(ENGINE, ["plan", "empty.hu"], root, cwd=odd_folder / "scenes").returncode == 0


@pytest.mark.proof(short=True)
def test_a_user_without_name_and_home_needs_neither(root: Path) -> None:
    nobody = "import pwd\ndef none(number): raise KeyError(number)\npwd.getpwuid = none\n"
    env = {"HOME": None, "XDG_CACHE_HOME": None, "LOGNAME": None, "USER": None}
    for program, arguments in (PRINTING["plan"], PRINTING["cook"]):
        done = run(nobody + program, arguments, root, env=env)
        assert (done.returncode, done.stderr) == (0, "")


def heed_modes() -> None:
    """Take from this process what lets root read and write every file, from the next program on."""
    prctl = ctypes.CDLL(None).prctl
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def test_an_unreadable_folder_is_one_error(root: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    scene = closed / "scene.hu"
    scene.write_text("tableau: { name: t }", encoding="utf-8")
    closed.chmod(0)
    try:
        for arguments, code in (
            (["plan", scene], "file.unreadable"),
            (["plan", "scenes/cube.hu", "--out", closed / "plan.hu"], "output.write"),
        ):
            one_block(run(ENGINE, arguments, root, before=heed_modes), code)
        one_block(run(VIEWER, ["--headless", scene], root, before=heed_modes), "file.unreadable")
    finally:
        closed.chmod(0o700)


@pytest.mark.proof(short=True)
def test_a_working_folder_that_was_deleted_is_one_error(root: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = run(ENGINE, ["plan", "scene.hu"], root, cwd=gone, before=lambda: os.rmdir(gone))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "error[" in done.stderr
