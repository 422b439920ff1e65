"""What the text of a scene has and its tableau lacks: that is wrong there, and reported where it is.

What follows from a gap is no second problem: that there is no camera where its type is misspelt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Gaps:
    """What one file's tableau lacks: `features`, by type and path of the object.

    With `has_any`, objects, lists of features or whole files are left out, and with them maybe any feature.
    `wrong` are features with other values in place of some of the text, likewise.
    """

    features: frozenset[tuple[str, str]] = frozenset()
    has_any: bool = False
    wrong: frozenset[tuple[str, str]] = frozenset()

    def has(self, type_name: str) -> bool:
        """Whether features of a type are, or may be, left out of any object."""
        return self.has_any or any(left_out == type_name for left_out, _ in self.features)

    def has_on(self, path: str, types: Iterable[str]) -> bool:
        """Whether a feature of one of these types is left out of the object with a path."""
        return any((type_name, path) in self.features for type_name in types)
