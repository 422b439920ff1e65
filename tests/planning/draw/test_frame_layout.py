"""Claims about where the Frame blocks of shader sets lie."""

from engine.assets import Member
from engine.planning.draw.blocks import Block
from engine.planning.draw.frame_layout import ALIGNMENT, FrameLayout


def block(name: str, size: int, view: str = "") -> tuple[str, Block]:
    return view, Block([Member(name, 0, 16, "vec4")], size)


def test_equal_blocks_share_a_place_and_others_are_aligned():
    layout = FrameLayout([block("a", 336), block("b", 16), block("a", 336), block("a", 352)])
    assert list(layout.starts.values()) == [0, 2 * ALIGNMENT, 3 * ALIGNMENT]
    assert layout.size == 3 * ALIGNMENT + 352
    assert layout == FrameLayout([block("a", 336), block("b", 16), block("a", 352)])
    assert layout != FrameLayout([block("b", 16), block("a", 336), block("a", 352)])
    assert FrameLayout([]).size == 0


def test_equal_blocks_of_two_views_have_places_of_their_own():
    layout = FrameLayout([block("a", 16), block("a", 16, "light"), block("a", 16)])
    assert list(layout.starts.values()) == [0, ALIGNMENT]
