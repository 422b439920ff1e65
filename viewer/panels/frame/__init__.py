"""The panel of frames: their times, what made slow ones slow, their passes and images.

graph_rows     passes and images of the frame graph, with where images lie
frame_panel    what is drawn of both
image_panel    looking at an image of the frame
"""
