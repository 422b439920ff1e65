"""The Vulkan instance: layers, messages, adapters, and the register of live objects."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

from engine.vk.adapter import REQUIRED_API, Adapter, choose, list_adapters
from engine.vk.binding import NULL, constants, ffi, lib, make_version, version
from engine.vk.commands import Commands
from engine.vk.errors import NoDevice, Result, UsedAfterFork, VulkanError
from engine.vk.forking import add_owner, has_inherited, remove_owner, unusable_driver
from engine.vk.handles import LiveHandle, LiveHandles
from engine.vk.messages import Messages
from engine.vk.shader_cache import claim_room
from engine.vk.structs import chain, new

VALIDATION_LAYER = "VK_LAYER_KHRONOS_validation"
_PORTABILITY = "VK_KHR_portability_enumeration"


@dataclass(frozen=True, slots=True)
class Support:
    """Whether something is supported, and the reason if not."""

    supported: bool
    reason: str = ""


def loader() -> Commands:
    """Return the functions that need no instance."""
    return Commands(lib.vkGetInstanceProcAddr)


def instance_extensions(vk: Commands | None = None) -> frozenset[str]:
    """Return the instance extensions of the loader and the drivers."""
    rows = (vk or loader()).enumerate("vkEnumerateInstanceExtensionProperties", "VkExtensionProperties", NULL)
    return frozenset(ffi.string(row.extensionName).decode() for row in rows)


def validation_support(vk: Commands | None = None) -> Support:
    """Return whether the validation layer is installed, and can be used in this process."""
    if has_inherited():
        return Support(
            False, "the validation layer holds threads of the parent, which this forked child lacks"
        )
    layers = (vk or loader()).enumerate("vkEnumerateInstanceLayerProperties", "VkLayerProperties")
    if VALIDATION_LAYER in {ffi.string(layer.layerName).decode() for layer in layers}:
        return Support(True)
    return Support(False, f"{VALIDATION_LAYER} is not installed (apt: vulkan-validationlayers)")


_made: list[Any] = []
"""Of each process that has made an instance: NULL, and an instance of its own from the second one on."""


def _keep_drivers_loaded(base: Commands) -> None:
    """Keep an instance, which nothing uses, from the second one of a process on.

    The loader unloads drivers with the last instance, and not every driver can be loaded again without end:
    NVIDIA's 580 takes room for thread-local data each time, and after 30 times there is none.
    """
    if len(_made) == 1:
        kept = ffi.new("VkInstance *")
        if base.vkCreateInstance(new("VkInstanceCreateInfo"), NULL, kept) != 0:
            return  # it is tried again with the next instance
        _made.append(kept[0])
    elif not _made:
        _made.append(NULL)


class Instance:
    """Owns a VkInstance and its messenger; close it after everything created from it.

    Parameters
    ----------
    application : str
        Name for drivers and debuggers.
    validate : bool
        Enable the validation layer with core and synchronization checks, if it is installed;
        `validation` says whether it is.
    extensions : iterable of str
        Required instance extensions (those of a window's surface).
    best_practices : bool
        Also run the best-practice checks; their messages below errors go to `messages.advice`.

    Raises NoDevice if no driver is installed, UsedAfterFork in a child whose parent has used a driver that
    works in none, VulkanError for other failures.
    """

    def __init__(
        self,
        application: str = "diorama",
        *,
        validate: bool = False,
        extensions: Iterable[str] = (),
        best_practices: bool = False,
    ) -> None:
        self.handle: Any = NULL
        self._messenger: Any = NULL
        self.handles = LiveHandles()
        self.is_disowned = False
        self.messages = Messages()
        if driver := unusable_driver():
            raise UsedAfterFork("vkCreateInstance", driver)
        with ExitStack() as undo:
            undo.callback(self.close)
            claim_room()
            base = loader()
            self.validation = validation_support(base) if validate else Support(False, "not requested")
            requested = tuple(extensions)
            self.names_objects = self.validation.supported or "VK_EXT_debug_utils" in requested
            info = self._info(base, application, requested, best_practices)
            made = ffi.new("VkInstance *")
            try:
                base.call("vkCreateInstance", info, NULL, made)
            except VulkanError as problem:
                if problem.result is Result.INCOMPATIBLE_DRIVER:
                    reasons = ("no Vulkan driver is installed",)
                    packages = ("apt: mesa-vulkan-drivers",)
                    raise NoDevice(problem.call, problem.result, reasons, packages) from problem
                raise
            self.handle = made[0]
            self.handles.add("Instance", self.handle, application)
            _keep_drivers_loaded(base)
            self.vk = Commands(lib.vkGetInstanceProcAddr, self.handle)
            add_owner(self)
            if self.validation.supported:
                messenger = ffi.new("VkDebugUtilsMessengerEXT *")
                self.vk.call(
                    "vkCreateDebugUtilsMessengerEXT",
                    self.handle,
                    self.messages.create_info(),
                    NULL,
                    messenger,
                )
                self._messenger = self.handles.add("DebugUtilsMessengerEXT", messenger[0], "messages").handle
            undo.pop_all()

    def adapters(self) -> tuple[Adapter, ...]:
        """Describe every physical device. Raises NoDevice if there is none."""
        return list_adapters(self.vk, self.handle)

    def choose(self, text: str = "") -> Adapter:
        """Return the best usable adapter whose name contains `text`. Raises NoDevice with the reasons."""
        return choose(self.adapters(), text)

    def adopt(self, type_name: str, handle: Any, name: str = "") -> Any:
        """Register an object that another library created on this instance (a window's surface)."""
        return self.handles.add(type_name, handle, name).handle

    def destroy(self, type_name: str, handle: Any) -> None:
        """Destroy an object of this instance ("SurfaceKHR"); NULL is ignored, and all in a forked child."""
        if handle == NULL or self.is_disowned:
            return
        self.handles.remove(type_name, handle)
        getattr(self.vk, f"vkDestroy{type_name}")(self.handle, handle, NULL)

    def close(self) -> tuple[LiveHandle, ...]:
        """Destroy messenger, leaked objects and instance, once; return everything that leaked."""
        if self.handle == NULL:
            return tuple(self.handles.leaks)
        if self._messenger != NULL:
            self.destroy("DebugUtilsMessengerEXT", self._messenger)
        leaked = [entry for entry in self.handles.live() if entry.type != "Instance"]
        self.handles.leaks.extend(leaked)
        for entry in reversed(leaked):
            self.destroy(entry.type, entry.handle)
        handle, self.handle = self.handle, NULL
        self.handles.remove("Instance", handle)
        self.vk.vkDestroyInstance(handle, NULL)
        remove_owner(self)
        return tuple(self.handles.leaks)

    def disown(self) -> None:
        """Forget everything, in a forked child; see `engine.vk.forking`."""
        self.is_disowned = True
        self.handle = self._messenger = NULL
        self.handles.forget()
        self.vk.disown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _info(
        self, base: Commands, application: str, extensions: tuple[str, ...], best_practices: bool
    ) -> Any:
        c = constants
        highest = ffi.new("uint32_t *")
        base.call("vkEnumerateInstanceVersion", highest)
        if highest[0] < REQUIRED_API:
            reason = f"the Vulkan loader is version {version(highest[0])}, 1.3 is required"
            raise NoDevice(
                "vkEnumerateInstanceVersion", Result.INCOMPATIBLE_DRIVER, (reason,), ("apt: libvulkan1",)
            )
        offered = instance_extensions(base)
        wanted = list(extensions)
        flags, next_link = 0, None
        if _PORTABILITY in offered:
            wanted.append(_PORTABILITY)
            flags = c.VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR
        layers = []
        if self.validation.supported:
            layers.append(VALIDATION_LAYER)
            wanted += ["VK_EXT_debug_utils", "VK_EXT_validation_features"]
            checks = [c.VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT]
            if best_practices:
                checks.append(c.VK_VALIDATION_FEATURE_ENABLE_BEST_PRACTICES_EXT)
            features = new("VkValidationFeaturesEXT", pEnabledValidationFeatures=checks)
            next_link = chain(features, self.messages.create_info())
        application_info = new(
            "VkApplicationInfo",
            pApplicationName=application,
            pEngineName="diorama",
            engineVersion=1,
            apiVersion=make_version(1, 3),
        )
        return new(
            "VkInstanceCreateInfo",
            pNext=next_link,
            flags=flags,
            pApplicationInfo=application_info,
            ppEnabledLayerNames=layers,
            ppEnabledExtensionNames=list(dict.fromkeys(wanted)),
        )
