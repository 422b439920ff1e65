"""What is changed in the text of a scene that is drawn is taken over, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.live_scene import LiveScene, live_scene
from support.saves import by_a_symbolic_link, by_another_symbolic_link

pytestmark = pytest.mark.gpu

SCENE = "scenes/cube.hu"


@pytest.fixture
def live(tmp_path: Path, root: Path) -> Iterator[LiveScene]:
    with live_scene(root, tmp_path) as scene:
        yield scene


def change(live: LiveScene, old: str, new: str) -> None:
    """Replace a part of the scene's text, and draw until that has been taken over."""
    text = live.file(SCENE).read_text()
    assert text.count(old) == 1, old
    live.file(SCENE).write_text(text.replace(old, new))
    live.until_reloaded()


def test_an_object_that_is_moved_in_the_text_moves_and_by_hand_stays(live: LiveScene) -> None:
    tableau = live.runtime.tableau
    tableau["camera"].translation = (0.0, 1.0, 4.0)
    before = live.picture()
    change(live, "translation: [0 0.5 0]", "translation: [0.4 0.5 0]")
    assert tableau["cube"].translation.tolist() == [0.4, 0.5, 0.0]
    assert tableau["camera"].translation.tolist() == [0.0, 1.0, 4.0]
    assert (live.picture() != before).any()


def test_a_value_changed_in_both_is_that_of_the_file_and_reported(live: LiveScene) -> None:
    live.runtime.tableau["cube"].translation = (1.0, 1.0, 1.0)
    change(live, "translation: [0 0.5 0]", "translation: [0.4 0.5 0]")
    assert live.runtime.tableau["cube"].translation.tolist() == [0.4, 0.5, 0.0]
    assert [problem.code for problem in live.problems] == ["scene.conflict"]


def test_a_text_whose_file_becomes_a_link_is_read(live: LiveScene) -> None:
    text = live.file(SCENE).read_text()
    for height, save in ((2, by_a_symbolic_link), (3, by_another_symbolic_link)):
        save(
            live.file(SCENE), text.replace("translation: [0 0.5 0]", f"translation: [0 {height} 0]").encode()
        )
        live.until(lambda height=height: live.runtime.tableau["cube"].translation[1] == height)
        assert live.runtime.tableau["cube"].translation.tolist() == [0, height, 0]


def test_objects_and_features_come_and_go_with_the_text(live: LiveScene) -> None:
    tableau = live.runtime.tableau
    text = live.file(SCENE).read_text()
    added = "{ @type: visibleModel  asset: [assetDb0 0] }"
    change(live, "objects: {", f"objects: {{\n second: {{ translation: [1 0.5 0] features: [{added}] }}\n")
    assert tableau["second"].features.keys() == {"visibleModel"}
    assert tableau["second"].position is not None
    live.file(SCENE).write_text(text)
    live.until_reloaded()
    assert "second" not in tableau


def test_what_was_removed_by_hand_stays_removed(live: LiveScene) -> None:
    live.runtime.tableau.remove("cube")
    change(live, "translation: [1.7 1.5 2.9]", "translation: [1.8 1.5 2.9]")
    assert "cube" not in live.runtime.tableau
    assert live.runtime.scene.save()
    assert "cube:" not in live.file(SCENE).read_text()


def test_a_text_with_an_error_changes_nothing_until_it_is_mended(live: LiveScene) -> None:
    text, before = live.file(SCENE).read_text(), live.picture()
    live.file(SCENE).write_text(text.replace("translation: [0 0.5 0]", "translation: [0 nonsense 0]"))
    live.until_reported()
    assert (live.picture() == before).all()
    assert "cube.hu:" in str(live.problems[0].position)
    change(live, "[0 nonsense 0]", "[0.3 0.5 0]")
    assert live.runtime.tableau["cube"].translation.tolist() == [0.3, 0.5, 0.0]


def test_after_a_change_of_the_text_only_what_was_set_by_hand_is_saved(live: LiveScene) -> None:
    change(live, "translation: [0 0.5 0]", "translation: [0.4 0.5 0]")
    assert not live.runtime.scene.save()
    live.runtime.tableau["cube"].scale = (2.0, 2.0, 2.0)
    assert live.runtime.scene.save()
    assert "translation: [0.4 0.5 0]" in live.file(SCENE).read_text()
    assert "scale: [2" in live.file(SCENE).read_text()


def test_what_the_program_writes_itself_is_not_read_again(live: LiveScene) -> None:
    live.runtime.tableau["cube"].scale = (2.0, 2.0, 2.0)
    assert live.runtime.scene.save()
    live.live.has_written(live.file(SCENE))
    reads: list[object] = []
    live.live._sources._reload = lambda found, _since: reads.append(found)  # type: ignore[method-assign]
    change_at = live.file("scenes/cube.assets.hu")
    change_at.write_text(change_at.read_text() + "\n")
    live.until(lambda: bool(reads))
    assert reads == [{change_at}]


def test_a_window_keeps_what_was_set_by_hand_and_lists_both(live: LiveScene) -> None:
    live.live._keep_own = True
    live.runtime.tableau["cube"].translation = (1.0, 1.0, 1.0)
    text = live.file(SCENE).read_text()
    live.file(SCENE).write_text(text.replace("translation: [0 0.5 0]", "translation: [0.4 0.5 0]"))
    live.until_reported()
    assert live.runtime.tableau["cube"].translation.tolist() == [1.0, 1.0, 1.0]
    (conflict,) = live.live.conflicts
    assert (conflict.path, conflict.what, conflict.file.tolist()) == ("cube", "translation", [0.4, 0.5, 0.0])
    assert live.runtime.scene.save()
    assert "translation: [1 1 1]" in live.file(SCENE).read_text()


def test_an_include_that_comes_after_the_text_that_names_it_is_read(live: LiveScene) -> None:
    tableau = live.runtime.tableau
    text = live.file(SCENE).read_text().replace("translation: [0 0.5 0]", "translation: [0 0.7 0]")
    live.file(SCENE).write_text(text.replace("[cube.assets.hu]", "[cube.assets.hu more.hu]"))
    live.until_reported()
    live.file("scenes/more.hu").write_text("include: [last.hu]\n")
    live.until_reported()
    assert tableau["cube"].translation[1] == 0.5
    live.file("scenes/last.hu").write_text("assetDb: { name: last  assets: [] }\n")
    live.until_reloaded()
    assert tableau["cube"].translation[1] == 0.7
    assert not live.live.problems
