"""The inspector: what the scene holds, what it costs and why, drawn with ImGui."""
