"""The plan as data: allocations, resources and subresources as columns, and the free ranges in them."""
