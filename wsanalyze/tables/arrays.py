"""What the schema means in Arrow, and cells as Arrow arrays, of lists and of numpy's arrays.

Arrays are made of the memory that they lie in, and looked at there. `pa.array`, `pa.scalar` and
`to_numpy` would import pandas, to ask it whether what they are given is one of its objects: that
takes longer than everything else about a small export.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from wsanalyze.checks.finding import SEVERITIES
from wsanalyze.tables.declaration import Column, Kind, Table

Numbers = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

TYPES: dict[Kind, pa.DataType] = {
    Kind.INT: pa.int64(),
    Kind.NULLABLE_INT: pa.int64(),
    Kind.PORT: pa.uint16(),
    Kind.BYTE: pa.uint8(),
    Kind.UNSIGNED: pa.uint64(),
    Kind.FLOAT: pa.float64(),
    Kind.BOOL: pa.bool_(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.STRING: pa.large_string(),
    Kind.TIME: pa.timestamp("ns", "UTC"),
    Kind.LIST: pa.list_(pa.string()),
}

# What pandas writes into Arrow's metadata for a kind: pandas_type, numpy_type.
_PANDAS = {
    Kind.INT: ("int64", "int64"),
    Kind.NULLABLE_INT: ("int64", "Int64"),
    Kind.PORT: ("uint16", "UInt16"),
    Kind.BYTE: ("uint8", "uint8"),
    Kind.UNSIGNED: ("uint64", "UInt64"),
    Kind.FLOAT: ("float64", "float64"),
    Kind.BOOL: ("bool", "bool"),
    Kind.BOOLEAN: ("bool", "boolean"),
    Kind.STRING: ("object", "string"),
    Kind.TIME: ("datetimetz", "datetime64[ns]"),
    Kind.CATEGORY: ("categorical", "int8"),
    Kind.LIST: ("list[unicode]", "object"),
}


@cache
def arrow_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema of a table, with what pandas needs to read back the same dtypes."""
    schema = pa.schema([(column.name, arrow_type(column)) for column in table.columns])
    return schema.with_metadata({"pandas": json.dumps(_pandas_metadata(table))})


def arrow_type(column: Column) -> pa.DataType:
    """Return the Arrow type of a column."""
    if column.kind is Kind.CATEGORY:
        return pa.dictionary(pa.int8(), pa.string(), ordered=is_ordered(column))
    return TYPES[column.kind]


def is_ordered(column: Column) -> bool:
    """Say whether the column's categories can be compared: `findings.severity >= "warning"`."""
    return column.categories == SEVERITIES


def _pandas_metadata(table: Table) -> dict[str, Any]:
    columns = []
    for column in table.columns:
        pandas_type, numpy_type = _PANDAS[column.kind]
        details: dict[str, Any] | None = None
        if column.kind is Kind.TIME:
            details = {"timezone": "UTC"}
        elif column.kind is Kind.CATEGORY:
            details = {"num_categories": len(column.categories), "ordered": is_ordered(column)}
        columns.append(
            {
                "name": column.name,
                "field_name": column.name,
                "pandas_type": pandas_type,
                "numpy_type": numpy_type,
                "metadata": details,
            }
        )
    return {
        "index_columns": [],
        "column_indexes": [],
        "columns": columns,
        "attributes": {},
        "creator": {"library": "pyarrow", "version": pa.__version__},
        # Not asked for: it would cost as much as a thousand rows.
        "pandas_version": None,
    }


def batch(table: Table, cells: dict[str, pa.Array]) -> pa.RecordBatch:
    """Return rows of a table, given the cells of each column."""
    arrays = [cells[column.name] for column in table.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(table))


def rows_of(table: Table, rows: Sequence[dict[str, Any]]) -> pa.RecordBatch:
    """Return rows that are given as plain cells: times integer ns, None is NA."""
    return batch(
        table,
        {each.name: of_list(each, [row[each.name] for row in rows]) for each in table.columns},
    )


def of_list(column: Column, cells: list[Any]) -> pa.Array:
    """Return plain cells as the array of a column; text without lone surrogates."""
    if column.kind is Kind.CATEGORY:
        # What a stranger sent may be none of the few: `missing` says so.
        code = {category: place for place, category in enumerate(column.categories)}
        codes = [code.get(cell) if isinstance(cell, str) else None for cell in cells]
        return _categories(column, _numbers(codes, pa.int8()))
    if column.kind is Kind.STRING:
        return of_texts([encodable(cell) for cell in cells])
    if column.kind is Kind.LIST:
        return _lists([encodable(cell) for cell in cells])
    return _numbers(cells, TYPES[column.kind])


