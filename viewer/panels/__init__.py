"""The inspector, drawn with ImGui: objects and features, the memory plan with its reasons, problems.

inspector           the panel with its tabs
objects_panel, object_model             the tab of objects and features, and its rows
memory_panel, memory_model              the tab of the memory plan, and its rows
tree_rows, expanded_nodes               trees in columns, flattened into visible rows
compaction_button, widgets, number_format, run_statistics
"""
