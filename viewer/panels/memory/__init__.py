"""What lies in memory, and why: heaps, the map of every byte, the table of what is in it, and its requesters.

The models are numpy columns, made once for each plan, and import no ImGui.
"""
