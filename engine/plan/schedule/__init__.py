"""From what is resident to a plan: ordered steps, paging cycles, and a simulated device to run them on."""
