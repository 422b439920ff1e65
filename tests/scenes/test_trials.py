"""Claims about scenes with shaders that are not ours: tried in another process, the placeholder meanwhile."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image
from support.cache_mutations import put_together, repair, taken_apart
from support.limits import limit
from support.one_bad import make_project
from support.sampling import Sample
from support.trial_workers import ENDS, USABLE, command, waiting_for

from engine.assets import ShaderStage, open_library
from engine.assets.importers.shader import validation_fault
from engine.assets.roots import user_cache_folder
from engine.assets.spirv.module import reflect
from engine.assets.spirv.types import SpirvError
from engine.assets.tools.tools import find_validator
from engine.render.pipelines import pipelines, prepared_pipelines
from engine.render.pipelines.pipeline_description import create_pipeline
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.runtime.trials import worker_process
from engine.scene import load_scene
from engine.testing import Faults, OpenedScene, assert_problems, open_scene
from engine.vk.errors import DeviceLost
from viewer.main import main

pytestmark = pytest.mark.gpu
SIZE = (96, 48)
MARK = "markedHere"
GOOD, BAD = slice(48, None), slice(0, 48)


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The record of trials, which nobody has written yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = user_cache_folder()
    assert folder is not None
    return folder / "shader-trials.bin"


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let trials run in this process."""
    return lambda *arguments: monkeypatch.setattr(worker_process, "WORKER", arguments)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with shaders of its own, cooked."""
    scene = make_project(tmp_path_factory.mktemp("trials") / "project")
    with opened(scene, trials=False):
        return scene


@pytest.fixture(scope="module")
def unusual(project: Path) -> Path:
    """The project with another shader for the bad object, in which the word MARK occurs, cooked."""
    return marked(project)


@pytest.fixture(scope="module")
def drawn(project: Path) -> Any:
    """Its picture without trials."""
    with opened(project, trials=False) as there:
        return picture(there)


def opened(scene: Path, *, trials: bool = True, settle: bool = True, **options: Any) -> OpenedScene:
    return open_scene(scene, size=SIZE, trials=trials, settle=settle, **options)


def picture(scene: OpenedScene) -> Any:
    scene.step(count=2)
    return np.asarray(scene.frame()).astype(int)


def started(scene: OpenedScene) -> int:
    """How many processes a scene has started for trials."""
    host: Any = scene.host
    return int(host.runtime.trials.started)


def processes() -> set[int]:
    """The processes that this one has started and that have not been waited for."""
    return {child.pid for child in psutil.Process().children()}


def marked(project: Path, main: str = "void main() {", added: str = "") -> Path:
    """Copy a project and change the bad object's fragment shader, in which the word MARK occurs."""
    folder = Path(tempfile.mkdtemp(dir=project.parent.parent)) / "project"
    shutil.copytree(project.parent, folder, ignore=shutil.ignore_patterns("*.ogCache*"))
    shader = folder / "assets/bad.fs.glsl"
    text = shader.read_text().replace("void main() {", main + f" float {MARK} = 0.0 * shade.x;")
    shader.write_text(text.replace("colour = ", f"colour = ({MARK}{added}) * vec4(0.001) + "))
    with open_library(load_scene(folder / project.name).dbs):
        return folder / project.name


def release(gate: Path) -> None:
    """Let a worker go on that waits for a writer of this FIFO."""
    os.close(os.open(gate, os.O_RDWR | os.O_NONBLOCK))


def is_placeholder(shown: Any) -> bool:
    """Whether a half of a picture shows the checks of the placeholder: magenta."""
    colours = shown[..., :3].reshape(-1, 3)
    return bool(((colours[:, 0] > 2 * colours[:, 1] + 40) & (colours[:, 2] > 2 * colours[:, 1] + 40)).any())


def test_a_shader_that_is_not_ours_is_drawn_after_a_trial_that_is_remembered(project: Path, drawn: Any):
    before = processes()
    with opened(project) as there:
        np.testing.assert_array_equal(picture(there), drawn)
        assert started(there) == 1, "one process serves all pipelines"
        assert there.problems == ()
    with opened(project) as there:
        np.testing.assert_array_equal(picture(there), drawn)
        assert started(there) == 0
    assert processes() == before


