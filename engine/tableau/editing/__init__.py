"""Copies of a tableau for trials, and rearranging objects that keep their identity."""
