"""The set-up script installs only what is missing: run against fake system programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.limits import limit

TOOLS = ("sh", "dirname", "env", "mktemp", "rm", "tail", "mkdir", "cp", "cat", "chmod")

PYTHON = """#!/bin/sh
echo "python3 $*" >>"$MACHINE/log"
case "$*" in
*"version_info < (3, 11)"*) [ ! -e "$MACHINE/old" ] ;;
*"import ensurepip, venv"*) [ ! -e "$MACHINE/no-venv" ] ;;
*"sys.version_info[:2]"*) echo python3.11-venv ;;
*"--packages device") cat "$MACHINE/device" ;;
*"--packages "*) cat "$MACHINE/packages" ;;
"-m venv --clear "*) mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
--version) echo "Python 3.10.12" ;;
esac
"""
APT_GET = """#!/bin/sh
echo "apt-get $*" >>"$MACHINE/log"
case "$*" in
*mesa-vulkan-drivers*) : >"$MACHINE/device" ;;
*unknown-package*) echo "E: Unable to locate package"; exit 100 ;;
esac
"""


@dataclass
class Machine:
    """A folder of fake programs, with a log of their calls and their prepared answers."""

    folder: Path
    script: Path

    def answer(self, name: str, text: str = "") -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def program(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def setup(self, role: str = "run") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.folder / "bin"), "MACHINE": str(self.folder)}
        command = [shutil.which("sh") or "sh", str(self.script), role]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=limit(30), check=False
        )

    def calls(self, program: str) -> list[str]:
        log = self.folder / "log"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return [line.partition(" ")[2] for line in lines if line.startswith(program + " ")]


@pytest.fixture
def machine(tmp_path: Path, root: Path) -> Machine:
    """A machine, used by root, that lacks only the virtual environment."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "project" / "tools").mkdir(parents=True)
    script = tmp_path / "project" / "tools" / "setup.sh"
    shutil.copy(root / "tools" / "setup.sh", script)
    made = Machine(tmp_path, script)
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    made.program("python3", PYTHON)
    made.program("apt-get", APT_GET)
    made.program("id", "#!/bin/sh\necho 0\n")
    made.answer("packages")
    made.answer("device")
    return made


def test_it_installs_no_system_package_where_none_is_missing(machine: Machine) -> None:
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert machine.calls("apt-get") == []
    assert any("pip install" in call and "--editable ." in call for call in machine.calls("python3"))


def test_it_reads_the_package_lists_once_and_installs_what_is_missing(machine: Machine) -> None:
    machine.answer("packages", "libvulkan1\nxvfb\n")
    machine.answer("device", "mesa-vulkan-drivers\n")
    machine.answer("no-venv")
    done = machine.setup("test")
    assert done.returncode == 0, done.stderr
    calls = machine.calls("apt-get")
    assert sum(call.startswith("update") for call in calls) == 1
    installed = [call.split("recommends ")[1] for call in calls if call.startswith("install")]
    assert installed == ["libvulkan1 xvfb python3.11-venv", "mesa-vulkan-drivers"]


def test_the_software_driver_is_not_installed_where_there_is_a_device(machine: Machine) -> None:
    machine.answer("packages", "libvulkan1\n")
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert not any("mesa" in call for call in machine.calls("apt-get"))


def test_it_goes_through_sudo_when_it_is_not_root(machine: Machine) -> None:
    machine.answer("packages", "libvulkan1\n")
    machine.program("id", "#!/bin/sh\necho 1000\n")
    machine.program("sudo", '#!/bin/sh\necho "sudo $*" >>"$MACHINE/log"\nexec "$@"\n')
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert len(machine.calls("sudo")) == len(machine.calls("apt-get")) == 2


def test_without_root_and_sudo_it_says_what_to_run_as_root(machine: Machine) -> None:
    machine.answer("packages", "libvulkan1\nlibx11-6\n")
    machine.program("id", "#!/bin/sh\necho 1000\n")
    done = machine.setup()
    assert done.returncode == 3
    assert "libvulkan1 libx11-6" in done.stderr
    assert machine.calls("apt-get") == []


def test_without_root_it_goes_on_where_nothing_is_missing(machine: Machine) -> None:
    machine.program("id", "#!/bin/sh\necho 1000\n")
    assert machine.setup().returncode == 0


def test_a_package_that_cannot_be_installed_ends_the_setup_with_its_name(machine: Machine) -> None:
    machine.answer("packages", "unknown-package\n")
    done = machine.setup()
    assert done.returncode == 3
    assert "could not install: unknown-package" in done.stderr
    assert "Unable to locate" in done.stderr


def test_an_old_python_is_refused_with_what_to_do(machine: Machine) -> None:
    machine.answer("old")
    done = machine.setup()
    assert done.returncode == 3
    assert "Python 3.11 or newer" in done.stdout
    assert "3.10.12" in done.stdout
    assert "python3.11-venv" in done.stderr
    assert not (machine.folder / "project" / ".venv").exists()


def test_the_second_run_keeps_the_virtual_environment(machine: Machine) -> None:
    machine.setup()
    machine.setup()
    assert sum("-m venv" in call for call in machine.calls("python3")) == 1


def test_an_unknown_role_is_refused(machine: Machine) -> None:
    done = machine.setup("everything")
    assert done.returncode == 2
    assert "everything" in done.stderr


def test_make_runs_the_setup_only_when_its_inputs_changed(root: Path, tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    shutil.copy(root / "Makefile", tmp_path)
    (tmp_path / "tools").mkdir()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "tools" / "setup.sh").write_text("mkdir -p .venv; echo ran $1\n", encoding="utf-8")

    def make(target: str) -> list[str]:
        command = ["make", "-C", str(tmp_path), "--no-print-directory", target]
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit(30), check=True)
        return [line for line in done.stdout.splitlines() if line.startswith("ran")]

    assert make(".venv/.ready-test") == ["ran test"]
    assert make("setup") == []
    assert make(".venv/.ready-test") == []
    assert make(".venv/.ready-dev") == ["ran dev"]


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("test",), ""),
        (("test", "ARGS=-k plan"), " -k plan"),
        (("proof",), " --proof all -v --durations=20"),
        (("proof", "ONLY=short"), " --proof short -v --durations=20"),
    ],
)
def test_make_runs_tests_on_parallel_workers_without_an_outer_limit(
    root: Path, arguments: tuple[str, ...], options: str
) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    command = ["make", "-C", str(root), "--no-print-directory", "--dry-run", *arguments]
    # Without the arguments of the `make test` that runs this.
    own = {
        name: value
        for name, value in os.environ.items()
        if name not in ("ARGS", "MAKEFLAGS", "MAKEOVERRIDES")
    }
    done = subprocess.run(command, env=own, capture_output=True, text=True, timeout=limit(30), check=True)
    last = done.stdout.splitlines()[-1].strip()
    run = "env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m pytest"
    assert last == f"{run} -n auto --dist worksteal{options}"


def test_ci_checks_tests_and_runs_the_short_proofs(root: Path) -> None:
    lines = (root / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-3:] == ["make check", "make test", "make proof ONLY=short"]
