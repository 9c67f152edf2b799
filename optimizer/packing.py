"""Histories and models as bytes that keep every digit: what a store holds and reads again.

A history is one Parquet table, a row for each market and period, with its names and findings as
metadata. A model is one ``.npz``: its document as JSON and, beside it, every long list of draws
as an array; nothing is pickled.
"""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from optimizer.errors import FileError
from optimizer.model import Model

if TYPE_CHECKING:
    from optimizer.history import History

SHORTEST_ARRAY = 16  # numbers in a list that is kept as an array
METADATA = b"romi"


def history_to_parquet(history: History) -> bytes:
    """A history as one Parquet table; :func:`history_of_parquet` reads the same one again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {}
    for place, channel in enumerate(history.channels):
        columns[f"spend:{channel}"] = history.spend[..., place].ravel()
        if history.layout == "attributed":
            columns[f"revenue:{channel}"] = history.revenue[..., place].ravel()
    if history.layout == "aggregate":
        columns["revenue"] = history.revenue.ravel()
    for control in history.controls:
        columns[f"control:{control.name}"] = np.asarray(control.values).ravel()
    for measure in history.measures:
        for place, channel in enumerate(history.channels):
            columns[f"{measure.name}:{channel}"] = measure.counts[..., place].ravel()
    names = {
        "layout": history.layout,
        "spacing": history.spacing.value,
        "dates": [date.isoformat() for date in history.dates],
        "channels": history.channels,
        "markets": history.markets,
        "controls": [[control.name, control.kind] for control in history.controls],
        "measures": [measure.name for measure in history.measures],
        "population": None if history.population is None else history.population.tolist(),
        "currency": history.currency,
        "findings": [asdict(finding) for finding in history.findings],
    }
    table = pa.table(columns).replace_schema_metadata({METADATA: json.dumps(names)})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", use_dictionary=False)
    return sink.getvalue()


def history_of_parquet(data: bytes) -> History:
    """The history that :func:`history_to_parquet` wrote.

    Raises
    ------
    FileError
        The bytes are no history kept this way.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from optimizer.history import Control, History, Measure, Spacing
    from optimizer.tables.findings import Finding, Severity

    try:
        table = pq.read_table(io.BytesIO(data))
        names = json.loads(table.schema.metadata[METADATA])
    except (pa.ArrowException, KeyError, TypeError, ValueError) as wrong:
        raise FileError("These bytes hold no history of romi's. Read the file anew.") from wrong
    shape = (len(names["markets"]), len(names["dates"]))

    def series(column: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.asarray(table[column].to_numpy(), np.float64).reshape(shape)

    def by_channel(kind: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.stack([series(f"{kind}:{channel}") for channel in names["channels"]], axis=-1)

    population = names["population"]
    return History(
        layout=names["layout"],
        spacing=Spacing(names["spacing"]),
        dates=pd.DatetimeIndex(names["dates"]),
        channels=tuple(names["channels"]),
        markets=tuple(names["markets"]),
        spend=by_channel("spend"),
        revenue=by_channel("revenue") if names["layout"] == "attributed" else series("revenue"),
        controls=tuple(
            Control(name, kind, series(f"control:{name}")) for name, kind in names["controls"]
        ),
        population=None if population is None else np.asarray(population, np.float64),
        currency=names["currency"],
        findings=tuple(
            Finding(**found | {"severity": Severity(found["severity"])})
            for found in names["findings"]
        ),
        measures=tuple(Measure(name, by_channel(name)) for name in names.get("measures", ())),
    )


def model_to_bytes(model: Model) -> bytes:
    """A model's document with its draws as arrays beside it."""
    arrays: list[np.ndarray[Any, Any]] = []
    document = _without_arrays(model.to_dict(), arrays)
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    named = {f"a{place}": array for place, array in enumerate(arrays)}
    sink = io.BytesIO()
    np.savez(sink, document=np.frombuffer(text, np.uint8), **named)  # type: ignore[arg-type]
    return sink.getvalue()


def model_of_bytes(data: bytes) -> Model:
    """The model that :func:`model_to_bytes` wrote.

    Raises
    ------
    FileError
        The bytes are no model kept this way.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            document = json.loads(kept["document"].tobytes())
            return Model.from_dict(_with_arrays(document, kept))
    except (OSError, EOFError, BadZipFile, KeyError, ValueError) as wrong:
        raise FileError("These bytes hold no model of romi's. Fit or import it anew.") from wrong


def _without_arrays(node: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """A document with its long lists of numbers moved out."""
    if isinstance(node, dict):
        return {key: _without_arrays(value, arrays) for key, value in node.items()}
    if not isinstance(node, list):
        return node
    if len(node) >= SHORTEST_ARRAY and all(type(item) is float for item in node):
        arrays.append(np.array(node))
        return {"array": len(arrays) - 1}
    return [_without_arrays(item, arrays) for item in node]


def _with_arrays(node: Any, kept: Any) -> Any:
    if isinstance(node, list):
        return [_with_arrays(item, kept) for item in node]
    if not isinstance(node, dict):
        return node
    if node.keys() == {"array"} and isinstance(node["array"], int):
        return kept[f"a{node['array']}"].tolist()
    return {key: _with_arrays(value, kept) for key, value in node.items()}
