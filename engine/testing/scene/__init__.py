"""The scene under test: on a live or a simulated device, with its memory, schedule and frames."""
