"""From requirements to a plan of GPU memory to a schedule: pure data, no GPU and no driver needed."""
