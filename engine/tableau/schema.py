"""The schema of a feature: its typed fields, their defaults and limits.

A schema is plain data, so that the tableau can build columns, the scene loader can check files and the
inspector can build editors without knowing any feature by name. A value has two forms: the *file* form
(angles in degrees, choices as words) and the *column* form in arrays (angles in radians, choices as
indices, assets as int64 keys).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from engine.humon import nearest

NO_ASSET = -1
"""The value of an asset column for no asset."""

FLOAT32_MAX = 3.4028234e38
"""The largest float32, rounded down."""

NOT_GIVEN = np.float32(-FLOAT32_MAX)
"""What stands in a column of numbers, of any count, behind the last one."""

MAX_NUMBERS = 128
"""How many numbers a field of `NUMBERS` has at most."""

RESERVED = frozenset({"type", "active", "enabled", "failed", "owner", "table", "row", "position"})
"""Names that no field may have: they are attributes of the row itself."""


class FieldKind(Enum):
    """The kind of a field; its value is its name in messages and in the inspector."""

    FLOAT = "number"
    INT = "whole number"
    BOOL = "true or false"
    VEC3 = "three numbers"
    VEC4 = "four numbers"
    COLOR = "colour (three linear numbers)"
    CHOICE = "one of a few words"
    ASSET = "asset"
    TEXT = "text"
    ANGLE = "angle in degrees"
    NUMBERS = "list of numbers"

    @property
    def width(self) -> int:
        """Numbers per value, 1 for a scalar."""
        return _WIDTH.get(self, 1)

    @property
    def dtype(self) -> DTypeLike:
        """The numpy type of one number in this kind's column."""
        return _DTYPE[self]

    @property
    def numeric(self) -> bool:
        """Whether this kind has a minimum and a maximum."""
        return self not in (FieldKind.BOOL, FieldKind.CHOICE, FieldKind.ASSET, FieldKind.TEXT)


class Widget(Enum):
    """How a field is best edited; inspectors choose their own controls for it, and features know of none."""

    SWITCH = "switch"
    SLIDER = "slider"
    NUMBERS = "numbers"
    COLOR = "colour"
    MENU = "menu"
    ASSET = "asset"
    TEXT = "text"
    OBJECT = "object"
    NUMBER_OF_OBJECT = "number of an object"


class Names(Enum):
    """What a text names, if anything: an object by its path, or a number by PATH.FEATURE.FIELD."""

    NOTHING = "nothing"
    OBJECT = "object"
    NUMBER = "number"


_NAMING = {Names.OBJECT: Widget.OBJECT, Names.NUMBER: Widget.NUMBER_OF_OBJECT}
_WIDGETS = {
    FieldKind.BOOL: Widget.SWITCH,
    FieldKind.COLOR: Widget.COLOR,
    FieldKind.CHOICE: Widget.MENU,
    FieldKind.ASSET: Widget.ASSET,
    FieldKind.TEXT: Widget.TEXT,
}
MAX_SLIDER = 1e4
"""A number is edited with a slider where its limits are at most so far apart."""
_WIDTH = {FieldKind.VEC3: 3, FieldKind.VEC4: 4, FieldKind.COLOR: 3, FieldKind.NUMBERS: MAX_NUMBERS}
_NUMBERS = {
    FieldKind.INT: "a whole number",
    FieldKind.ANGLE: "an angle in degrees",
    FieldKind.VEC3: "three numbers",
    FieldKind.VEC4: "four numbers",
    FieldKind.COLOR: "a colour (three linear numbers)",
    FieldKind.NUMBERS: "a list of numbers",
}
_DTYPE: dict[FieldKind, DTypeLike] = {
    FieldKind.FLOAT: np.float32,
    FieldKind.INT: np.int32,
    FieldKind.BOOL: np.bool_,
    FieldKind.VEC3: np.float32,
    FieldKind.VEC4: np.float32,
    FieldKind.COLOR: np.float32,
    FieldKind.CHOICE: np.int16,
    FieldKind.ASSET: np.int64,
    FieldKind.TEXT: np.object_,
    FieldKind.ANGLE: np.float32,
    FieldKind.NUMBERS: np.float32,
}


