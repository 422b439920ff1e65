"""A database that a scene includes no more costs nothing, and is as it is now where it is included again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from support.live_scene import LiveScene, live_file

from engine.assets import open_library
from engine.humon import Position, Problem
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

DB = """assetDb: {{ name: {name}  assets: [
  {{ @type: texture2d  name: pic  source: {picture} }}
  {{ @type: environment  name: light  source: light.png }}
] }}
"""
SCENE = """include: [{includes}]
tableau: {{ objects: {{
  camera: {{ translation: [0 0 {z}]  features: [{{ @type: camera }}] }}
  {more}
}} }}
"""
SKY = "sky: { features: [{ @type: skybox  asset: [b light] }] }"


def write(folder: Path, includes: str, z: int, more: str = "") -> None:
    (folder / "s.hu").write_text(SCENE.format(includes=includes, z=z, more=more))


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveScene]:
    """A scene of two databases; the objects of the second one are drawn."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.hu").write_text(DB.format(name=name, picture=f"{name}.png"))
        Image.new("RGB", (4, 4), (200, 90, 10)).save(tmp_path / f"{name}.png")
    Image.new("RGB", (8, 4), (20, 40, 200)).save(tmp_path / "light.png")
    write(tmp_path, "a.hu b.hu", 4, SKY)
    with live_file(tmp_path / "s.hu") as scene:
        yield scene


def codes(live: LiveScene) -> list[str]:
    return [problem.code for problem in live.live.problems]


Places = set[tuple[str, Position | None]]


def places(problems: Iterable[Problem]) -> Places:
    return {(problem.code, problem.position) for problem in problems}


def opened(live: LiveScene) -> Places:
    """The places of all problems of the scene where it is opened now."""
    scene = load_scene(live.file("s.hu"))
    with open_library(scene.dbs) as library:
        return places((*scene.warnings, *scene.asset_problems(library)))


def until_as_opened(live: LiveScene) -> None:
    """Draw frames until the problems are those of the scene opened now, and some more."""
    wanted = opened(live)
    live.until(lambda: places(live.live.problems) == wanted, 15.0)
    for _ in range(5):
        live.step()
    assert places(live.live.problems) == wanted


def test_a_broken_database_that_is_not_included_any_more_has_no_problem(live: LiveScene) -> None:
    live.file("b.png").write_bytes(b"nothing")
    live.until(lambda: codes(live) == ["asset.broken"])
    write(live.root, "a.hu", 5)
    live.until(lambda: not live.live.problems)
    assert live.runtime.tableau["camera"].translation[2] == 5
    for name, content in (("b.png", b"nothing else"), ("b.hu", b"assetDb: {"), ("a.png", b"nothing")):
        live.file(name).write_bytes(content)
    live.until(lambda: codes(live) == ["asset.broken"])
    until_as_opened(live)
    write(live.root, "a.hu b.hu", 6)
    live.until(lambda: len(live.live.problems) == 2)
    until_as_opened(live)
    live.file("b.hu").write_text(DB.format(name="b", picture="a.png"))
    until_as_opened(live)
    Image.new("RGB", (4, 4), (10, 90, 200)).save(live.file("a.png"))
    live.until(lambda: not live.live.problems)
    live.until(lambda: live.runtime.tableau["camera"].translation[2] == 6)


def test_a_database_that_changed_while_it_was_not_included_is_as_it_is_now(live: LiveScene) -> None:
    before = live.picture()
    write(live.root, "a.hu", 4)
    live.until_reloaded()
    assert (live.picture() != before).any(), "the sky is gone"
    Image.new("RGB", (8, 4), (200, 40, 20)).save(live.file("red.png"))
    live.file("b.hu").write_text(DB.format(name="b", picture="b.png").replace("light.png", "red.png"))
    for _ in range(10):
        live.step()
    write(live.root, "a.hu b.hu", 4, SKY)
    live.until_reloaded()
    after = live.picture()
    assert (after != before).any()
    live.file("b.hu").write_text(DB.format(name="b", picture="b.png"))
    live.until_reloaded()
    assert (live.picture() == before).all()
    assert not live.live.problems


def test_a_link_that_moved_while_its_database_was_not_included_is_followed(live: LiveScene) -> None:
    Image.new("RGB", (8, 4), (200, 40, 20)).save(live.file("red.png"))
    before = live.picture()
    write(live.root, "a.hu", 4)
    live.until_reloaded()
    live.file("light.png").unlink()
    live.file("light.png").symlink_to("red.png")
    for _ in range(10):
        live.step()
    write(live.root, "a.hu b.hu", 4, SKY)
    live.until(lambda: bool((live.picture() != before).any()) and not live.live.pending)
    Image.new("RGB", (8, 4), (20, 40, 200)).save(live.file("red.png"))
    live.until(lambda: bool((live.picture() == before).all()))
    assert not live.live.problems


@pytest.mark.parametrize("text", ["// empty\ninclude: [c.hu]\n", DB.format(name="other", picture="b.png")])
def test_a_database_that_is_gone_from_its_text_or_has_another_name_there_has_no_problem(
    live: LiveScene, text: str
) -> None:
    live.file("c.hu").write_text("assetDb: { name: c  assets: [] }\n")
    live.file("b.png").write_bytes(b"nothing")
    live.until(lambda: codes(live) == ["asset.broken"])
    write(live.root, "a.hu b.hu", 5)
    live.until(lambda: live.runtime.tableau["camera"].translation[2] == 5)
    live.file("b.hu").write_text(text)
    until_as_opened(live)
    live.file("b.hu").write_text(DB.format(name="b", picture="a.png"))
    until_as_opened(live)
    assert not live.live.problems


def test_a_database_of_a_text_that_cannot_be_read_is_still_included(live: LiveScene) -> None:
    before = live.picture()
    live.file("b.hu").write_text("assetDb: {")
    live.until(lambda: len(live.live.problems) == 1)
    write(live.root, "a.hu b.hu", 4, SKY + " // more")
    for _ in range(10):
        live.step()
    assert (live.picture() == before).all()
    assert len(live.live.problems) == 1
    live.file("b.hu").write_text(DB.format(name="b", picture="a.png"))
    live.until(lambda: not live.live.problems)
