"""Claims about features that could not be loaded, in scenes that have them: reported once, and left out."""

import sys

import pytest

from engine.feature import discover
from engine.scene import load_scene

LOST = """from engine.feature import Feature

class Frozen(Feature):
    type_name = "frozen"
    {}
"""


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (LOST.format("at_most = -1"), 3),
        (LOST.format("pass") + "raise RuntimeError\n", 6),
        (LOST.format("pass") + "class :\n", 6),
    ],
    ids=["refused", "raises", "no Python"],
)
def test_a_feature_that_could_not_be_loaded_is_reported_once_at_its_first_object(
    write, tmp_path, monkeypatch, code, line
):
    (tmp_path / "frozen_plugs.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "frozen_plugs", raising=False)
    registry = discover()
    registry.load("frozen_plugs")
    (load,) = registry.problems
    assert (load.code, load.position.line) == ("feature.load", line)
    path = write(
        """version: 1
tableau: { name: t  objects: {
    a: { features: [
        { @type: frozen  cold: 1 }
        { @type: camera } ] }
    b: { features: [{ @type: frozen }] }
    c: { features: [{ @type: frozne }] }
    d: { features: [{ @type: frozen }] }
} }"""
    )
    scene = load_scene(path, registry)
    misspelt, lost = scene.warnings
    assert misspelt.help == "did you mean 'frozen'?"
    assert (misspelt.code, misspelt.position.line) == ("feature.unknown", 7)
    assert (lost.code, lost.position.line) == ("feature.unknown", 4)
    assert lost.message == "the feature 'frozen' (on 'a' and 2 more objects) could not be loaded"
    assert str(load.position) in lost.help
    scene.apply_setting("b.frozen.cold=2")  # what is left out is no second problem
    assert "camera" in scene.tableau["a"]
