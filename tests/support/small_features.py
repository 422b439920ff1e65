"""Small features, assets for them, and what a tableau holds as plain values."""

import numpy as np

from engine.feature import Feature
from engine.tableau.schema import (
    angle_field,
    asset_field,
    bool_field,
    choice_field,
    color_field,
    float_field,
    int_field,
    text_field,
)

ASSETS = """assetDb: {
    name: assetDb0
    assets: [
        { @type: model  name: cube  mesh: cube  material: brick }
        { @type: mesh  name: cube  source: cube.hu
          lods: [ { topology: triangle_list  vertices_adbi: 2  indices_adbi: 3 } ] }
        { @type: vertices  source_adbi: 1  vertexFormat: [ [pos r32g32b32_sfloat] ] }
        { @type: indices  source_adbi: 1  indexFormat: uint16 }
        { @type: material  name: brick  shader_adbis: [5] }
        { @type: shader  source: a.vs.glsl  stage: vertex_shader_bit  entryPoint: main }
    ]
}
"""


OBJECTS_BEFORE_LAMP = """    objects: {
        // the one
        cube: {                       /* in the middle */
            translation: [0, 0.50, 0]     // metres
            features: [
                { @type: visibleModel  asset: [assetDb0 0] }   // seen
            ]
            objects: {
                top: { scale: [1 1 1] }   // of it
            }
        }
        camera: { objects: { reticle: { scale: [2 1 1] } } }
"""
"""Objects with comments, to which a test adds its lamp."""

WRONG = (
    ASSETS
    + """tableau: {
    active: perhaps                          // keep 0
    objects: {
        cube: {
            translation: [1 2]                   // keep 1
            rotation: [0 0 0 1]  euler: [0 90 0] /* keep 2 */
            features: [
                { @type: visibleModel  asset: [assetDb0 0]  colour: red }   // keep 3
                5  { } { @type: lihgt }          // keep 4
                { @type: shadowCaster  asset: [assetDb0 cub] }  // keep 5
                { @type: visibleModel }          // keep 6
            ]
            objects: { "a/b": { }  hat: { } "": { euler: [1 0 0] }  brim: 5 }   // keep 7
        }
        lamp: { features: [ { @type: light  intensty: 3  intensity: 2 } { @type: sun } ] }   // keep 8
        glow: {
            features: [{ @type: light  intensity: -2  kind: pont  color: [1 2 -3]  enabled: 7  cookie: 5 }]
        }
        stray: { features: 7  objects: [1 2] }   // keep 9
        stray: { features: [{ @type: light }] }   // keep 10
        cone: { scale: [1 2 3]  scale: [3 2 1]  features: [{ @type: light  samples: 2  samples: 4 }] }
    }
}
"""
)
"""A scene with much that is wrong; what is left out is in lines to `keep`."""


class VisibleModel(Feature):
    """Seen."""

    type_name = "visibleModel"
    fields = (asset_field("asset", types=("model",)),)


class ShadowCaster(Feature):
    """Casts."""

    type_name = "shadowCaster"
    requires = ("visibleModel",)
    fields = (asset_field("asset", types=("mesh", "model")), float_field("bias", 1.0, minimum=0, maximum=16))


class Light(Feature):
    """Shines."""

    type_name = "light"
    fields = (
        float_field("intensity", 3.0, minimum=0),
        color_field("color", (1, 1, 1)),
        angle_field("cone", 45, minimum=1, maximum=179),
        choice_field("kind", "directional", choices=("directional", "point")),
        int_field("samples", 4, minimum=1, maximum=64),
        bool_field("soft", True),
        text_field("note"),
        asset_field("cookie", types=("model",), default=("assetDb0", "cube")),
    )


def tree_of(tableau):
    """All values by path."""
    found = {}
    for row in tableau.rows().tolist():
        each = tableau.handle(row)
        features = {
            name: {spec.name: one[spec.name] for spec in one.table.schema.fields}
            for name, one in each.features.items()
        }
        x, y, z, w = np.round(each.rotation, 5).tolist()
        sign = 1 if (w, x, y, z) >= (0, 0, 0, 0) else -1  # a quaternion and its opposite are one rotation
        rotation = [sign * x, sign * y, sign * z, sign * w]
        transform = np.round([*each.translation, *rotation, *each.scale], 5).tolist()
        found[each.path] = transform, each.active, each.enabled, features
    return found


def same(one, other):
    """Assert that both tableaus have the same objects with the same values, at the same lines."""
    assert len(one) == len(other)
    for row in one.rows().tolist():
        mine = one.handle(row)
        theirs = other[mine.path]
        assert mine.position.line == theirs.position.line
        for name in ("translation", "rotation", "scale"):
            np.testing.assert_allclose(getattr(mine, name), getattr(theirs, name), atol=1e-5)
        assert (mine.active, mine.enabled) == (theirs.active, theirs.enabled)
        assert mine.features.keys() == theirs.features.keys()
        for feature in mine:
            twin = theirs[feature.table.type_name]
            assert feature.position.line == twin.position.line
            assert (feature.active, feature.enabled) == (twin.active, twin.enabled)
            for name in feature.table.schema.by_name:
                assert feature[name] == twin[name]
