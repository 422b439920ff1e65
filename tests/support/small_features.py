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
        transform = np.round([*each.translation, *each.rotation, *each.scale], 5).tolist()
        found[each.path] = transform, each.active, each.enabled, features
    return found
