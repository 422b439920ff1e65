"""Live assets: sources are watched, cooked aside, and become updates of the library of a drawn scene.

`LiveSources` watches and cooks on a thread of its own. What it makes is taken by whoever draws, who carries
it out (`engine.runtime.live_update`).
"""

from engine.live.live_sources import LiveSources, Reload

__all__ = ["LiveSources", "Reload"]
