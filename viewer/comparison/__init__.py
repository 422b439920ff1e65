"""Two scenes side by side with one camera.

second_scene  the other scene: drawn on the device of the present one, through the same camera
comparison    when it comes and goes, the divider between both, what each takes
"""
