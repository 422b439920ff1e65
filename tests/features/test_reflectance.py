"""The fit of how much light surfaces reflect, against sums over half vectors."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
STEPS = 64


def fitted(source: str, name: str) -> Floats:
    """The factors of a matrix in GLSL, by power of roughness and of the square of 1 - nv."""
    found = re.search(rf"{name} = mat4\(([^)]*)\)", source)
    assert found is not None
    return np.array([float(number) for number in found[1].split(",")]).reshape(4, 4).T


def summed(rough: float, nv: float) -> tuple[float, float]:
    """What is reflected without Fresnel's part, and that part (Karis 2013; visibility: Heitz 2014)."""
    alpha = rough * rough
    at = (np.arange(STEPS) + 0.5) / STEPS
    around, up = np.meshgrid(2 * np.pi * at, at, indexing="ij")
    nh = np.sqrt((1 - up) / (1 + (alpha * alpha - 1) * up))
    across = np.sqrt(1 - nh * nh) * np.cos(around)
    vh = np.maximum(across * np.sqrt(1 - nv * nv) + nh * nv, 0)
    nl = 2 * vh * nh - nv
    seen = nl > 0
    nl = np.where(seen, nl, 1.0)
    shadowed = nl * np.sqrt(nv * nv * (1 - alpha**2) + alpha**2) + nv * np.sqrt(
        nl * nl * (1 - alpha**2) + alpha**2
    )
    weight = np.where(seen, 2 * nl * vh / (shadowed * nh), 0)
    fresnel = (1 - vh) ** 5
    return float((weight * (1 - fresnel)).mean()), float((weight * fresnel).mean())


def test_surfaces_reflect_what_sums_over_half_vectors_give(root: Path) -> None:
    source = (root / "assets/builtin/shader/environment.glsl").read_text()
    matrices = [fitted(source, name) for name in ("REFLECTED", "REFLECTED_WITHOUT_F0")]
    errors = []
    for rough in np.linspace(0.045, 1, 12):
        for nv in np.linspace(0.02, 1, 12):
            part, edge = summed(float(rough), float(nv))
            powers = rough ** np.arange(4), (1 - nv) ** (2 * np.arange(4))
            found = [float(powers[0] @ matrix @ powers[1]) for matrix in matrices]
            errors.append((abs(found[0] - part - edge), abs(found[1] - edge)))
    assert np.mean(errors, axis=0).tolist() < [0.012, 0.008]
    assert np.max(errors) < 0.06
