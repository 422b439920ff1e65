"""Versions of assets while scenes are drawn: what is refused of new ones, and when old ones go."""
