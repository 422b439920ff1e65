"""Runs a schedule over many frames.

- `manager`: MemoryManager, a few steps of the schedule per frame; `executor`: carries out one step
- `transfers`: the transfers under way; `fills`: the threads that copy; `caches`: cache files and buffers
- `direct_writes`: splits a transfer into direct host writes and staged copies
- `lazy_staging`: staging memory is allocated by the first transfer that needs it
- `in_flight_ranges`: ranges that the host must not write yet; `unreadable_assets`: keys without bytes
"""
