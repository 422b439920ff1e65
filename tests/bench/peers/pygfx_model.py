"""A glTF model in pygfx at 1280x720 with a sun that casts shadows, written as a picture for bench_models.py.

Its arguments are the model and the picture. What is timed is the process as a whole.
"""

import sys

import imageio.v3
import numpy as np
import pygfx as gfx
from rendercanvas.offscreen import RenderCanvas

model_file, picture = sys.argv[1:]
canvas = RenderCanvas(size=(1280, 720), pixel_ratio=1)
renderer = gfx.WgpuRenderer(canvas, pixel_ratio=1)
scene = gfx.Scene()
sun = gfx.DirectionalLight(intensity=3)
sun.local.position = (3, 5, 4)
sun.cast_shadow = True
scene.add(gfx.AmbientLight(intensity=0.5), sun)
model = gfx.load_gltf(model_file).scene
for mesh in model.iter(lambda node: isinstance(node, gfx.Mesh)):
    mesh.cast_shadow = mesh.receive_shadow = True
scene.add(model)
camera = gfx.PerspectiveCamera(45, 1280 / 720)
camera.show_object(model, view_dir=(-0.5, -0.3, -1))
canvas.request_draw(lambda: renderer.render(scene, camera))
imageio.v3.imwrite(picture, np.asarray(canvas.draw()))
