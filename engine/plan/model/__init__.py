"""The plan as data: allocations, resources and subresources as columns, with the space that is left free."""
