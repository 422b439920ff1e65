"""The GLFW window, its input, and the camera controller for mouse and keys."""
