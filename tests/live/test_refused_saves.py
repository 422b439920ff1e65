"""Saves that can be cooked and not drawn with: what is drawn is the last good version, until one can be."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.limits import limit
from support.live_scene import PAUSE_S, LiveScene, Picture, fresh_picture, live_scene

from engine.humon import Problem
from engine.runtime import spread_plan
from engine.runtime.trials import worker_process
from engine.runtime.trials.trial import Done, Outcome, Trial, Verdict
from engine.runtime.trials.trial_runner import TrialRunner
from engine.runtime.versions.refusals import Refusals

pytestmark = pytest.mark.gpu

ALBEDO = "assets/builtin/material/brick-albedo.png"
VERTEX = "assets/builtin/material/surface.vs.glsl"
FRAGMENT = "assets/builtin/material/surface.fs.glsl"
DATABASE = "scenes/cube.assets.hu"
LAST = "colour = drawn(sum"
"""The last statement of the fragment stage, with the colour that is drawn."""

UNWRITTEN = "layout(location = 12) in vec4 unwritten;\nvoid main() {"


@pytest.fixture
def live(tmp_path: Path, root: Path) -> Iterator[LiveScene]:
    with live_scene(root, tmp_path) as scene:
        yield scene


def edited(live: LiveScene, name: str, old: str, new: str) -> str:
    """The text of a source with one thing in place of another."""
    text = live.file(name).read_text(encoding="utf-8")
    assert text.count(old) == 1, name
    return text.replace(old, new)


def save(live: LiveScene, name: str, text: str) -> None:
    live.file(name).write_text(text, encoding="utf-8")


def unfit(live: LiveScene) -> str:
    """A fragment stage that compiles, and reads what no vertex stage writes."""
    return edited(live, FRAGMENT, "void main() {", UNWRITTEN).replace(
        LAST, "colour = unwritten.x * drawn(sum"
    )


def of_code(problems: tuple[Problem, ...], code: str) -> list[Problem]:
    return [problem for problem in problems if problem.code == code]


def same(one: Picture, other: Picture) -> bool:
    return bool((one == other).all())


def test_a_shader_that_does_not_fit_its_other_stage_stays_as_it_was_and_says_where(live: LiveScene) -> None:
    before, good = live.picture(), live.file(FRAGMENT).read_text()
    bad, uploaded = unfit(live), live.runtime.memory.statistics.bytes_uploaded
    reloads = live.live.reloads
    save(live, FRAGMENT, bad)
    seen = []
    while not live.problems:
        live.step()
        seen.append(live.runtime.read_pixels())
    assert all(same(one, before) for one in seen), "the placeholder is never drawn"
    assert same(live.picture(), before)
    (problem,) = live.problems
    assert problem.code == "shader.interface"
    assert "stays as it was" in problem.message
    line = next(n for n, text in enumerate(bad.splitlines(), 1) if "unwritten" in text)
    assert str(problem.position).endswith(f"surface.fs.glsl:{line}:31")
    assert "unwritten" in problem.excerpt
    assert live.live.reloads == reloads, "nothing that was saved is shown"
    assert live.runtime.memory.statistics.bytes_uploaded == uploaded
    assert len(of_code(live.runtime.problems, "shader.interface")) == 1
    save(live, FRAGMENT, good.replace(LAST, "colour = 0.1 * drawn(sum"))
    live.until_reloaded()
    assert live.picture().mean() < before.mean()
    assert not live.runtime.problems
    assert not live.live.problems


def test_a_shader_is_mended_by_the_other_stage(live: LiveScene) -> None:
    before = live.picture()
    save(live, FRAGMENT, unfit(live))
    live.until_reported()
    text = edited(
        live, VERTEX, "void main() {", UNWRITTEN.replace(" in ", " out ") + "\n    unwritten = vec4(0.1);"
    )
    save(live, VERTEX, text)
    live.until_reloaded()
    assert live.picture().mean() < before.mean()
    assert not live.runtime.problems
    assert same(live.picture(), fresh_picture(live.file("scenes/cube.hu")))


def test_what_is_saved_meanwhile_is_shown_and_what_is_refused_stays_reported(live: LiveScene) -> None:
    before = live.picture()
    save(live, FRAGMENT, unfit(live))
    live.until_reported()
    pixels = np.asarray(Image.open(live.file(ALBEDO)).convert("RGB"))
    for number, swapped in enumerate((pixels[..., ::-1], pixels[..., [1, 0, 2]])):
        Image.fromarray(np.ascontiguousarray(swapped)).save(live.file(ALBEDO))
        live.until_reloaded()
        assert not same(live.picture(), before), number
        assert len(of_code(live.live.problems, "shader.interface")) == 1
    text = edited(live, DATABASE, "name: brick", "name: brick  parameters: { baseColor: [0.5 0.5 0.5 1] }")
    shown = live.picture()
    save(live, DATABASE, text)
    live.until(lambda: live.picture().mean() < shown.mean())
    assert len(of_code(live.live.problems, "shader.interface")) == 1
    assert len(of_code(live.runtime.problems, "shader.interface")) == 1


def test_a_save_of_a_shader_that_does_not_fit_and_of_a_texture_shows_the_texture(live: LiveScene) -> None:
    pixels = np.asarray(Image.open(live.file(ALBEDO)).convert("RGB"))
    before = live.picture()
    bad = unfit(live)
    Image.fromarray(np.ascontiguousarray(pixels[..., ::-1])).save(live.file(ALBEDO))
    save(live, FRAGMENT, bad)
    live.until_reloaded()
    live.until(lambda: len(of_code(live.live.problems, "shader.interface")) == 1)
    now = live.picture()
    assert not same(now, before)
    middle = now[26:38, 26:38, :3].reshape(-1, 3).mean(axis=0)
    assert middle[2] > middle[0], "blue, where it was red"


@pytest.mark.parametrize("verdict", [Verdict.REFUSED, Verdict.FAILED])
def test_a_shader_that_does_not_survive_its_trial_stays_as_it_was(
    live: LiveScene, monkeypatch: pytest.MonkeyPatch, verdict: Verdict
) -> None:
    before, run = live.picture(), TrialRunner._run

    def refused(self: TrialRunner, trial: Trial) -> Done:
        return Done(trial.key, Outcome(verdict, "because of a test"))

    monkeypatch.setattr(TrialRunner, "_run", refused)
    dark = edited(live, FRAGMENT, LAST, "colour = 0.1387 * drawn(sum")  # as no record of trials knows it
    save(live, FRAGMENT, dark)
    live.until_reported()
    assert same(live.picture(), before)
    assert "because of a test" in live.problems[0].message
    assert str(live.problems[0].position).endswith("defaultMaterial.fs.glsl")
    codes = {problem.code for problem in live.runtime.problems}
    assert codes == {live.problems[0].code}
    monkeypatch.setattr(TrialRunner, "_run", run)
    save(live, FRAGMENT, dark.replace("0.1387", "0.2"))
    live.until_reloaded()
    assert live.picture().mean() < before.mean()
    assert not live.runtime.problems


def test_a_material_that_is_given_shaders_which_do_not_fit_stays_as_it_was(live: LiveScene) -> None:
    before, good = live.picture(), live.file(DATABASE).read_text()
    other = live.file("assets/builtin/material/other.fs.glsl")
    text = live.file("assets/builtin/material/defaultMaterial.fs.glsl").read_text()
    other.write_text(text.replace("surface.fs.glsl", "other.glsl"))
    other.with_name("other.glsl").write_text(unfit(live))
    bad = good.replace("shader_adbis: [6, 7]", "shader_adbis: [6, 18]", 1)
    end = bad.rindex("    ]\n}")
    shader = (
        "{ @type: shader  source: ../assets/builtin/material/other.fs.glsl  stage: fragment_shader_bit }\n"
    )
    save(live, DATABASE, bad[:end] + "        " + shader + bad[end:])
    live.until_reported()
    assert same(live.picture(), before)
    assert any("'brick' stays as it was" in problem.message for problem in live.problems)
    save(live, DATABASE, good)
    live.until(lambda: not live.live.problems)
    assert same(live.picture(), before)
    assert not live.runtime.problems


def test_a_mesh_that_lacks_what_its_shaders_read_stays_as_it_was(live: LiveScene) -> None:
    before, good = live.picture(), live.file(DATABASE).read_text()
    head, found, tail = good.partition("                [ normal, r32g32b32_sfloat ]\n")
    assert found
    save(live, DATABASE, head + tail)
    live.until_reported()
    assert same(live.picture(), before)
    assert any("stays as it was" in problem.message for problem in live.problems)
    save(live, DATABASE, good)
    live.until(lambda: not live.live.problems)
    assert same(live.picture(), before)
    assert not live.runtime.problems


def test_saves_that_are_refused_leave_no_versions_behind(live: LiveScene) -> None:
    before, bad, good = live.picture(), unfit(live), live.file(FRAGMENT).read_text()
    counts = []
    for number in range(6):
        known = live.live.problems
        save(live, FRAGMENT, bad.replace("unwritten", f"unwritten{number}"))
        live.until(lambda known=known: live.live.problems not in (known, ()))
        live.until(lambda: not live.live.pending)
        counts.append(len(live.runtime.library.dbs))
        assert same(live.picture(), before)
    assert counts[-1] <= counts[1], counts
    save(live, FRAGMENT, good)
    live.until(lambda: not live.live.problems)
    assert same(live.picture(), before)
    live.until(lambda: len(live.runtime.library.dbs) <= counts[0])


def lacking_normals(live: LiveScene) -> str:
    """The database with a vertex format of the cube that lacks what the vertex stage reads."""
    head, found, tail = (
        live.file(DATABASE).read_text().partition("                [ normal, r32g32b32_sfloat ]\n")
    )
    assert found
    return head + tail


def reading_more(live: LiveScene) -> str:
    """A vertex stage that reads an attribute which no mesh has."""
    text = edited(live, VERTEX, "void main() {", "layout(location = 13) in vec4 foo;\nvoid main() {")
    return text.replace("gl_Position = frame", "gl_Position = foo.x * frame")


def green(live: LiveScene) -> None:
    Image.new("RGB", (64, 64), (20, 220, 20)).save(live.file(ALBEDO))


def is_green(live: LiveScene) -> bool:
    red, green, blue = live.picture()[26:38, 26:38, :3].reshape(-1, 3).mean(axis=0)
    return bool(green > red and green > blue)


def messages(live: LiveScene) -> list[str]:
    return sorted(problem.message.partition(" stays")[0] for problem in live.live.problems)


def rest(live: LiveScene) -> None:
    """Draw frames until nothing has come for a while."""
    live.until(lambda: not live.live.pending)
    version = -1
    while live.runtime.library.version != version:
        version, end = live.runtime.library.version, time.monotonic() + 0.6
        live.until(lambda end=end: time.monotonic() > end)
        live.until(lambda: not live.live.pending)


@pytest.mark.parametrize("first", ["", "D", "V", "DV", "DF", "DFV"])
@pytest.mark.parametrize("then", ["A", "FA", "DVFA"])
def test_only_what_is_at_fault_is_refused_whatever_is_saved_with_it_and_after_it(
    live: LiveScene, first: str, then: str
) -> None:
    good = {name: live.file(name).read_text() for name in (DATABASE, VERTEX, FRAGMENT)}
    ground = live.picture()[-6:].mean()
    saves = {
        "D": lambda: save(live, DATABASE, lacking_normals(live)),
        "V": lambda: save(live, VERTEX, reading_more(live)),
        "F": lambda: save(live, FRAGMENT, edited(live, FRAGMENT, LAST, "colour = 0.5 * drawn(sum")),
        "A": lambda: green(live),
    }
    done = set()
    for letter in first:
        saves[letter]()
        done.add(letter)
        live.until_reloaded() if letter == "F" else live.until_reported()
    for letter in then:
        if letter not in done:
            saves[letter]()
            done.add(letter)
    live.until(lambda: is_green(live))
    rest(live)
    assert is_green(live)
    assert (live.picture()[-6:].mean() < ground - 5) == ("F" in done), (
        "the ground has the shader that is saved"
    )
    expected = sorted({"D": "vertices #2", "V": "shader #6"}[each] for each in done & {"D", "V"})
    assert messages(live) == expected
    assert all("stays as it was" in problem.message for problem in live.runtime.problems)
    assert len(live.runtime.problems) == len(expected)
    assert len(live.runtime.library.dbs) < 12
    for name in (DATABASE, VERTEX):
        save(live, name, good[name])
    live.until(lambda: not live.live.problems)
    rest(live)
    assert not live.runtime.problems
    assert same(live.picture(), fresh_picture(live.file("scenes/cube.hu")))


def place_of(live: LiveScene, label: str) -> str:
    """Where a refused asset is said to be wrong, without folders."""
    (problem,) = (one for one in live.live.problems if one.message.startswith(label))
    return str(problem.position).rpartition("/")[2]


@pytest.mark.parametrize("order", ["DV", "VD", "together"])
def test_each_of_two_files_at_fault_is_said_to_be_wrong_at_its_own_place(live: LiveScene, order: str) -> None:
    """The fault of the shader is `foo`; that of the mesh, which the shader reads too, is `normal`."""
    vertex, database = reading_more(live), lacking_normals(live)
    for letter in "DV" if order == "together" else order:
        save(live, *((DATABASE, database) if letter == "D" else (VERTEX, vertex)))
        if order != "together":
            live.until_reported()
    live.until(lambda: messages(live) == ["shader #6", "vertices #2"])
    line = next(n for n, text in enumerate(vertex.splitlines(), 1) if "in vec4 foo" in text)
    assert place_of(live, "shader #6") == f"surface.vs.glsl:{line}:31"
    line = next(n for n, text in enumerate(database.splitlines(), 1) if "@type: vertices" in text)
    assert place_of(live, "vertices #2").startswith(f"cube.assets.hu:{line}:")
    (shader,) = (one for one in live.live.problems if one.message.startswith("shader #6"))
    assert "'foo'" in shader.message
    assert "'normal'" not in shader.message


def test_no_slot_is_unread_because_a_refused_shader_does_not_read_it(live: LiveScene) -> None:
    text = unfit(live)
    for read in (
        "layout(set = 1, binding = 3) uniform sampler2DArray roughness;",
        "PICTURE(roughness, atTangentRoughness.zw, uvTangentRoughness.zw, 3).rgb",
    ):
        assert text.count(read) == 1
        text = text.replace(read, "vec3(1.0)" if "PICTURE" in read else "")
    save(live, FRAGMENT, text)
    live.until(lambda: messages(live) == ["shader #7"])
    rest(live)
    assert messages(live) == ["shader #7"]
    assert [problem.code for problem in live.runtime.problems] == ["shader.interface"]


def test_what_a_text_was_refused_for_leaves_with_the_text(live: LiveScene) -> None:
    before, good, bad = live.picture(), live.file(DATABASE).read_text(), lacking_normals(live)
    save(live, DATABASE, bad)
    live.until_reported()
    assert messages(live) == ["vertices #2"]
    save(live, DATABASE, good[: len(good) // 2])
    live.until(lambda: bool(of_code(live.live.problems, "humon.unclosed")))
    assert {problem.code for problem in live.live.problems} == {"humon.unclosed"}
    assert not live.runtime.problems
    assert same(live.picture(), before)
    save(live, DATABASE, bad)
    live.until(lambda: messages(live) == ["vertices #2"])
    save(live, DATABASE, good)
    live.until(lambda: not live.live.problems)
    assert not live.runtime.problems
    assert same(live.picture(), before)


def test_no_frame_looks_at_more_unfit_assets_than_it_has_time_for(
    live: LiveScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("SHARE_MS", 0.0), ("BUSY", 0.0), ("QUICK_S", 1e9)):
        monkeypatch.setattr(spread_plan, name, value)
    looked_at = []
    add = Refusals._add_asset

    def noted(self: Refusals, type_name: str, key: int) -> None:
        looked_at.append(key)
        add(self, type_name, key)

    monkeypatch.setattr(Refusals, "_add_asset", noted)
    save(live, FRAGMENT, unfit(live))
    most = 0
    while not live.problems:
        before = len(looked_at)
        live.step()
        most = max(most, len(looked_at) - before)
    assert len(looked_at) > 1, "the brick and the ground"
    assert most == 1
    assert messages(live) == ["shader #7"]


@pytest.mark.parametrize("together", [False, True])
def test_what_is_saved_with_a_shader_that_does_not_compile_and_after_it_is_drawn(
    live: LiveScene, together: bool
) -> None:
    good, before = live.file(FRAGMENT).read_text(), live.picture()
    save(live, FRAGMENT, good.replace("colour = drawn(sum", "colour = nonsense(sum"))
    if not together:
        live.until_reported()
    green(live)
    live.until(lambda: is_green(live))
    save(live, VERTEX, reading_more(live))
    live.until(lambda: "shader #6" in messages(live))
    rest(live)
    assert is_green(live)
    assert {message.partition(" is")[0] for message in messages(live)} >= {"shader #6", "shader #7"}
    save(live, FRAGMENT, good.replace(LAST, "colour = 0.5 * drawn(sum"))
    live.until(lambda: messages(live) == ["shader #6"])
    rest(live)
    assert live.picture()[-6:].mean() < before[-6:].mean() - 5, "the shader that was mended shows"
    assert is_green(live)
    assert messages(live) == ["shader #6"]


ENDLESS = """uint turns = uint(gl_FragCoord.x);
    while (turns != 3u || gl_FragCoord.y > -1.0) turns = turns * 1664525u + 1013904223u;
    colour = float(turns) * drawn(sum"""
"""A loop that never ends, and no compiler knows it. A driver in software ends it after 65,535 turns."""


def hangs(live: LiveScene) -> tuple[Problem, float]:
    """Save a shader that never ends; return what is said of it, and how long a step took at most, in s."""
    before, longest = live.picture(), 0.0
    unknown = f"{2 * secrets.randbelow(1 << 20) + 1}u"  # no record of trials knows it
    save(live, FRAGMENT, edited(live, FRAGMENT, LAST, ENDLESS.replace("1664525u", unknown)))
    end = time.monotonic() + limit(100.0)
    while not live.problems:
        assert time.monotonic() < end, "it is tried still"
        began = time.monotonic()
        live.step()
        longest = max(longest, time.monotonic() - began)
        assert same(live.runtime.read_pixels(), before)
        time.sleep(PAUSE_S)
    assert same(live.picture(), before)
    (problem,) = live.live.problems
    return problem, longest


def is_busy(live: LiveScene) -> bool:
    """Whether something has still to come of a save."""
    return live.live.pending or live.runtime.trials.pending


def test_a_shader_that_never_ends_stays_as_it_was_and_no_frame_waits_for_it(
    live: LiveScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, good = live.picture(), live.file(FRAGMENT).read_text()
    with monkeypatch.context() as patch:
        patch.setattr(worker_process, "SECONDS", 1.5)
        problem, longest = hangs(live)
        endless = live.file(FRAGMENT).read_text()
        for number in range(2):
            save(live, FRAGMENT, endless.replace("turns != 3u", f"turns != {number + 5}u"))
            seen = time.monotonic() + limit(1.0)  # until it is noticed
            live.until(lambda end=seen: time.monotonic() > end and not is_busy(live))
            assert {str(each.code) for each in live.live.problems} <= {"shader.trial", "shader.untried"}
            assert same(live.picture(), before)
    assert problem.code == "shader.trial"
    assert "ran for more than 1.5 s and was stopped" in problem.message
    assert str(problem.position).endswith("defaultMaterial.fs.glsl")
    assert longest < limit(1.0)
    save(live, FRAGMENT, good.replace(LAST, "colour = 0.3 * drawn(sum"))
    live.until_reloaded()
    assert live.picture().mean() < before.mean()
    assert not live.live.problems
    assert not live.runtime.problems


@pytest.mark.proof(short=True)
def test_a_shader_that_never_ends_takes_no_more_than_its_share_of_the_processor(live: LiveScene) -> None:
    problem, longest = hangs(live)
    assert "too much processor time" in problem.message or "30 s and was stopped" in problem.message
    assert longest < limit(2.0)
    live.live.close()
