"""Assertions on scenes under test; a failure states the expected value, the actual one, and details."""
