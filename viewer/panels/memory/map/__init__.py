"""The map of memory: every byte of every allocation as a tile, drawn at any scale.

tiles, places, aliasing   memory as one line of tiles, in numpy columns
tile_colors               what a tile is coloured by
viewport                  zoom and pan over allocations as rows of bytes
map_picture, treemap      rectangles of the visible part, as many as fit the picture
quads, quad_drawing       rectangles as vertices, and copied into a draw list at once
"""
