"""The scene in the middle of the window: picking, outlines, gizmos, camera, tool bar.

scene_view         all of it, drawn over the picture
view_space         from the world to the window and back
scene_picker       selects what is clicked
object_shapes      boxes of objects
gizmo_model        moving, turning and scaling objects about their pivot
gizmo              the handles that do so
tool_bar           buttons for what is done most often
view_modes         what the picture shows: light, lines, values of surfaces, channels
camera_views       where the camera goes on command
"""
