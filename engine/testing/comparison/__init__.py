"""Comparing pictures and plan texts: per channel, as the eye sees it, and line by line."""
