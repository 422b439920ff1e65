"""Claims about where the Frame blocks of shader sets lie."""

import numpy as np

from engine.assets import Member
from engine.planning.draw.blocks import Block
from engine.planning.draw.frame_layout import FrameLayout
from engine.planning.draw.ring_names import RingNames


def block(name: str, size: int, view: str = "") -> tuple[str, Block]:
    return view, Block([Member(name, 0, 16, "vec4")], size)


def test_equal_blocks_share_a_place_and_others_have_their_own():
    layout = FrameLayout([block("a", 336), block("b", 20), block("a", 336), block("a", 352)])
    assert list(layout.starts.values()) == [0, 336, 336 + 32]
    assert layout.size == 336 + 32 + 352
    assert layout == FrameLayout([block("a", 336), block("b", 20), block("a", 352)])
    assert layout != FrameLayout([block("b", 20), block("a", 336), block("a", 352)])
    assert FrameLayout([]).size == 0


def test_equal_blocks_of_two_views_have_places_and_rings_of_their_own():
    layout = FrameLayout([block("a", 16), block("a", 16, "light"), block("a", 16)])
    assert list(layout.starts.values()) == [0, 16]
    packed = np.arange(32, dtype=np.uint8)
    (first, one), (second, other) = layout.rings(packed).items()
    assert (one.tolist(), other.tolist()) == (list(range(16)), list(range(16, 32)))
    assert second == f"{first}.light"
    assert layout.rings(None) == {}


def test_the_name_of_a_ring_follows_from_its_block_alone():
    (_, a), (_, b) = block("a", 16), block("b", 16)
    names = RingNames()
    assert names.frame("", a) != names.frame("", b)
    other = RingNames()
    assert (other.frame("", b), other.frame("", a)) == (names.frame("", b), names.frame("", a))
