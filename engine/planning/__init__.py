"""From a scene's active features to the needs of its frames and to a plan: pure data, with no GPU.

shading     shader sets: the merged interface of shader stages, checked against meshes and materials
tables      draw tables: the batches that a pass draws for its feature's rows
needs       requirements, shaders, pipelines and descriptor sets of a frame
draws       draw lists: instances and indirect commands of the enabled rows
scene       needs and plans of one scene, made again as the scene changes
"""
