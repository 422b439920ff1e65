"""Texts of large scenes, object by object."""

from __future__ import annotations


def object_text(number: int, feature: str) -> str:
    """The text of one object of many, with a place of its own and one feature."""
    x, y, z = number % 100 * 1.5, number // 100 % 100 * 0.25, number // 10_000 * 2
    return (
        f"        object{number}: {{\n"
        f"            translation: [{x} {y} {z}]\n"
        f"            rotation: [0 0 0 1]\n"
        f"            scale: [1 1 1]\n"
        f"            features: [ {{ {feature} }} ]\n"
        f"        }}\n"
    )
