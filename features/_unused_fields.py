"""Fields that are set and have no effect beside the other fields of their row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from engine.feature import Fault, FeatureRows


def unused_fields(
    rows: FeatureRows, without: npt.NDArray[np.bool_], fields: Iterable[str], why: str, advice: str
) -> Iterator[Fault]:
    """Yield a fault (field.unused) for each field that a row sets to another value than the default.

    `without`, bool[n], are the rows in which the fields have no effect; `why` says so after a colon, `advice`
    what to do beside leaving the field out.
    """
    if rows.table is None or not without.any():
        return
    for name in fields:
        values = rows[name].reshape(len(rows), -1)
        default = np.asarray(rows.table.schema.by_name[name].column_default())
        is_set = (np.abs(values - default.reshape(1, -1)) > 1e-6).any(axis=1)
        for number in np.flatnonzero(without & is_set).tolist():
            yield Fault(
                int(rows.indices[number]),
                "field.unused",
                f"its {name} has no effect: {why}",
                f"leave `{name}` out, or {advice}",
                name,
            )
