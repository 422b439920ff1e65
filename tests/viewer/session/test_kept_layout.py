"""ImGui gets its own layouts as they are, and of damaged ones only what it survives."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from imgui_bundle import imgui
from support.sampling import Sample

from viewer.session.kept_layout import MAX_NODES, kept_layout, scaled_layout
from viewer.session.preferences import Preferences, read_preferences, write_preferences

NODE = "DockSpace ID=0x00000001 Pos=0,0 Size=640,400"
TABLE = sum(
    flag.value
    for flag in (imgui.TableFlags_.resizable, imgui.TableFlags_.sortable, imgui.TableFlags_.hideable)
)
PART = "DockNode ID=0x{:08X} Parent=0x{:08X} SizeRef=100,100"


def drawn(layout: str | None) -> str:
    """Draw frames of docked windows with tables from a layout, None for the first one; return that kept."""
    context = imgui.create_context()
    try:
        io = imgui.get_io()
        io.set_ini_filename("")
        io.set_log_filename("")
        io.config_flags |= imgui.ConfigFlags_.docking_enable.value
        io.backend_flags |= imgui.BackendFlags_.renderer_has_textures.value
        io.display_size = imgui.ImVec2(640, 400)
        if layout is not None:
            imgui.load_ini_settings_from_memory(layout)
        for frame in range(3):
            imgui.new_frame()
            node = imgui.dock_space_over_viewport(0, imgui.get_main_viewport())
            if layout is None and frame == 0:
                divide(node)
            for number in range(5):
                imgui.begin(f"panel {number}")
                if imgui.begin_table("table", 3, TABLE):
                    for name in "abc":
                        imgui.table_setup_column(name)
                    imgui.table_headers_row()
                    imgui.end_table()
                imgui.end()
            imgui.render()
        return imgui.save_ini_settings_to_memory()
    finally:
        imgui.destroy_context(context)


def divide(node: int) -> None:
    inner = imgui.internal
    inner.dock_builder_remove_node(node)
    inner.dock_builder_add_node(node, inner.DockNodeFlagsPrivate_.dock_space.value)
    inner.dock_builder_set_node_size(node, imgui.ImVec2(640, 400))
    left = inner.dock_builder_split_node(node, imgui.Dir.left.value, 0.3)
    down = inner.dock_builder_split_node(left.id_at_opposite_dir, imgui.Dir.down.value, 0.3)
    for number, place in enumerate((left.id_at_dir, left.id_at_dir, down.id_at_dir, down.id_at_opposite_dir)):
        inner.dock_builder_dock_window(f"panel {number}", place)
    inner.dock_builder_finish(node)


def damaged(rng: np.random.Generator, layout: str) -> str:
    lines = layout.splitlines()
    names = re.findall("0x[0-9A-F]+", layout)
    numbers = ("0", "1", "-1", "2147483647", "-2147483648", "99999999999", "nan", "64", "99", *names)
    for _ in range(int(rng.integers(1, 5))):
        at, other = rng.integers(len(lines), size=2).tolist()
        found = list(re.finditer(r"0x[0-9A-F]+|-?\d+", lines[at]))
        how = rng.random()
        if how < 0.6 and found:
            one = found[int(rng.integers(len(found)))]
            lines[at] = lines[at][: one.start()] + str(rng.choice(numbers)) + lines[at][one.end() :]
        elif how < 0.7:
            del lines[at]
        elif how < 0.8:
            lines.insert(other, lines[at])
        elif how < 0.9:
            lines[at], lines[other] = lines[other], lines[at]
        else:
            word = str(
                rng.choice(["Parent", "Pos", "Split=X", "Split=Y", "Size", "CentralNode=1", "ID", " "])
            )
            lines[at] = lines[at].replace(word, str(rng.choice(["Parent", "Size", "Split=X", "", "%s%n"])))
    return "\n".join(lines)


@pytest.fixture(scope="module")
def layout() -> str:
    return drawn(None)


def test_a_layout_of_imgui_is_kept_as_it_is(layout: str) -> None:
    kept = kept_layout(layout)
    lines = [line for line in layout.splitlines() if line and not line.startswith("LastUsed=")]
    assert [line for line in kept.splitlines() if line] == lines
    assert "Split=X" in kept
    assert kept_layout(kept_layout(kept)) == kept
    assert kept_layout(drawn(kept)) == kept
    assert kept_layout("") == ""


def test_imgui_survives_what_is_kept_of_a_damaged_layout(layout: str, sample: Sample) -> None:
    drawn_so_often = 0
    for seed in sample.seeds(40, 3000):
        try:
            kept = kept_layout(damaged(np.random.default_rng(seed), layout))
        except ValueError:
            continue
        drawn(kept)
        drawn_so_often += 1
    assert drawn_so_often > 10


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["DockNode ID=0x00000002 Parent=0x00000001 SizeRef=1,1"], "0x00000001 is not divided"),
        ([NODE, NODE], "twice"),
        ([NODE + " Split=X", PART.format(2, 1)], "divided into 1"),
        ([NODE, PART.format(2, 1), PART.format(3, 1)], "not divided"),
        ([NODE + " Split=X", *(PART.format(n, 1) for n in (2, 3, 4))], "not divided"),
        ([NODE.replace("400", "0")], "no area"),
        ([NODE.replace("0x00000001", "0x00000000")], "twice"),
        ([NODE.replace(" Pos=0,0 Size=640,400", "")], "no size"),
        ([NODE + " Split=Z"], "no place where panels dock"),
        ([NODE + " Split=X CentralNode=1"], "in the middle"),
        ([NODE.replace("0x00000001", f"0x{n:08X}") for n in range(1, MAX_NODES + 2)], "too many"),
    ],
)
def test_a_tree_that_cannot_be_is_refused_with_its_reason(lines: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        kept_layout("\n".join(["[Docking][Data]", *lines]))


def test_what_is_not_known_or_out_of_range_is_left_out() -> None:
    text = "[Window][a]\nPos=1,2\nPos=1,999999\nDockId=0x00000009,0\nMagic=1\n\n[Other][x]\ny=1\n"
    text += "[Table][0x00000001,2000000000]\nColumn 0  Width=1\n[Table][0x00000001,2]\nColumn 2  Width=1\n"
    assert kept_layout(text).split("\n") == ["[Window][a]", "Pos=1,2", "", "[Docking][Data]", ""]


def test_preferences_with_a_layout_that_cannot_be_are_not_used_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "viewer.hu"
    write_preferences(path, Preferences(layout=f"[Docking][Data]\n{NODE}\n{NODE}\n", theme="light"))
    found, problem = read_preferences(path)
    assert found == Preferences()
    assert problem is not None
    assert problem.code == "viewer.preferences"
    assert "the place 0x00000001 is there twice" in problem.message
    assert (tmp_path / "viewer.bad.hu").is_file()


def test_places_and_sizes_are_scaled_and_nothing_else() -> None:
    text = (
        "[Window][a Pos=1]\nPos=-3,20\nSize=9,1\nDockId=0x00000009,0\n"
        "Column 0  Width=31 Order=2\nColumn 1  Weight=1.5000\n"
        "DockNode ID=0x00000003 Parent=0x00000001 SizeRef=281,700 Split=Y\n"
    )
    found = scaled_layout(text, 2.0)
    for before, after in (("-3,20", "-6,40"), ("9,1", "18,2"), ("th=31", "th=62"), ("281,700", "562,1400")):
        text = text.replace(before, after)
    assert found == text
    assert scaled_layout("Size=1,90000", 0.1) == "Size=1,9000"
    assert scaled_layout("Size=1,90000", 9.0) == "Size=9,99999"


def test_a_layout_that_is_scaled_can_be_read_again(layout: str) -> None:
    for ratio in (0.1, 0.5, 1.0, 2.0, 3.45, 100.0):
        scaled = scaled_layout(kept_layout(layout), ratio)
        assert kept_layout(scaled) == scaled
        drawn(scaled)