@pytest.mark.parametrize("frames", ["1", "3"])
def test_a_screenshot_after_counted_frames_waits_for_trials(
    project: Path, drawn: Any, tmp_path: Path, frames: str
) -> None:
    shown = tmp_path / "shown.png"
    line = [str(project), "--headless", "--size", "x".join(map(str, SIZE)), "--frames", frames]
    assert main([*line, "--screenshot", str(shown)]) == 0
    with Image.open(shown) as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGBA")).astype(int), drawn)


def test_pictures_after_a_script_wait_for_the_shaders_that_it_brings_in(
    project: Path, drawn: Any, tmp_path: Path
) -> None:
    shown, script = tmp_path / "shown.png", tmp_path / "switch.py"
    script.write_text("def run(scene):\n    scene['bad'].visibleModel.active = True\n")
    line = [str(project), "--headless", "--size", "x".join(map(str, SIZE)), "--frames", "5"]
    off = ["--set", "bad.visibleModel.active=false"]
    assert main([*line, *off, "--script", str(script), "--screenshot", str(shown)]) == 0
    with Image.open(shown) as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGBA")).astype(int), drawn)


def test_our_own_shaders_start_no_process_and_read_no_record(record: Path, use: Any, root: Path):
    use("/nowhere")
    record.parent.mkdir(parents=True)
    os.mkfifo(record)
    with opened(root / "scenes/cube.hu", trials=True) as there:
        picture(there)
        assert started(there) == 0
        assert there.problems == ()


def test_frames_go_on_with_the_placeholder_while_a_trial_runs(
    project: Path, drawn: Any, use: Any, tmp_path: Path
):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    use(*waiting_for(gate))
    with opened(project, settle=False) as there:
        runtime: Any = there.host.runtime
        there.step(count=20)
        runtime.load(until=lambda: runtime.memory.settled)
        shown = picture(there)
        assert is_placeholder(shown[:, BAD])
        assert is_placeholder(shown[:, GOOD])
        assert not runtime.frame().settled
        assert runtime.trials.pending
        assert there.problems == ()
        while runtime.trials.pending:
            release(gate)
            there.step()
        there.settle()
        np.testing.assert_array_equal(picture(there), drawn)


@pytest.mark.parametrize("refuses", [False, True])
def test_a_trial_that_fails_costs_the_placeholder_and_nothing_else(
    refuses: bool, unusual: Path, drawn: Any, use: Any, sample: Sample
):
    name = sample.of(sorted(ENDS), 1)[0]
    behaviour, text = ENDS[name]
    code = "shader.trial"
    if refuses:
        behaviour = "write_message(replies, {'refused': 'vkCreateGraphicsPipelines: UNKNOWN'})"
        code, text = "shader.pipeline", "UNKNOWN"
    use(*command(f"if b'{MARK}' not in code[-1]:\n    {USABLE}\n    continue\n{behaviour}"))
    with opened(unusual) as there:
        shown = picture(there)
        np.testing.assert_array_equal(shown[:, GOOD], drawn[:, GOOD], name)
        assert is_placeholder(shown[:, BAD]), name
        assert_problems(there, (code, text))
        assert there.problems[0].position is not None
        line = unusual.with_name("assets.hu").read_text().splitlines()[there.problems[0].position.line - 1]
        assert "bad." in line
        assert "placeholder" in there.problems[0].help
    with opened(unusual) as there:
        np.testing.assert_array_equal(picture(there), shown)
        assert started(there) == 0, "it is remembered"
        assert_problems(there, (code, text))


def test_without_a_device_in_the_other_process_unknown_shaders_are_not_drawn(project: Path, use: Any):
    use(*command(USABLE, opens="ask()\nwrite_message(replies, {'refused': 'no driver'})\n"))
    with opened(project) as there:
        shown = picture(there)
        assert is_placeholder(shown[:, BAD])
        assert is_placeholder(shown[:, GOOD])
        assert {(p.code, "no driver" in p.message) for p in there.problems} == {("shader.untried", True)}
        assert started(there) == 1
    use("/nowhere")
    with opened(project) as there:
        assert {problem.code for problem in there.problems} == {"shader.untried"}, "it is not remembered"


