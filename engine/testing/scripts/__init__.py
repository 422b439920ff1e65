"""Scene scripts in Python: running them, and recording them from what a person does in the viewer."""
