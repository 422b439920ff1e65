"""ImGui's triangles arrive in the picture where and as bright as they were meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from imgui_bundle import imgui
from support.gpu import checked_device
from support.ui import OffscreenUi, compiled

from engine.storage.allocators.block_allocation import BlockAllocation
from engine.vk.errors import Result
from engine.vk.faults import faults
from viewer.ui.renderer import FIRST_VERTICES

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def shaders(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    return compiled(Path(tmp_path_factory.mktemp("spirv")))


@pytest.fixture
def offscreen(shaders: tuple[bytes, bytes]) -> Iterator[OffscreenUi]:
    with checked_device(best_practices=False) as device:
        made = OffscreenUi(device, shaders, 320, 200)
        try:
            yield made
        finally:
            made.close()


def rectangle(box: tuple[int, int, int, int], color: tuple[float, ...]) -> None:
    draw = imgui.get_foreground_draw_list()
    draw.add_rect_filled(box[:2], box[2:], imgui.color_convert_float4_to_u32(color))


def test_opaque_colors_arrive_level_for_level(offscreen: OffscreenUi) -> None:
    color = (200 / 255, 100 / 255, 3 / 255, 1.0)
    picture = offscreen.frame(lambda: rectangle((10, 20, 60, 40), color))
    inside = picture[22:38, 12:58].reshape(-1, 4).astype(int)
    assert np.abs(inside - [200, 100, 3, 255]).max() <= 1
    assert not picture[:19].any()
    assert not picture[:, :9].any()
    assert not picture[42:].any()


def test_blending_is_linear(offscreen: OffscreenUi) -> None:
    def half_white() -> None:
        rectangle((0, 0, 100, 100), (0, 0, 0, 1))
        rectangle((0, 0, 100, 100), (1, 1, 1, 0.5))

    picture = offscreen.frame(half_white)
    assert abs(int(picture[50, 50, 0]) - 188) <= 1, "half the light is level 188, not 128"


def test_text_is_drawn_from_the_font_texture(offscreen: OffscreenUi) -> None:
    def words() -> None:
        imgui.get_foreground_draw_list().add_text((20, 20), 0xFFFFFFFF, "MMMM")

    picture = offscreen.frame(words)
    assert picture[20:33, 20:48, 0].max() == 255
    covered = float((picture[20:33, 20:48, 0] > 128).mean())
    assert 0.1 < covered < 0.9
    assert not picture[:18].any()


def test_new_glyphs_update_the_texture_and_old_ones_stay(offscreen: OffscreenUi) -> None:
    def words(text: str) -> None:
        imgui.get_foreground_draw_list().add_text((20, 20), 0xFFFFFFFF, text)

    first = offscreen.frame(lambda: words("abc"))
    for start in range(0x21, 0x7E, 8):
        offscreen.frame(lambda start=start: words("".join(map(chr, range(start, start + 8)))))
    np.testing.assert_array_equal(offscreen.frame(lambda: words("abc")), first)


def test_larger_fonts_replace_the_texture_and_nothing_is_left_of_the_old_one(offscreen: OffscreenUi) -> None:
    def words(size: float) -> None:
        imgui.push_font(None, size)
        imgui.get_foreground_draw_list().add_text((0, 0), 0xFFFFFFFF, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        imgui.pop_font()

    atlas = offscreen.storage.atlas
    offscreen.frame(lambda: words(13.0))
    small, regions = atlas.filled, set()
    for size in (20, 40, 80, 120, 160):
        pictures = [offscreen.frame(lambda size=size: words(float(size))) for _ in range(3)]
        assert (pictures[-1][: size // 2, :, 0] > 0).any(), f"the glyphs of size {size} are missing"
        regions |= {region.name for region in atlas._live.values()}
    for _ in range(10):
        offscreen.frame(lambda: words(13.0))
    assert len(regions) > len(atlas) == 1, "ImGui has moved on to other textures, and one is left"
    assert atlas.filled > small
    pages = len(atlas.pages)
    assert pages == 1
    assert offscreen.device.handles.counts()["ImageView"] == 1 + pages


@pytest.mark.parametrize("result", [Result.OUT_OF_POOL_MEMORY, Result.FRAGMENTED_POOL])
def test_a_texture_that_no_descriptor_pool_has_room_for_gets_a_new_pool(
    offscreen: OffscreenUi, result: Result
) -> None:
    def words(size: float) -> None:
        imgui.push_font(None, size)
        imgui.get_foreground_draw_list().add_text((0, 0), 0xFFFFFFFF, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        imgui.pop_font()

    offscreen.frame(lambda: words(13.0))
    with faults.injected(1, result, function="vkAllocateDescriptorSets") as reported:
        for _ in range(3):
            picture = offscreen.frame(lambda: words(160.0))
    assert reported.hits == 1
    assert (picture[:80, :, 0] > 0).any()
    assert offscreen.device.handles.counts()["DescriptorPool"] == 2


def test_a_frame_larger_than_its_ranges_makes_them_grow(offscreen: OffscreenUi) -> None:
    def many() -> None:
        for index in range(FIRST_VERTICES // 4 + 10):
            rectangle((index % 300, 0, index % 300 + 1, 3), (1, 1, 1, 1))
        rectangle((100, 100, 120, 120), (0, 1, 0, 1))

    offscreen.frame(lambda: None)
    (before,) = offscreen.storage.geometry.pages
    picture = offscreen.frame(many)
    assert picture[110, 110].tolist() == [0, 255, 0, 255]
    assert len(offscreen.storage.geometry.pages) > 1, f"{before.size} bytes hold no more"


def test_clipping_cuts_at_whole_pixels_and_scales_with_the_framebuffer(offscreen: OffscreenUi) -> None:
    def clipped() -> None:
        draw = imgui.get_foreground_draw_list()
        draw.push_clip_rect((10, 10), (30, 20))
        rectangle((0, 0, 160, 100), (1, 1, 1, 1))
        draw.pop_clip_rect()

    for scale in (1.0, 2.0):
        picture = offscreen.frame(clipped, scale)
        rows, columns = np.nonzero(picture[..., 0])
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert box == tuple(int(edge * scale) for edge in (10, 10, 30, 20))


def test_many_lists_share_the_rings(offscreen: OffscreenUi) -> None:
    def windows() -> None:
        for index in range(6):
            imgui.set_next_window_pos((index * 50, 60))
            imgui.set_next_window_size((48, 40))
            imgui.begin(f"w{index}", None, imgui.WindowFlags_.no_decoration.value)
            imgui.end()
        rectangle((0, 0, 20, 20), (0, 0, 1, 1))

    offscreen.frame(windows)
    picture = offscreen.frame(windows)
    assert picture[10, 10].tolist() == [0, 0, 255, 255]
    assert all(picture[80, index * 50 + 24].any() for index in range(6))


def test_steady_frames_need_nothing_new(offscreen: OffscreenUi) -> None:
    def words() -> None:
        imgui.get_foreground_draw_list().add_text((20, 20), 0xFFFFFFFF, "steady")

    offscreen.frame(words)
    copies, counts = offscreen.storage.staging.recorded, offscreen.device.handles.counts()
    for _ in range(5):
        offscreen.frame(words)
    assert offscreen.storage.staging.recorded == copies
    assert offscreen.device.handles.counts() == counts


def words() -> None:
    imgui.get_foreground_draw_list().add_text((20, 20), 0xFFFFFFFF, "MMMM")


def test_textures_that_take_frames_to_become_resident_are_waited_for(
    offscreen: OffscreenUi, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as late:
        late.setattr(BlockAllocation, "ready", False)
        for _ in range(3):
            assert not offscreen.frame(words).any(), "nothing is drawn with a texture that is not there"
    assert offscreen.frame(words)[20:33, 20:48, 0].max() == 255


def test_a_texture_larger_than_the_staging_arrives_in_bands_over_frames(offscreen: OffscreenUi) -> None:
    def large() -> None:
        imgui.push_font(None, 160)
        imgui.get_foreground_draw_list().add_text((0, 0), 0xFFFFFFFF, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        imgui.pop_font()

    expected = [offscreen.frame(large) for _ in range(12)][-1]
    (number, found), *others = offscreen.renderer._textures._textures.items()
    assert not others
    area = offscreen.storage.staging.uploads
    size = found.region.width * found.region.height * 4
    assert area.used == 0
    held = area.take(area.capacity - size // 3, 4)
    assert held is not None
    found.pending, found.filled = (0, 0, found.region.width, found.region.height), False
    pictures = [offscreen.frame(large) for _ in range(12)]
    assert not pictures[0].any(), f"texture {number} is drawn once all of it is there"
    np.testing.assert_array_equal(pictures[-1], expected)
    held.is_handed_over = True
    area.give(held.offset, held.taken)


def test_what_a_frame_recorded_that_was_never_submitted_is_uploaded_again(offscreen: OffscreenUi) -> None:
    expected = offscreen.frame(words)
    texture = next(iter(imgui.get_platform_io().textures))
    found = offscreen.renderer._textures._textures[texture.get_tex_id()]
    found.pending = (0, 0, texture.width, texture.height)
    discarded = offscreen.pool.begin(offscreen.pool.allocate())
    offscreen.renderer.upload(discarded, offscreen.frames % 2)
    offscreen.pool.end(discarded)
    copies = offscreen.storage.staging.recorded
    np.testing.assert_array_equal(offscreen.frame(words), expected)
    assert offscreen.storage.staging.recorded > copies, "the discarded copies are made again"


def test_a_picture_larger_than_a_page_has_its_own_and_gives_it_back(offscreen: OffscreenUi) -> None:
    atlas = offscreen.storage.atlas
    offscreen.frame(words)
    expected = offscreen.frame(words)
    region = atlas.allocate(atlas.shape.width + 100, 40, name="wide")
    assert len(atlas.pages) == 2
    assert region.image.shape.width == atlas.shape.width + 100 + 2 * atlas.gutter
    region.free()
    for _ in range(4):
        np.testing.assert_array_equal(offscreen.frame(words), expected)
    assert len(atlas.pages) == 1
