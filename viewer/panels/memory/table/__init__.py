"""The table of memory: rows of a plan as columns, filtered, sorted, copied and exported.

memory_table        rows and columns of allocations, resources and subresources
table_filter        what is typed above it
text_index          search in very many texts
export              CSV and JSON
table_panel         the panel
"""
