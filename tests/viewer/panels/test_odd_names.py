"""Every panel with names that stumble formats, identifiers and fonts: they are shown, and nothing raises."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.all_panels import all_panels

NAMES = (
    "a, b",
    "##",
    "a##b",
    "a###b",
    "100%s %n %d",
    "שלום עולם",
    "دیوراما",
    "場景の箱",
    "🎲🦊",
    "e\u0301",
    "x" * 255,
)


@pytest.fixture
def scene_file(tmp_path: Path, root: Path) -> Path:
    objects = "\n".join(
        f'"{name}": {{ features: [ {{ @type: visibleModel  asset: [builtin placeholder] }} ] }}'
        for name in NAMES
    )
    file = tmp_path / "odd 100%, ##.hu"
    file.write_text(
        f'version: 1\ntableau: {{ name: "%s ##"  objects: {{\n{objects}\n}} }}\n', encoding="utf-8"
    )
    return file


def test_all_panels_show_objects_of_any_name(scene_file: Path) -> None:
    with all_panels(scene_file) as panels:
        panels.frame(4)
        session, tableau = panels.session, panels.session.runtime.tableau
        for name in NAMES:
            assert name in tableau
        shown = {place for place in session.places if place.startswith("row ")}
        assert {f"row {name}/" for name in NAMES[:5]} <= shown
        for name in NAMES:
            session.selection.select([tableau[name].row])
            panels.frame(2)
            assert f"row {name}/" in session.places, "the outliner brings it into sight"
