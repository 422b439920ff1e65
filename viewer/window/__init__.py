"""The GLFW window, its input, and the camera controller for mouse and keys.

window              the window and its surface; no_display is its error
camera_input        mouse and keys of a frame
camera_controller   applies them to the camera's object, with the maths of orbit_camera
"""
