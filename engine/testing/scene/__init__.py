"""A scene under test, on a live or a simulated device, with facts of its memory, schedule and frames."""
