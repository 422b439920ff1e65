"""Transforms, projections and quaternions: batched numpy versions, and the conventions of all of them.

The conventions:

- Space is right-handed, +Y up, in metres; angles are radians (`.hu` files have degrees, converted on
  loading and saving). A camera and a directional light look along their own -Z, with +Y up, +X to the right.
- In formulas vectors are columns: `p' = M p`, and a chain reads right to left, `world = parent * local`.
- Arrays are column-major: `m[..., column, row]`, so `m[..., 3, :3]` is the translation and `m.tobytes()` is
  GLSL's `mat4` without a transpose. With stored arrays the chain is therefore reversed:
  `world = local @ parent`, and a point as a row is `p' = p @ m`.
- Quaternions are x y z w, of unit length, and `multiply(a, b)` rotates by b first, then by a.
- Euler angles are degrees about X, then Y, then Z of the parent's axes: `q = qz * qy * qx`.
- Clip space is Vulkan's: x to the right, y down, depth from 0 to 1. Depth is reversed: 1 at the near plane
  and 0 at the far plane or at infinity, so that a float depth image is precise far away.
- Results are float32, but for positions in the world and rotations, which are float64.

`pyrr` provides `look_at` and `slerp` for single values; its row-vector layout is the same memory as ours. It
is imported when first used, since a headless first frame does not need it.
"""

from engine.math.projection import (
    cube_views,
    frame_origin,
    look_at,
    orthographic_reversed,
    perspective_reversed,
    project,
    unit_axes,
    view_from_world,
)
from engine.math.quaternion import (
    axis_angle,
    euler_xyz_degrees,
    from_matrix3,
    multiply,
    normalize,
    rotate,
    slerp,
    to_euler_xyz_degrees,
    to_matrix3,
)
from engine.math.transform import (
    compose,
    decompose,
    inverse,
)

__all__ = [
    "axis_angle",
    "compose",
    "cube_views",
    "decompose",
    "euler_xyz_degrees",
    "frame_origin",
    "from_matrix3",
    "inverse",
    "look_at",
    "multiply",
    "normalize",
    "orthographic_reversed",
    "perspective_reversed",
    "project",
    "rotate",
    "slerp",
    "to_euler_xyz_degrees",
    "to_matrix3",
    "unit_axes",
    "view_from_world",
]
