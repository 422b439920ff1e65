"""How a scene is seen: views of tests, without a device."""

from __future__ import annotations

import math

import numpy as np

from engine.feature import View
from engine.feature.frame import Lens
from engine.math import orthographic_reversed, perspective_reversed, view_from_world
from viewer.panels.scene_view.view_space import ViewSpace

PLACE = (100.0, 50.0, 300.0, 150.0)


def seen(*, parallel: bool = False) -> ViewSpace:
    """A picture of 400 x 200 pixels at PLACE, seen from 5 m along -Z."""
    world = np.eye(4)
    world[3, :3] = 0, 0, 5
    turned = view_from_world(world)
    if parallel:
        projection, half = orthographic_reversed(-4, 4, -2, 2, -100, 100), (4.0, 2.0, 0.0)
    else:
        projection = perspective_reversed(math.radians(90), 2.0, 0.1)
        half = (2.0, 1.0, 1.0)
    eye, forward = np.array((0.0, 0, 5)), np.array((0.0, 0, -1))
    view = View(np.zeros(3), turned @ projection, eye, forward, Lens(0, 0, 1), turned, half)
    return ViewSpace(view, PLACE, (400, 200))
