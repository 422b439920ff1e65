"""Schemas: the two forms of a value, and wrong values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tableau.schema import (
    NO_ASSET,
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
    text_field,
    vec3_field,
    vec4_field,
)

FIELDS = (
    (float_field("a", 1.0, minimum=0, maximum=16), 0.25),
    (int_field("a", 1), -7),
    (bool_field("a", True), False),
    (vec3_field("a", (0, 0, 0)), (1.5, -2.0, 0.1)),
    (vec4_field("a", (0, 0, 0, 0)), (1.5, -2.0, 0.1, 4.0)),
    (color_field("a", (1, 1, 1)), (0.2, 0.4, 0.6)),
    (choice_field("a", "x", choices=("x", "y")), "y"),
    (text_field("a"), "some words"),
    (angle_field("a", 45), 60.0),
)


@pytest.mark.parametrize(("spec", "value"), FIELDS, ids=lambda item: str(getattr(item, "kind", "")))
def test_a_value_in_file_form_survives_its_column(spec, value):
    column = np.zeros((3, spec.kind.width) if spec.kind.width > 1 else 3, spec.kind.dtype)
    column[1] = spec.column_value(value)
    assert spec.file_value(column[1]) == value


def test_angles_are_degrees_in_files_and_radians_in_columns():
    assert angle_field("fovY", 45.0).column_default() == pytest.approx(math.pi / 4)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_number_is_written_so_that_it_reads_the_same(number):
    spec = float_field("a", 0.0)
    assert np.float32(spec.file_value(np.float32(number))) == np.float32(number)


def test_limits_of_an_angle_are_degrees():
    with pytest.raises(ValueError, match="from 1 to 179, not 180"):
        angle_field("fovY", 45.0, minimum=1, maximum=179).column_value(180)


@pytest.mark.parametrize("value", [math.nan, math.inf, "1", True, None, 17])
def test_a_number_out_of_range_or_of_another_kind_is_rejected(value):
    with pytest.raises(ValueError, match="bias"):
        float_field("bias", 1.0, minimum=0, maximum=16).column_value(value)


@pytest.mark.parametrize("value", [(1, 2), (1, 2, 3, 4), "abc", 5, (1, 2, math.nan), (1, -1, 0)])
def test_a_colour_is_three_finite_numbers_not_below_zero(value):
    with pytest.raises(ValueError, match="color"):
        color_field("color", (1, 1, 1)).column_value(value)


def test_an_asset_is_given_by_key_or_by_an_object_with_a_key():
    class Ref:
        key = 1 << 32 | 5

    spec = asset_field("asset", types=("model",))
    assert spec.required
    assert spec.column_default() == NO_ASSET
    assert spec.column_value(Ref()) == spec.column_value(1 << 32 | 5) == 1 << 32 | 5


@pytest.mark.parametrize("name", ["active", "enabled", "type", "not a name", "_hidden", ""])
def test_reserved_names_cannot_be_fields(name):
    with pytest.raises(ValueError, match="name of a field"):
        float_field(name, 1.0)


def test_a_default_out_of_its_own_range_is_rejected():
    with pytest.raises(ValueError, match="at least 2"):
        float_field("a", 1.0, minimum=2)


def test_two_fields_of_one_name_are_rejected():
    with pytest.raises(ValueError, match="two fields of one name"):
        FeatureSchema("thing", (float_field("a", 1.0), int_field("a", 1)))


def test_an_unknown_field_is_reported_with_the_nearest_name():
    schema = FeatureSchema("light", (float_field("intensity", 1.0),))
    assert schema.unknown_field("intensty").endswith("did you mean 'intensity'?")
    assert schema.by_name["intensity"].kind is FieldKind.FLOAT


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: float_field(3, 1.0), "name of the field 3 is 3, not text"),
        (lambda: float_field("a", "half"), "a must be a number, not 'half'"),
        (lambda: float_field("a", 1.0, minimum="low"), "minimum of the field 'a' is 'low', not a number"),
        (lambda: float_field("a", 1.0, maximum=True), "maximum of the field 'a' is True, not a number"),
        (lambda: float_field("a", 1.0, help=3), "help of the field 'a' is 3, not text"),
        (lambda: float_field("a", 1.0, unit=3), "unit of the field 'a' is 3, not text"),
        (lambda: int_field("a", 1.5), "a must be a whole number, not 1.5"),
        (lambda: int_field("a", math.inf), "a must be from -2.14748e\\+09 to 2.14748e\\+09, not inf"),
        (lambda: int_field("a", 10**400), "a must be from"),
        (lambda: angle_field("a", "wide"), "a must be an angle in degrees, not 'wide'"),
        (lambda: bool_field("a", 1), "a must be true or false, not 1"),
        (lambda: vec3_field("a", 5), "a must be three numbers, not 5"),
        (lambda: color_field("a", None), "a must be a colour \\(three linear numbers\\), not None"),
        (lambda: choice_field("a", "b", choices="abc"), "choices of the field 'a' is 'abc', not a tuple"),
        (lambda: choice_field("a", 1, choices=(1, 2)), "choices of the field 'a' are .*, not texts"),
        (lambda: text_field("a", names="object"), "names of the field 'a' is 'object', not a Names"),
        (lambda: asset_field("a", types="mesh"), "asset_types of the field 'a' is 'mesh', not a tuple"),
        (lambda: asset_field("a", types=("mesh",), default="b"), "default of the field 'a' is 'b', not the"),
        (lambda: asset_field("a", types=("mesh",), optional=1), "optional of the field 'a' is 1, not True"),
        (lambda: FieldSpec("a", "float", 1.0), "kind of the field 'a' is 'float', not a FieldKind"),
    ],
)
def test_a_field_that_is_declared_with_a_wrong_type_is_rejected_with_what_it_takes(declare, message):
    with pytest.raises(ValueError, match=message):
        declare()
