"""Databases that are cooked again while they are used: what has changed, and what stays as it was."""
