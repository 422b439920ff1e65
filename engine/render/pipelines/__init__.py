"""Pipelines: layouts from shaders, descriptions from plans, their cache, those that threads have made."""
