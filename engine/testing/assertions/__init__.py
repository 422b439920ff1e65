"""Assertions on scenes under test: each says what was expected, what is, and what to look at."""
