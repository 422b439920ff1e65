"""Overlays: features that are drawn over the picture of the camera that they hang under."""
