"""The GLFW window, its input, and camera control with mouse and keys."""
