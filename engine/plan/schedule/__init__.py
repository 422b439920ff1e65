"""From the resident state to a plan: ordered steps, paging cycles, and a simulated device to run them."""
