"""Downloads: resources back to numpy through staging, without waiting for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.memory.device.problems import NotReady, UseAfterClose
from engine.storage.staging_area import Span
from engine.storage.uploads import TARGET_CLOSED, Staging
from engine.storage.uploads import Download as Copy


class Download:
    """A copy to the host; `close` it (or leave its `with`) after reading.

    The staging manager's next `submit` or `record` sends it; the bytes have arrived when that resource set
    is released.
    """

    def __init__(
        self, staging: Staging, copy: Copy, shaped: Callable[[NDArray[np.uint8]], NDArray[Any]]
    ) -> None:
        self.name = copy.target.name
        self._staging = staging
        self._copy = copy
        self._span: Span | None = copy.span
        self._shaped = shaped
        staging.schedule(copy)

    @property
    def ready(self) -> bool:
        """Whether `read` can be called: the copy's resource set is released."""
        set_id = self._copy.set_id
        if set_id == TARGET_CLOSED:
            raise UseAfterClose(self.name, "it was closed before it could be read back")
        return set_id > 0 and self._staging.is_released(set_id)

    def read(self) -> NDArray[Any]:
        """Return a copy of what arrived. Raises NotReady."""
        span = self._span
        if span is None:
            raise UseAfterClose(self.name, "its download is read, and it is closed")
        if not self.ready:
            raise NotReady(self.name, "its bytes have not arrived: submit, and collect after that")
        span.invalidate()
        return self._shaped(span.view()).copy()

    def wait(self, timeout_s: float = 30.0) -> NDArray[Any]:
        """Send everything scheduled, wait for it and return what `read` does; for the render thread."""
        if not self._staging.settle(timeout_s):
            raise NotReady(self.name, f"its bytes have not arrived after {timeout_s} s")
        return self.read()

    def close(self) -> None:
        """Free the staging, once; a copy in flight keeps it until it is over."""
        span, self._span = self._span, None
        if span is not None:
            self._staging.give_after(span, self._copy)

    def __enter__(self) -> Download:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
