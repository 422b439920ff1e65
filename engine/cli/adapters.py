"""The adapters of this machine, asked in a process of its own because a driver may crash in the answer."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass

SECONDS = 60


@dataclass(frozen=True)
class AdapterReport:
    """One adapter: its description, and the reasons why it cannot be used (none where it can)."""

    name: str
    text: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class DriversReport:
    """All adapters; or, where there are none, why, and the packages to install."""

    adapters: tuple[AdapterReport, ...] = ()
    reasons: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether there is something to draw on."""
        return any(not adapter.reasons for adapter in self.adapters)


def ask() -> DriversReport:
    """Ask loader and drivers in a child process; one that crashes or hangs becomes a reason."""
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return DriversReport(reasons=(f"the drivers gave no answer in {SECONDS} s",))
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return DriversReport(reasons=(f"asking the drivers ended with {done.returncode}: {last}",))
    given = json.loads(done.stdout)
    adapters = tuple(AdapterReport(a["name"], a["text"], tuple(a["reasons"])) for a in given["adapters"])
    return DriversReport(adapters, tuple(given["reasons"]), tuple(given["packages"]))


def ask_here() -> DriversReport:
    """Ask loader and drivers in this process."""
    from engine.vk.errors import NoVulkan

    try:
        from engine.vk.instance import Instance

        with Instance("diorama doctor") as instance:
            return DriversReport(
                tuple(
                    AdapterReport(
                        a.name, f"{a.name} ({a.type.name.lower()}, Vulkan {a.api}, {a.driver})", a.reasons
                    )
                    for a in instance.adapters()
                )
            )
    except NoVulkan as problem:
        return DriversReport((), problem.reasons, problem.packages)


if __name__ == "__main__":
    print(json.dumps(asdict(ask_here())))
