"""Claims about buffers that features fill with rows, and that shaders read by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import Feature, Registry, discover
from engine.graph import SCENE_COLOR, ColorTarget, FullscreenPass
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from engine.tableau.schema import color_field

pytestmark = pytest.mark.gpu

STRIPES = """#version 450
struct Stripe { vec3 tint; float weight; };
layout(set = 0, binding = 0) uniform Frame { uint stripeCount; } frame;
layout(set = 0, binding = 1, std430) readonly buffer Stripes { Stripe row[]; } stripes;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() {
    uint n = uint(uv.x * float(max(frame.stripeCount, 1u)));
    colour = vec4(stripes.row[n].tint * stripes.row[n].weight, 1.0);
}
"""
SCENE = """version: 1
assetDb: { name: own  assets: [
    { @type: shader  name: stripes  source: stripes.fs.glsl  stage: fragment_shader_bit }
] }
tableau: { name: t  objects: {
    camera: { features: [{ @type: camera  toneMapping: none  antialiasing: none }] }
    screen: { features: [{ @type: screen }] }
    a: { features: [{ @type: stripe  tint: [1 0 0] }] }
    b: { features: [{ @type: stripe  tint: [0 1 0] }] }
    c: { features: [{ @type: stripe  tint: [0 0 1] }] }
} }
"""


class Screen(Feature):
    """Shows all stripes."""

    type_name = "screen"

    def passes(self, rows):
        return (FullscreenPass("stripes", color=(ColorTarget(SCENE_COLOR),), shader="own/stripes"),)


class Stripe(Feature):
    """A stripe of the picture."""

    type_name = "stripe"
    fields = (color_field("tint", (1.0, 1.0, 1.0), help="its colour"),)
    buffers = ("stripes",)
    asked = 0

    def frame_values(self, frame):
        return {"stripeCount": len(frame.enabled("stripe"))}

    def buffer_values(self, frame):
        Stripe.asked += 1
        rows = frame.enabled("stripe")
        return {"stripes": {"tint": rows["tint"], "weight": np.ones(len(rows))}} if len(rows) else {}


@contextmanager
def opened(folder: Path, shader: str = STRIPES, stripe: Feature | None = None) -> Iterator[Runtime]:
    (folder / "stripes.fs.glsl").write_text(shader)
    (folder / "scene.hu").write_text(SCENE)
    registry = discover()
    registry.register(Screen())
    registry.register(stripe or Stripe())
    scene = load_scene(folder / "scene.hu", registry)
    options = RuntimeOptions(size=(12, 4), validate=True, trials=False)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as made:
        made.settle()
        yield made


def stripes(runtime: Runtime) -> str:
    """The colours of the picture from left to right, each once."""
    runtime.settle()
    runtime.frame()
    row = runtime.read_pixels()[0, :, :3] > 200
    names = ["".join(c for c, on in zip("rgb", texel, strict=True) if on) or "-" for texel in row]
    return " ".join(n for n, before in zip(names, ["", *names], strict=False) if n != before)


def faults(runtime: Runtime) -> list[str]:
    return [str(one.message) for one in runtime.problems if one.code != "feature.absent"]


def test_shaders_read_the_rows_of_a_feature_and_see_their_changes(tmp_path: Path) -> None:
    with opened(tmp_path) as runtime:
        assert stripes(runtime) == "r g b"
        plan, asked = runtime.plan, Stripe.asked
        runtime.frame()
        runtime.tableau["a"].translation = (1, 2, 3)
        runtime.frame()
        assert Stripe.asked == asked  # nothing that it reads has changed
        runtime.tableau["b"].stripe.tint = (1, 0, 1)
        assert stripes(runtime) == "r rb b"
        runtime.tableau["a"].stripe.enabled = False
        assert stripes(runtime) == "rb b"
        assert runtime.plan is plan
        assert faults(runtime) == []


def test_the_buffer_grows_and_shrinks_with_the_active_rows_and_goes_with_its_reader(tmp_path: Path) -> None:
    with opened(tmp_path) as runtime:
        keys = runtime.needs.requirements.keys

        (ring,) = [name for name, row in runtime.needs.columns.items() if row.buffer == "stripes"]

        def size() -> int:
            assert runtime.plan is not None
            return runtime.plan.memory.stride(keys.transient(ring))

        def aligned(size: int) -> int:
            """The size with what the device aligns copies of a ring to."""
            alignment = runtime.profile.limits.min_storage_buffer_offset_alignment
            return -(-size // alignment) * alignment

        assert size() == aligned(4 * 16)
        for number in range(7):
            runtime.tableau.add_object(f"more{number}", features={"stripe": {"tint": (0, 1, 1)}})
        assert stripes(runtime) == "r g b gb"
        assert size() == aligned(16 * 16)
        for name in ["a", "b", "c"]:
            runtime.tableau[name].stripe.active = False
        assert stripes(runtime) == "gb"
        assert size() == aligned(8 * 16)
        for number in range(7):
            runtime.tableau[f"more{number}"].stripe.active = False
        assert stripes(runtime) == "-"
        assert size() <= aligned(4 * 16)  # a row of zeros
        runtime.tableau["screen"].screen.active = False
        runtime.settle()
        assert runtime.plan is not None
        assert not runtime.plan.memory.subresource_table.has(np.array([keys.transient(ring)])).any()
        assert runtime.memory.live_bytes == runtime.plan.planned_bytes


def test_two_shaders_may_declare_other_members_of_one_buffer(tmp_path: Path) -> None:
    other = STRIPES.replace("struct Stripe { vec3 tint; float weight; }", "struct Stripe { vec4 tint; }")
    other = other.replace(" * stripes.row[n].weight", ".brg")
    with opened(tmp_path, other) as runtime:
        assert stripes(runtime) == "b r g" or stripes(runtime) == "g b r"
        assert faults(runtime) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "readonly buffer Stripes { Stripe row[]; } stripes",
            "readonly buffer Stripes { float row[]; } stripes",
            "declares the block Stripes not as rows",
        ),
        (
            "std430) readonly buffer Stripes { Stripe row[]; } stripes",
            "std140) uniform Stripes { Stripe row[4]; } stripes",
            "binds 'stripes' as uniform_buffer",
        ),
    ],
)
def test_a_shader_that_declares_rows_otherwise_costs_its_pass(tmp_path: Path, old, new, message) -> None:
    changed = STRIPES.replace(old, new)
    if "float row" in new:
        changed = changed.replace("stripes.row[n].tint * stripes.row[n].weight", "vec3(stripes.row[n])")
    with opened(tmp_path, changed) as runtime:
        assert any(message in text for text in faults(runtime)), faults(runtime)
        assert runtime.frame().drawn


def test_a_feature_whose_rows_do_not_fit_is_switched_off_and_its_rows_are_zero(tmp_path: Path) -> None:
    class Wrong(Stripe):
        """Gives more rows than it has room for."""

        type_name = "stripe"

        def buffer_values(self, frame):
            return {"stripes": {"weight": np.ones(100)}}

    with opened(tmp_path, stripe=Wrong()) as runtime:
        named = "'weight' of the buffer 'stripes', which `buffer_values` returns, has 100 rows"
        assert any(f"{named}; there is room for 4" in text for text in faults(runtime))
        assert stripes(runtime) == "-"


@pytest.mark.parametrize("count", ["north", 1.5, -1, 10**12])
def test_a_feature_that_says_no_number_of_rows_is_switched_off(tmp_path: Path, count) -> None:
    class Wrong(Stripe):
        """Says nonsense."""

        type_name = "stripe"

        def buffer_rows(self, rows):
            return {"stripes": count}

    with opened(tmp_path, stripe=Wrong()) as runtime:
        assert any("from 0 to 16777216 are possible" in text for text in faults(runtime))
        assert runtime.frame().drawn


def test_members_with_different_numbers_of_rows_are_an_error(tmp_path: Path) -> None:
    class Wrong(Stripe):
        """Gives two columns that do not fit each other."""

        type_name = "stripe"

        def buffer_values(self, frame):
            return {"stripes": {"weight": np.ones(2), "tint": np.ones((0, 3))}}

    with opened(tmp_path, stripe=Wrong()) as runtime:
        assert any("members with different numbers of rows" in text for text in faults(runtime))


def test_two_features_cannot_fill_one_buffer() -> None:
    class Other(Feature):
        """Fills the same buffer."""

        type_name = "other"
        buffers = ("stripes",)

    class Frame(Feature):
        """Fills what every pass provides."""

        type_name = "framing"
        buffers = ("frame",)

    registry = Registry([Stripe()])
    with pytest.raises(ValueError, match="has the buffer 'stripes', as stripe has"):
        registry.register(Other())
    with pytest.raises(ValueError, match="has the buffer 'frame', as every pass has"):
        registry.register(Frame())
