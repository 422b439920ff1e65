"""Claims about attachments that share memory: smaller plans, the same picture, no validation messages."""

import numpy as np
import pytest
from support.scenes import CUBE

from engine.assets import open_library
from engine.feature import Feature, asset_field, discover
from engine.feature.mesh_assets import mesh_drawables, mesh_requirements
from engine.graph import DepthTarget, DrawPass, Extent, ImageDecl
from engine.plan.terms.formats import Format
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

FIRST_MAP = ImageDecl("firstMap", Format.D32_SFLOAT, Extent(width=1024, height=1024))
FIRST = DrawPass("first", draws="firstDepth", depth=DepthTarget(FIRST_MAP), shaders=("shadow",))


class FirstDepth(Feature):
    """Draws the mesh into a depth image of its own, which nothing reads."""

    type_name = "firstDepth"
    fields = (asset_field("asset", types=("model",), help="what is drawn"),)

    def requirements(self, asset, library):
        return mesh_requirements(asset, library)

    def drawables(self, asset, library):
        return mesh_drawables(asset, library)

    def passes(self, rows):
        return (FIRST,)


def draw(with_feature: bool) -> tuple[np.ndarray, int, set[int]]:
    """The picture, live bytes, and offsets-in-allocations of aliased resources."""
    registry = discover()
    registry.register(FirstDepth())
    scene = load_scene(CUBE, registry)
    if with_feature:
        asset = scene.asset("assetDb0", "cube", ("model",))
        scene.tableau.add_feature("firstDepth", scene.tableau["cube"], {"asset": asset})
    with open_library(scene.dbs) as library:
        runtime = Runtime(scene, library, RuntimeOptions(size=(512, 512), validate=True))
        try:
            runtime.load()
            for _ in range(3):
                runtime.frame()
            pixels = runtime.read_pixels()
            live = runtime.memory.live_bytes
            assert live == runtime.plan.planned_bytes
            resources = runtime.plan.memory.resources
            aliased = set(resources["allocation"][resources["aliased"]].tolist())
        finally:
            runtime.close()
    assert [str(message) for message in runtime.instance.messages.all] == []
    return pixels, live, aliased


def test_images_of_passes_that_do_not_overlap_share_memory_and_draw_the_same_picture():
    plain, without, _ = draw(with_feature=False)
    pixels, live, aliased = draw(with_feature=True)
    assert aliased, "nothing was laid over anything"
    assert live - without < 1024 * 1024 * 4, "the first map should share memory with later attachments"
    assert np.array_equal(pixels, plain)


def test_the_barrier_of_an_aliased_image_waits_for_all_earlier_commands():
    from engine.graph import Barrier, Layout
    from engine.plan.terms.formats import Format
    from engine.plan.terms.vocabulary import Access, Stage
    from engine.render.frame_recorder import FrameImage, image_barrier
    from engine.vk.binding import NULL

    first = Barrier(
        "map",
        Stage.LATE_FRAGMENT_TESTS,
        Access(0),
        Stage.EARLY_FRAGMENT_TESTS,
        Access.DEPTH_STENCIL_ATTACHMENT_WRITE,
        Layout.UNDEFINED,
        Layout.DEPTH_ATTACHMENT,
    )
    for aliased, stage in ((True, Stage.ALL_COMMANDS), (False, Stage.LATE_FRAGMENT_TESTS)):
        made = image_barrier(first, FrameImage(NULL, {(0, 0): NULL}, Format.D32_SFLOAT, (1, 1), aliased))
        assert made["srcStageMask"] == stage
