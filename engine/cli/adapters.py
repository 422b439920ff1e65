"""The Vulkan adapters of this machine, listed in a child process because a driver may crash."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass

SECONDS = 60


@dataclass(frozen=True)
class AdapterReport:
    """One adapter: its description, and the reasons why it cannot be used; empty if it can."""

    name: str
    text: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class DriversReport:
    """All adapters; if there are none, the reasons and the packages to install."""

    adapters: tuple[AdapterReport, ...] = ()
    reasons: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether at least one adapter can be used."""
        return any(not adapter.reasons for adapter in self.adapters)


def list_adapters() -> DriversReport:
    """List the adapters in a child process; a crash or time-out becomes a reason."""
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return DriversReport(reasons=(f"the drivers did not answer within {SECONDS} s",))
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return DriversReport(reasons=(f"listing the devices ended with {done.returncode}: {last}",))
    given = json.loads(done.stdout)
    adapters = tuple(AdapterReport(a["name"], a["text"], tuple(a["reasons"])) for a in given["adapters"])
    return DriversReport(adapters, tuple(given["reasons"]), tuple(given["packages"]))


def list_adapters_here() -> DriversReport:
    """List the adapters in this process."""
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
    print(json.dumps(asdict(list_adapters_here())))