@pytest.mark.parametrize("is_tried", [False, True])
def test_no_frame_waits_for_a_driver_that_compiles_slowly(
    is_tried: bool, unusual: Path, drawn: Any, monkeypatch: pytest.MonkeyPatch
):
    if is_tried:  # in an earlier run
        with opened(unusual):
            pass
    allowed, makers = threading.Event(), {}

    def slowly(*arguments: Any, **options: Any) -> Any:
        makers[arguments[3]] = threading.current_thread()
        assert allowed.wait(limit(60))
        return create_pipeline(*arguments, **options)

    monkeypatch.setattr(prepared_pipelines, "create_pipeline", slowly)
    with opened(unusual, settle=False) as there:
        runtime: Any = there.host.runtime
        while not makers:
            there.step()
        runtime.load(until=lambda: runtime.memory.settled)
        shown = picture(there)
        assert is_placeholder(shown[:, BAD])
        assert is_placeholder(shown[:, GOOD])
        assert runtime.trials.pending
        assert started(there) == (not is_tried)
        allowed.set()
        there.settle()
        np.testing.assert_array_equal(picture(there), drawn)
        assert any(MARK.encode() in one for code in makers for one in code)
        assert threading.main_thread() not in makers.values()


def test_no_pipeline_that_was_tried_is_made_in_a_frame_also_when_it_comes_back(
    unusual: Path, drawn: Any, monkeypatch: pytest.MonkeyPatch
):
    made: list[bytes] = []

    def noted(*arguments: Any, **options: Any) -> Any:
        made.extend(arguments[3])
        return create_pipeline(*arguments, **options)

    monkeypatch.setattr(pipelines, "create_pipeline", noted)
    with opened(unusual) as there:
        host: Any = there.host
        counts = []
        for _ in range(3):
            there.set("bad.visibleModel.active=false")
            there.settle()
            there.set("bad.visibleModel.active=true")
            there.settle()
            counts.append(host.objects())
        np.testing.assert_array_equal(picture(there), drawn)
        assert counts[1] == counts[2], "none is left over"
    assert made
    assert not any(MARK.encode() in code for code in made)


