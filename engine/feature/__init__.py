"""The feature contract, the registry of features, and the collection of their requirements."""

from engine.feature.contract import Feature
from engine.feature.drawable import Drawable
from engine.feature.fault import RAISED, Fault, Raised
from engine.feature.frame import Box, FeatureRows, FrameView, View
from engine.feature.motion import Motion, MotionFrame
from engine.feature.registry import Registry, discover
from engine.tableau.schema import (
    FeatureSchema,
    FieldKind,
    FieldSpec,
    angle_field,
    asset_field,
    bool_field,
    choice_field,
    color_field,
    float_field,
    int_field,
    numbers_field,
    text_field,
    vec3_field,
    vec4_field,
)

__all__ = [
    "RAISED",
    "Box",
    "Drawable",
    "Fault",
    "Feature",
    "FeatureRows",
    "FeatureSchema",
    "FieldKind",
    "FieldSpec",
    "FrameView",
    "Motion",
    "MotionFrame",
    "Raised",
    "Registry",
    "View",
    "angle_field",
    "asset_field",
    "bool_field",
    "choice_field",
    "color_field",
    "discover",
    "float_field",
    "int_field",
    "numbers_field",
    "text_field",
    "vec3_field",
    "vec4_field",
]
