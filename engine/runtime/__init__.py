"""The frame loop: opens a scene on a device, keeps its plan up to date, draws and reads back frames.

Nothing is imported here, so that modules that need no GPU can be imported without one.
"""
