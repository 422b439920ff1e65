"""A model whose file becomes a link, or whose link leads elsewhere, is drawn as where it is opened."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from support.gltf_files import QUAD, QUAD_CORNERS, GltfFile
from support.live_scene import LiveScene, fresh_picture, live_file

from engine.cli.main import main
from engine.scene import load_scene
from engine.storage.radiance import radiance_bytes

pytestmark = pytest.mark.gpu

KINDS = ("glb", "gltf", "obj")


def pane(kind: str, width: float) -> bytes:
    """A model of a pane of a width."""
    if kind == "obj":
        return f"v 0 0 0\nv {width} 0 0\nv {width} 1 0\nv 0 1 0\nf 1 2 3 4\n".encode()
    file = GltfFile()
    attributes = {"POSITION": file.positions(QUAD * np.array([width, 1, 1], np.float32))}
    file.node(name="pane", mesh=file.mesh({"attributes": attributes, "indices": file.accessor(QUAD_CORNERS)}))
    return file.glb() if kind == "glb" else file.text().encode()


def lead(link: Path, target: Path | str) -> None:
    """Put a link in place of a file or a link, in one step."""
    other = link.with_name("link.tmp")
    other.symlink_to(target)
    other.replace(link)


def until_drawn_as_opened(live: LiveScene, path: Path, before: np.ndarray | None = None) -> None:
    """Draw frames until the picture is that of the file opened now, and nothing is wrong."""
    wanted = fresh_picture(path)
    if before is not None:
        assert (wanted != before).any(), "it is seen that something has changed"
    live.until(
        lambda: not (live.live.pending or live.live.problems) and bool((live.picture() == wanted).all()),
        15.0,
    )
    for _ in range(3):
        live.step()
    assert not live.live.problems


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_is_opened_is_drawn_whatever_links_lead_to_it(tmp_path: Path, kind: str) -> None:
    model, real, other = (tmp_path / f"{name}.{kind}" for name in ("a", "real", "other"))
    inner = tmp_path / f"below/inner.{kind}"
    inner.parent.mkdir()
    model.write_bytes(pane(kind, 0.5))
    with live_file(model) as live:

        def shows() -> None:
            nonlocal before
            until_drawn_as_opened(live, model, before)
            before = live.picture()

        before = live.picture()
        model.rename(real)
        model.symlink_to(real.name)
        until_drawn_as_opened(live, model)
        for path, width in ((real, 0.7), (other, 0.3)):
            path.write_bytes(pane(kind, width))
            lead(model, path.name)
            shows()
        lead(tmp_path / f"second.{kind}", real.name)
        lead(model, f"second.{kind}")
        shows()
        lead(tmp_path / f"second.{kind}", other.name)
        shows()
        real.write_bytes(pane(kind, 0.9))
        real.replace(model)  # a file again
        shows()
        inner.write_bytes(pane(kind, 0.45))
        lead(model, f"below/inner.{kind}")
        shows()
        inner.write_bytes(pane(kind, 0.6))
        shows()


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_to_what_is_broken_or_missing_keeps_the_model_until_it_is_mended(
    tmp_path: Path, kind: str
) -> None:
    model, real, bad = (tmp_path / f"{name}.{kind}" for name in ("a", "real", "bad"))
    real.write_bytes(pane(kind, 0.5))
    model.symlink_to(real.name)
    with live_file(model) as live:
        for content in (b"nothing", None):
            before = live.picture()
            if content is not None:
                bad.write_bytes(content)
            lead(model, bad.name)
            live.until_reported()
            assert len(live.live.problems) == 1, live.live.problems
            assert (live.picture() == before).all()
            bad.write_bytes(pane(kind, 0.7))
            until_drawn_as_opened(live, model, before)
            before = live.picture()
            lead(model, real.name)
            until_drawn_as_opened(live, model, before)
            bad.unlink()


def test_a_part_that_is_wrong_where_a_link_leads_stays_as_it_was(tmp_path: Path) -> None:
    """The model before it is that of the path that was opened."""

    def panes(mode: int) -> str:
        file = GltfFile()
        for number in range(2):
            mesh = file.mesh({**file.quad(), "mode": 4 if number else mode}, name=f"pane{number}")
            file.node(name=f"pane{number}", mesh=mesh, translation=[1.5 * number, 0, 0])
        return file.text()

    model = tmp_path / "a.gltf"
    model.write_text(panes(4))
    (tmp_path / "wrong.gltf").write_text(panes(99))
    with live_file(model) as live:
        before = live.picture()
        lead(model, "wrong.gltf")
        live.until_reported()
        for _ in range(10):
            live.step()
        assert (fresh_picture(model) != before).any(), "a pane is missing there"
        assert (live.picture() == before).all()
        assert len({problem.position for problem in live.live.problems}) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_a_scene_names_is_drawn_whatever_links_lead_to_it(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "project"
    (root / "assets").mkdir(parents=True)
    model, real, inner = (root / f"{name}.{kind}" for name in ("a", "real", "assets/inner"))
    outside = tmp_path / f"outside.{kind}"
    model.write_bytes(pane(kind, 0.5))
    outside.write_bytes(pane(kind, 0.8))
    assert main(["import", str(model), "--out", str(root)]) == 0
    scene = root / "a.hu"
    with live_file(scene) as live:
        model.rename(real)
        model.symlink_to(real.name)
        until_drawn_as_opened(live, scene)
        before = live.picture()
        real.write_bytes(pane(kind, 0.7))
        until_drawn_as_opened(live, scene, before)
        inner.write_bytes(pane(kind, 0.3))
        before = live.picture()
        lead(model, inner.relative_to(root))
        until_drawn_as_opened(live, scene, before)
        before = live.picture()
        lead(model, os.path.relpath(outside, root))
        live.until_reported()
        assert {problem.code for problem in live.live.problems} == {"file.outside"}
        assert (live.picture() == before).all()
        lead(model, f"none.{kind}")
        live.until(lambda: {problem.code for problem in live.live.problems} == {"asset.broken"})
        assert (live.picture() == before).all()
        (root / f"none.{kind}").write_bytes(pane(kind, 0.65))
        until_drawn_as_opened(live, scene, before)
        before = live.picture()
        (root / f"none.{kind}").replace(model)
        until_drawn_as_opened(live, scene)
        assert (live.picture() == before).all()


def test_a_sky_follows_the_link_that_it_is_chosen_by(tmp_path: Path) -> None:
    model, sky = tmp_path / "a.glb", tmp_path / "sky.hdr"
    model.write_bytes(pane("glb", 0.5))
    for name, color in (("day", (1, 0.1, 0.1)), ("night", (0.1, 0.1, 1))):
        light = np.linspace(0.1, 1.0, 64, dtype=np.float32)[None, :, None] * np.array(color, np.float32)
        (tmp_path / f"{name}.hdr").write_bytes(radiance_bytes(np.broadcast_to(light, (32, 64, 3)).copy()))
    sky.symlink_to("day.hdr")
    with live_file(model, sky=sky) as live:
        before = live.picture()
        lead(sky, "night.hdr")
        live.until_reloaded()
        assert (live.picture() == fresh_picture(model, sky)).all()
        assert (live.picture() != before).any()
        assert not live.live.problems


def test_a_linked_model_has_the_name_of_its_link_and_its_cache_that_of_its_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.glb").write_bytes(pane("glb", 0.5))
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.glb").symlink_to(f"../{name}.glb")
    (db,) = load_scene(tmp_path / "one/a.glb").dbs
    assert (db.name, db.cache_file) == ("a", tmp_path / "one.ogCache")
    (db,) = load_scene(tmp_path / "two/a.glb").dbs
    assert (db.name, db.cache_file) == ("a", tmp_path / "two.ogCache")
