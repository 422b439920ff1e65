"""From a scene's active features to what a frame needs, and to the plan: data, with no GPU.

shading   shader sets: the interface that stages add up to, checked against meshes and materials
tables    draw tables: what each pass's rows draw, as batches
needs     requirements, shaders, pipelines and descriptor sets of a frame
draws     draw lists: instances and indirect commands of the rows that are enabled
scene     all of it for one scene, planned again as the scene changes
"""
