"""What the text of a scene has and its tableau lacks: that is wrong there, and reported where it is.

What follows from a gap is no second problem: that there is no camera where its type is misspelt, or no object
of a name that another one refers to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ANY_FEATURE = "*"
"""In place of the type of a feature of which the text does not say which it is."""


@dataclass(frozen=True)
class Gaps:
    """What one file's tableau lacks: `features`, by type and path of the object.

    With `has_any`, objects, lists of features or whole files are left out, and with them maybe any feature.
    `wrong` are features with other values in place of some of the text, likewise. `objects` are paths of
    objects that are left out with all below them; one that ends in a slash stands for objects below it alone.
    """

    features: frozenset[tuple[str, str]] = frozenset()
    has_any: bool = False
    wrong: frozenset[tuple[str, str]] = frozenset()
    objects: frozenset[str] = frozenset()

    def has(self, type_name: str) -> bool:
        """Whether features of a type are, or may be, left out of any object."""
        return self.has_any or any(left_out == type_name for left_out, _ in self.features)

    def has_on(self, path: str, types: Iterable[str]) -> bool:
        """Whether a feature of one of these types is, or may be, left out of the object with a path."""
        return any((type_name, path) in self.features for type_name in (ANY_FEATURE, *types))

    def has_object(self, path: str) -> bool:
        """Whether the object with a path, or one above it, is or may be left out."""
        every = "/" in self.objects
        return every or any(path == lost or path.startswith(f"{lost.rstrip('/')}/") for lost in self.objects)

    def has_below(self, path: str) -> bool:
        """Whether any object below the one with a path is left out."""
        return self.has_object(path) or any(lost.startswith(f"{path}/") for lost in self.objects)


class AllGaps(dict[int, Gaps]):
    """The gaps of every file of a tableau, by the row of its root.

    What is left out is reported where it is, so that who refers to it by its path need not report that.
    """

    def has(self, path: str, feature: str = "") -> bool:
        """Whether an object with a path, or a feature of it, is in a text and left out."""
        types = (feature,) if feature else ()
        return any(one.has_object(path) or (feature and one.has_on(path, types)) for one in self.values())

    def has_below(self, path: str) -> bool:
        """Whether any object below one with a path is in a text and left out."""
        return any(one.has_below(path) for one in self.values())
