"""Messages of the validation layers, collected as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.vk.binding import ffi
from engine.vk.enums import MessageType as MessageType
from engine.vk.enums import Severity as Severity
from engine.vk.structs import new, text


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a layer or the loader; `objects` are the names of the objects it concerns."""

    severity: Severity
    types: MessageType
    id: str
    text: str
    objects: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.severity.name.lower()} {self.id}: {self.text}"


class Messages:
    """Messages of one instance, oldest first, and the C callback that collects them.

    Messages of the best-practice checks below errors go to `advice`.
    """

    def __init__(self) -> None:
        self.all: list[Message] = []
        self.advice: list[Message] = []
        self._callback = ffi.callback("PFN_vkDebugUtilsMessengerCallbackEXT", self._collect)

    def __len__(self) -> int:
        return len(self.all)

    def create_info(self) -> Any:
        """Return the create info of a messenger for warnings and errors of every type."""
        return new(
            "VkDebugUtilsMessengerCreateInfoEXT",
            messageSeverity=Severity.WARNING | Severity.ERROR,
            messageType=MessageType.GENERAL | MessageType.VALIDATION | MessageType.PERFORMANCE,
            pfnUserCallback=self._callback,
        )

    def _collect(self, severity: int, types: int, data: Any, _user: Any) -> int:
        objects = tuple(text(data.pObjects[index].pObjectName) for index in range(data.objectCount))
        message = Message(
            Severity(severity), MessageType(types), text(data.pMessageIdName), text(data.pMessage), objects
        )
        is_advice = "BestPractices" in message.id and message.severity < Severity.ERROR
        (self.advice if is_advice else self.all).append(message)
        return 0