def of_texts(cells: Sequence[str | None]) -> pa.Array:
    """Return texts that UTF-8 can hold as an array; None is null."""
    return _texts(cells, pa.large_string(), np.int64)


def literal(text: str) -> pa.Scalar:
    """Return a text as what Arrow's functions take for the same text in every row."""
    return of_texts([text])[0]


def _texts(cells: Sequence[str | None], kind: pa.DataType, place: type[Any]) -> pa.Array:
    encoded = [cell.encode() if cell is not None else b"" for cell in cells]
    ends = _ends([len(each) for each in encoded], place)
    data = pa.py_buffer(b"".join(encoded))
    return _array(kind, len(cells), [_validity(_missing(cells)), ends, data])


def _lists(cells: Sequence[list[str] | None]) -> pa.Array:
    items = _texts([item for cell in cells for item in cell or ()], pa.string(), np.int32)
    ends = _ends([len(cell or ()) for cell in cells], np.int32)
    buffers = [_validity(_missing(cells)), ends]
    return _array(TYPES[Kind.LIST], len(cells), buffers, children=[items])


def _numbers(cells: Sequence[Any], kind: pa.DataType) -> pa.Array:
    is_time = kind == TYPES[Kind.TIME]
    dtype = np.int64 if is_time else kind.to_pandas_dtype()
    values = np.array([0 if cell is None else cell for cell in cells], dtype=dtype)
    return _of_numpy(values, _missing(cells), kind)


def _missing(cells: Sequence[Any]) -> Mask:
    return np.array([cell is None for cell in cells], dtype=np.bool_)


def _ends(sizes: list[int], place: type[Any]) -> pa.Buffer:
    """Return where each text or list begins, and where the last one ends."""
    return pa.py_buffer(np.cumsum([0, *sizes], dtype=place))


def _validity(missing: Mask | None) -> pa.Buffer | None:
    if missing is None or not missing.any():
        return None
    return pa.py_buffer(np.packbits(~missing, bitorder="little"))


def _of_numpy(values: Numbers, missing: Mask | None, kind: pa.DataType) -> pa.Array:
    is_bits = values.dtype == np.bool_
    memory = np.packbits(values, bitorder="little") if is_bits else np.ascontiguousarray(values)
    return _array(kind, len(values), [_validity(missing), pa.py_buffer(memory)])


def _array(
    kind: pa.DataType, length: int, buffers: list[Any], children: list[pa.Array] | None = None
) -> pa.Array:
    array: pa.Array = pa.Array.from_buffers(kind, length, buffers, children=children)
    return array


def encodable(cell: Any) -> Any:
    """Return text (or a list of texts) that UTF-8 can hold: a lone surrogate becomes `\\udc80`.

    Text from the wire has none; a file name that is not UTF-8 has.
    """
    if isinstance(cell, list):
        return [encodable(item) for item in cell]
    if isinstance(cell, str) and not cell.isascii():
        return cell.encode("utf-8", "backslashreplace").decode("utf-8")
    return cell


def presence(cells: pa.Array) -> Mask:
    """Return for each cell whether it is there; False where it is null."""
    bits = cells.buffers()[0]
    if bits is None:
        return np.ones(len(cells), dtype=np.bool_)
    upto = cells.offset + len(cells)
    octets = np.frombuffer(bits, dtype=np.uint8)
    present = np.unpackbits(octets, count=upto, bitorder="little")[cells.offset :]
    return present.view(np.bool_)


def plain(values: Numbers, missing: Mask | None = None) -> pa.Array:
    """Return numbers or booleans as an array of their own type, null where `missing`."""
    kind = pa.from_numpy_dtype(values.dtype)
    if missing is not None and len(missing) and missing.all():
        nothing: pa.Array = pa.nulls(len(values), kind)
        return nothing
    return _of_numpy(values, missing, kind)


def times(values: Numbers) -> pa.Array:
    """Return integer nanoseconds as times; every number is one."""
    return _of_numpy(values.astype(np.int64, copy=False), None, TYPES[Kind.TIME])


def coded(column: Column, codes: npt.ArrayLike) -> pa.Array:
    """Return small integers as the cells of a category column; -1 is NA."""
    numbers = np.asarray(codes).astype(np.int8, copy=False)
    missing = numbers < 0
    return _categories(column, _of_numpy(numbers, missing, pa.int8()))


def _categories(column: Column, codes: pa.Array) -> pa.Array:
    categories = _texts(column.categories, pa.string(), np.int32)
    array: pa.Array = pa.DictionaryArray.from_arrays(codes, categories, ordered=is_ordered(column))
    return array
