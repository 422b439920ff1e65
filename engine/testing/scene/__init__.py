"""A scene under test, on a live or a simulated device, with facts of its memory, schedule and frames.

opening             `open_scene`
scene               `OpenedScene`, and the `Host` that it runs on
live_host           a host on a Vulkan device; shared_devices lends the device
simulated_host      a host for a recorded profile, without a GPU
memory_facts, schedule_facts, frame     what tests inspect
fault_injection     the fixture `faults`
profiles            recorded profiles by name
"""
