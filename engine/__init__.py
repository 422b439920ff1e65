"""Diorama's engine: from a `.hu` scene to a plan of GPU memory, a schedule, and pictures."""
