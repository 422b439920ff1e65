"""The frame loop: a scene, a device, a plan kept in step with both, and pictures.

Nothing is imported here, so that what needs no GPU can be imported where there is none.
"""
