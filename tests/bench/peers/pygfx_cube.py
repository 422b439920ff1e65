"""One static cube in pygfx at 640x480, timed: prints a JSON line for bench_frame.py.

`start_to_frame_s` is the sum of import, building and first frame: what a person waits for.
"""

import json
import time

begun = time.perf_counter()
import pygfx as gfx  # noqa: E402 (the import is part of what is timed)
from rendercanvas.offscreen import RenderCanvas  # noqa: E402

canvas = RenderCanvas(size=(640, 480), pixel_ratio=1)
renderer = gfx.WgpuRenderer(canvas, pixel_ratio=1)
scene = gfx.Scene()
scene.add(gfx.AmbientLight(), gfx.DirectionalLight())
scene.add(gfx.Mesh(gfx.box_geometry(1, 1, 1), gfx.MeshPhongMaterial()))
camera = gfx.PerspectiveCamera(60, 640 / 480)
camera.show_object(scene)
canvas.request_draw(lambda: renderer.render(scene, camera))
canvas.draw()
print(json.dumps({"start_to_frame_s": time.perf_counter() - begun}))