def test_closing_while_a_trial_runs_leaves_no_process_and_no_object(project: Path, use: Any, tmp_path: Path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    use(*waiting_for(gate))
    before = processes()
    with opened(project, settle=False) as there:
        there.step(count=3)
        runtime: Any = there.host.runtime
        assert runtime.trials.pending
    assert processes() == before


def test_a_device_that_is_lost_during_a_trial_is_replaced_and_the_shader_tried_again(
    project: Path, drawn: Any, use: Any, faults: Faults, tmp_path: Path
):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    use(*waiting_for(gate))
    before = processes()
    scene = load_scene(project)
    with open_library(scene.dbs) as library, Runtime(scene, library, RuntimeOptions(size=SIZE)) as runtime:
        runtime.frame()
        with faults.lost_device(), pytest.raises(DeviceLost):
            runtime.settle()
        assert runtime.trials.pending
        runtime.reopen()
        assert processes() == before, "the process went with the device"
        runtime.replan()
        while runtime.trials.pending:
            release(gate)
            runtime.frame()
        runtime.load()
        runtime.frame()
        np.testing.assert_array_equal(runtime.read_pixels().astype(int), drawn)
    assert processes() == before


@pytest.mark.parametrize("kind", ["damaged", "another shader"])
def test_a_replaced_body_in_a_crafted_cache_is_validated_before_a_driver_gets_it(
    kind: str, unusual: Path, drawn: Any, use: Any, tmp_path: Path
):
    scene = shutil.copytree(unusual.parent, tmp_path / "project") / unusual.name
    (cache,) = scene.parent.glob("*.ogCache")
    rows, data = taken_apart(cache.read_bytes())
    bodies = [row for row in rows if row["facts"].get("stage") == "fragment_shader_bit"]
    row = next(row for row in bodies if MARK.encode() in data[row["offset"] : row["offset"] + row["size"]])
    part = slice(row["offset"], row["offset"] + row["size"])
    if kind == "damaged":
        data[part] = invalid(bytes(data[part]))
        use("/nowhere")
    else:
        data[part] = bytes(data[part]).replace(MARK.encode(), MARK[::-1].encode())
        use(*command(f"if b'{MARK[::-1]}' in code[-1]:\n    os._exit(9)\n{USABLE}"))
    repair(row, data)
    cache.write_bytes(put_together(rows, data))
    with opened(scene) as there:
        shown = picture(there)
        assert is_placeholder(shown[:, BAD])
        codes = {problem.code: problem.message for problem in there.problems}
        if kind == "damaged":
            text = codes["shader.spirv"]
            assert "spirv-val rejects the module" in text
            assert text.count("shader '") == 1, "the valid ones are not named"
            assert not cache.exists(), "who opens it next cooks again"
        else:
            assert "ended with status 9" in codes["shader.trial"]
            np.testing.assert_array_equal(shown[:, GOOD], drawn[:, GOOD])


def test_a_cache_with_an_invalid_module_is_cooked_again_by_who_opens_it_next(
    unusual: Path, drawn: Any, tmp_path: Path
):
    scene = shutil.copytree(unusual.parent, tmp_path / "project") / unusual.name
    (cache,) = scene.parent.glob("*.ogCache")
    rows, data = taken_apart(cache.read_bytes())
    row = next(row for row in rows if row["facts"].get("stage") == "fragment_shader_bit")
    part = slice(row["offset"], row["offset"] + row["size"])
    data[part] = invalid(bytes(data[part]))
    repair(row, data)
    cache.write_bytes(put_together(rows, data))
    with opened(scene) as there:
        picture(there)
        assert_problems(there, "shader.spirv")
    for _ in range(2):
        with opened(scene) as there:
            picture(there)
            assert_problems(there)
        assert cache.exists()


def invalid(code: bytes) -> bytes:
    """Damage the body of a module so that its interface is as before and the validator rejects it."""
    validator = find_validator()
    assert validator is not None
    before = reflect(code, ShaderStage.FRAGMENT)
    for at in range(len(code) - 8, 0, -4):
        changed = code[:at] + b"\x07\x00\x00\x00" + code[at + 4 :]
        try:
            same = reflect(changed, ShaderStage.FRAGMENT) == before
        except SpirvError:
            continue
        if same and validation_fault(validator, changed) is not None:
            return changed
    raise AssertionError("nothing could be damaged")


@pytest.mark.parametrize("size", ["2147483647", pytest.param("262144", marks=pytest.mark.proof)])
def test_a_shader_that_ends_the_driver_costs_its_placeholder(size: str, project: Path, drawn: Any):
    scene = marked(
        project,
        f"float huge[{size}];\nvoid main() {{ huge[material] = 1.0;",
        " + huge[material + 1]",
    )
    with opened(scene) as there:
        shown = picture(there)
        (problem,) = there.problems
        assert problem.code in {"shader.trial", "shader.pipeline"}, problem
        np.testing.assert_array_equal(shown[:, GOOD], drawn[:, GOOD])
        assert is_placeholder(shown[:, BAD])


PATIENT = "from engine.runtime.trials import worker; worker.CPU_SECONDS = 120; worker.main()"


@pytest.mark.proof
def test_arrays_and_tables_beyond_the_least_stack_are_drawn_where_the_driver_takes_them(
    project: Path, drawn: Any, use: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    """It is compiled for as long as a trial may take, so the trial has a limit of its own."""
    use(sys.executable, "-P", "-c", PATIENT)
    monkeypatch.setattr(worker_process, "SECONDS", limit(120))
    scene = marked(
        project,
        "const float table[520] = float[](" + ", ".join(["0.0"] * 520) + ");\nfloat held[4200];\n"
        "void main() { held[material] = table[material + 3];",
        " + held[material]",
    )
    with opened(scene) as there:
        np.testing.assert_array_equal(picture(there), drawn)
        assert there.problems == ()


@pytest.mark.proof(short=True)
@pytest.mark.parametrize("topology", ["point_list", "line_list"])
def test_what_is_no_triangle_is_tried_as_it_is_drawn(topology: str, project: Path, tmp_path: Path):
    scene = shutil.copytree(project.parent, tmp_path / "project") / project.name
    assets, shader = scene.with_name("assets.hu"), scene.with_name("assets") / "bad.vs.glsl"
    before, kept, after = assets.read_text().partition("name: bad  source: assets/bad.hu")
    assets.write_text(before + kept + after.replace("triangle_list", topology, 1))
    mesh = scene.with_name("assets") / "bad.hu"
    mesh.write_text(mesh.read_text().replace("[[0 1 2] [0 2 3]]", "[0 1 2 3]"))
    shader.write_text(shader.read_text().replace("gl_Position", "gl_PointSize = 4.0;\n    gl_Position"))
    with opened(scene, trials=False) as there:
        drawn = picture(there)
        assert there.problems == ()
    with opened(scene) as there:
        assert there.problems == ()
        np.testing.assert_array_equal(picture(there), drawn)