_DECLARED: tuple[tuple[str, tuple[type, ...], str], ...] = (
    ("name", (str,), "text"),
    ("kind", (FieldKind,), "a FieldKind"),
    ("help", (str,), "text"),
    ("minimum", (int, float, np.number, NoneType), "a number or None"),
    ("maximum", (int, float, np.number, NoneType), "a number or None"),
    ("choices", (tuple,), "a tuple of texts"),
    ("asset_types", (tuple,), "a tuple of texts"),
    ("nonzero", (bool,), "True or False"),
    ("optional", (bool,), "True or False"),
    ("unit", (str,), "text"),
    ("names", (Names,), "a Names"),
)
"""Types of what a field declares."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a feature: name, kind, default (file form), help, limits (file form).

    A `nonzero` vector is a direction: at least one of its numbers is not 0. `unit` is that of its numbers in
    files, "m" or "s"; of an angle it is "degrees". A text may name something (`names`), as in `find_object`
    and `Bindings.find`; that it is there is for the feature to check.

    Raises ValueError for a default that would be an error in a file, for a unit of what is no number, and for
    what is no text and names something.
    """

    name: str
    kind: FieldKind
    default: Any
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    asset_types: tuple[str, ...] = ()
    nonzero: bool = False
    optional: bool = False
    unit: str = ""
    names: Names = Names.NOTHING

    def __post_init__(self) -> None:
        self._check_types()
        if self.kind is FieldKind.ANGLE:
            object.__setattr__(self, "unit", "degrees")
        if self.unit and not self.kind.numeric:
            raise ValueError(f"field {self.name!r} is no number and has the unit {self.unit!r}")
        if self.names is not Names.NOTHING and self.kind is not FieldKind.TEXT:
            raise ValueError(f"field {self.name!r} is no text and names something")
        if not self.name.isidentifier() or self.name in RESERVED or self.name.startswith("_"):
            raise ValueError(f"{self.name!r} cannot be the name of a field")
        if self.kind is FieldKind.CHOICE and not self.choices:
            raise ValueError(f"field {self.name!r} has no choices")
        if self.kind is not FieldKind.ASSET:
            self.column_value(self.default)

    def _check_types(self) -> None:
        """Raise ValueError where the declaration itself is of wrong types."""
        for name, kinds, what in _DECLARED:
            value = getattr(self, name)
            if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                raise ValueError(f"{name} of the field {self.name!r} is {value!r}, not {what}")
        for name in ("choices", "asset_types"):
            if not all(isinstance(item, str) for item in getattr(self, name)):
                raise ValueError(f"{name} of the field {self.name!r} are {getattr(self, name)!r}, not texts")
        if self.kind is FieldKind.ASSET and self.default is not None:
            names = self.default if isinstance(self.default, tuple) else ()
            if len(names) != 2 or not all(isinstance(item, str) for item in names):
                raise ValueError(
                    f"default of the field {self.name!r} is {self.default!r}, not the names of a database "
                    "and of an asset"
                )

    @property
    def widget(self) -> Widget:
        """How it is best edited."""
        found = _NAMING.get(self.names) or _WIDGETS.get(self.kind)
        if found is not None:
            return found
        if self.kind.width > 1 or self.minimum is None or self.maximum is None:
            return Widget.NUMBERS
        return Widget.SLIDER if self.maximum - self.minimum <= MAX_SLIDER else Widget.NUMBERS

    @property
    def required(self) -> bool:
        """Whether every row must set this field: an asset field that is not optional, without a default."""
        return self.kind is FieldKind.ASSET and self.default is None and not self.optional

    def column_default(self) -> Any:
        """Return the default in column form; NO_ASSET for an asset, since only a scene can look it up."""
        return NO_ASSET if self.kind is FieldKind.ASSET else self.column_value(self.default)

    def column_value(self, value: Any) -> Any:
        """Convert a value from file form to column form.

        An asset may be its key or an object with a `key` (an AssetRef).
        Raises ValueError, with a message for users, for a wrong kind or a value out of range.
        """
        kind = self.kind
        if kind is FieldKind.BOOL:
            if not isinstance(value, bool | np.bool_):
                raise ValueError(f"{self.name} must be true or false, not {value!r}")
            return bool(value)
        if kind is FieldKind.TEXT:
            if not isinstance(value, str):
                raise ValueError(f"{self.name} must be text, not {value!r}")
            return value
        if kind is FieldKind.CHOICE:
            if value not in self.choices:
                raise ValueError(f"{self.name} must be one of {', '.join(self.choices)}, not {value!r}")
            return self.choices.index(value)
        if kind is FieldKind.ASSET:
            return NO_ASSET if value is None else int(getattr(value, "key", value))
        if kind.width > 1:
            return self._vector(value)
        number = self._number(value)
        return math.radians(number) if kind is FieldKind.ANGLE else number

    def file_value(self, value: Any) -> Any:
        """Convert a value from column form to file form (an asset stays a key)."""
        kind = self.kind
        if kind is FieldKind.CHOICE:
            return self.choices[int(value)]
        if kind is FieldKind.BOOL:
            return bool(value)
        if kind in (FieldKind.INT, FieldKind.ASSET):
            return int(value)
        if kind is FieldKind.ANGLE:
            return _shortest_degrees(float(value))
        if kind is FieldKind.FLOAT:
            return _shortest(float(value))
        if kind is FieldKind.TEXT:
            return value
        return tuple(_shortest(float(number)) for number in value if number != NOT_GIVEN)

    def range_text(self) -> str:
        """Return the limits in words, `from 0 to 16 m`, or an empty string."""
        unit = f" {self.unit}" if self.unit and self.kind is not FieldKind.ANGLE else ""
        if self.minimum is not None and self.maximum is not None:
            return f"from {self.minimum:g} to {self.maximum:g}{unit}"
        if self.minimum is not None:
            return f"at least {self.minimum:g}{unit}"
        return "" if self.maximum is None else f"at most {self.maximum:g}{unit}"

    def in_range(self, number: float) -> bool:
        """Whether a file-form number is finite and within the limits."""
        return (
            abs(number) <= FLOAT32_MAX  # false for NaN
            and (self.minimum is None or number >= self.minimum)
            and (self.maximum is None or number <= self.maximum)
        )

    def _number(self, value: Any) -> float | int:
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            what = _NUMBERS.get(self.kind, "a number") if self.kind.width == 1 else "numbers"
            raise ValueError(f"{self.name} must be {what}, not {value!r}")
        number = math.inf if isinstance(value, int) and abs(value) > FLOAT32_MAX else float(value)
        if self.kind is FieldKind.INT and not number.is_integer() and math.isfinite(number):
            raise ValueError(f"{self.name} must be a whole number, not {value!r}")
        if not self.in_range(number):
            limits = self.range_text() or "a finite number"
            raise ValueError(f"{self.name} must be {limits}, not {value!r}")
        return int(value) if self.kind is FieldKind.INT else float(value)

    def _vector(self, value: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
            raise ValueError(f"{self.name} must be {_NUMBERS[self.kind]}, not {value!r}")
        many = self.kind is FieldKind.NUMBERS
        if len(value) > self.kind.width or not (many or len(value) == self.kind.width):
            most = "at most " if many else ""
            raise ValueError(f"{self.name} must have {most}{self.kind.width} numbers, not {len(value)}")
        vector = np.full(self.kind.width, NOT_GIVEN)
        vector[: len(value)] = [self._number(number) for number in value]
        if self.nonzero and not vector.any():
            raise ValueError(f"{self.name} must not be {self.kind.width} zeros")
        return vector


def _as_tuple(values: Any) -> Any:
    """Return several values as a tuple, and anything else as it is, for `FieldSpec` to check."""
    return tuple(values) if isinstance(values, Iterable) and not isinstance(values, str) else values


def _shortest_degrees(radians: float) -> float:
    """Return the shortest degrees that are these float32 radians: 31, not 30.999998."""
    degrees, stored = math.degrees(radians), np.float32(radians)
    rounded = (float(f"{degrees:.{digits}g}") for digits in range(1, 10))
    return next((each for each in rounded if np.float32(math.radians(each)) == stored), _shortest(degrees))


def _shortest(number: float) -> float:
    """Return the shortest decimal with the same float32, as a person would write it."""
    return float(str(np.float32(number)))


@dataclass(frozen=True, slots=True)
class FeatureSchema:
    """The schema of one feature type: its name, its fields, the features it requires on the same object.

    Those of `conflicts` must not be on it. `at_most` is how many rows may be active, 0 for any number.
    Every feature has `active` and `enabled`, which are not in `fields`. A row without an asset draws what the
    feature `draws_as` draws on the same object.

    `drawn_field` names what a row draws: the first of the `asset_fields`. `material_field` is the field whose
    material replaces that of the model: a later asset field for materials alone.
    """

    type_name: str
    fields: tuple[FieldSpec, ...] = ()
    requires: tuple[str, ...] = ()
    help: str = ""
    draws_as: str = ""
    conflicts: tuple[str, ...] = ()
    at_most: int = 0
    by_name: dict[str, FieldSpec] = field(init=False, repr=False, compare=False)
    asset_fields: tuple[FieldSpec, ...] = field(init=False, repr=False, compare=False)
    drawn_field: FieldSpec | None = field(init=False, repr=False, compare=False)
    material_field: FieldSpec | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.type_name.isidentifier():
            raise ValueError(f"{self.type_name!r} cannot be the name of a feature type")
        if self.type_name in (*self.requires, *self.conflicts):
            raise ValueError(f"feature {self.type_name!r} requires itself, or conflicts with itself")
        if set(self.requires) & set(self.conflicts) or self.at_most < 0:
            raise ValueError(f"feature {self.type_name!r} can be on no object")
        by_name = {spec.name: spec for spec in self.fields}
        if len(by_name) != len(self.fields):
            raise ValueError(f"feature {self.type_name!r} has two fields of one name")
        object.__setattr__(self, "by_name", by_name)
        assets = tuple(spec for spec in self.fields if spec.kind is FieldKind.ASSET)
        materials = (spec for spec in assets[1:] if spec.asset_types == ("material",))
        object.__setattr__(self, "asset_fields", assets)
        object.__setattr__(self, "drawn_field", next(iter(assets), None))
        object.__setattr__(self, "material_field", next(materials, None))

    def unknown_field(self, name: str) -> str:
        """Return the error message for a field that does not exist, with the nearest name."""
        close = nearest(name, [*self.by_name, "active", "enabled"])
        return f"{self.type_name} has no field '{name}'" + (f"; did you mean '{close}'?" if close else "")


def float_field(
    name: str,
    default: float,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    help: str = "",
    unit: str = "",
) -> FieldSpec:
    """Return the spec of a number, a float32 column."""
    return FieldSpec(name, FieldKind.FLOAT, default, help, minimum, maximum, unit=unit)


def int_field(
    name: str, default: int, *, minimum: int | None = None, maximum: int | None = None, help: str = ""
) -> FieldSpec:
    """Return the spec of a whole number, an int32 column."""
    low = -(2**31) if minimum is None else minimum
    high = 2**31 - 1 if maximum is None else maximum
    return FieldSpec(name, FieldKind.INT, default, help, low, high)


def bool_field(name: str, default: bool, *, help: str = "") -> FieldSpec:
    """Return the spec of true or false, a bool column."""
    return FieldSpec(name, FieldKind.BOOL, default, help)


def vec3_field(
    name: str,
    default: Sequence[float],
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    nonzero: bool = False,
    help: str = "",
    unit: str = "",
) -> FieldSpec:
    """Return the spec of three numbers, a float32[n, 3] column; `nonzero`, if they are a direction."""
    return FieldSpec(
        name, FieldKind.VEC3, _as_tuple(default), help, minimum, maximum, nonzero=nonzero, unit=unit
    )


def vec4_field(
    name: str,
    default: Sequence[float],
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    help: str = "",
) -> FieldSpec:
    """Return the spec of four numbers, a float32[n, 4] column."""
    return FieldSpec(name, FieldKind.VEC4, _as_tuple(default), help, minimum, maximum)


def color_field(
    name: str, default: Sequence[float], *, maximum: float | None = None, help: str = ""
) -> FieldSpec:
    """Return the spec of a linear colour (red, green, blue, at least 0), a float32[n, 3] column."""
    return FieldSpec(name, FieldKind.COLOR, _as_tuple(default), help, 0.0, maximum)


def numbers_field(
    name: str,
    default: Sequence[float] = (),
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    help: str = "",
) -> FieldSpec:
    """Return the spec of up to MAX_NUMBERS numbers, float32[n, MAX_NUMBERS], NOT_GIVEN behind the last."""
    return FieldSpec(name, FieldKind.NUMBERS, _as_tuple(default), help, minimum, maximum)


def angle_field(
    name: str, default: float, *, minimum: float | None = None, maximum: float | None = None, help: str = ""
) -> FieldSpec:
    """Return the spec of an angle: default and limits in degrees, the float32 column in radians."""
    return FieldSpec(name, FieldKind.ANGLE, default, help, minimum, maximum)


def choice_field(name: str, default: str, *, choices: Sequence[str], help: str = "") -> FieldSpec:
    """Return the spec of one of a few words, an int16 column of indices into `choices`."""
    return FieldSpec(name, FieldKind.CHOICE, default, help, choices=_as_tuple(choices))


def text_field(name: str, default: str = "", *, help: str = "", names: Names = Names.NOTHING) -> FieldSpec:
    """Return the spec of text, an object column of str: free, or the path of what it `names`."""
    return FieldSpec(name, FieldKind.TEXT, default, help, names=names)


def asset_field(
    name: str,
    *,
    types: Sequence[str],
    default: tuple[str, str] | None = None,
    optional: bool = False,
    help: str = "",
) -> FieldSpec:
    """Return the spec of an asset of one of `types`, an int64 column of keys.

    Without a default (database name, asset name) every row must set it, unless it is optional.
    """
    return FieldSpec(name, FieldKind.ASSET, default, help, asset_types=_as_tuple(types), optional=optional)
