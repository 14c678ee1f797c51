"""Parquet gives the same DataFrame back."""

from __future__ import annotations

import io

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tables.formats.samples import HOSTILE, frames, full, headers, written
from tables.recordings import recording
from wsanalyze.tables.build import Tables
from wsanalyze.tables.formats import parquet
from wsanalyze.tables.schema import TABLES


@pytest.mark.parametrize("table", TABLES)
def test_same_dtypes_and_cells(table: str) -> None:
    for tables in (full(), Tables(recording([], captures=[]))):
        rows = tables.table(table)
        read = pd.read_parquet(io.BytesIO(written("parquet", table, rows)))
        lists = {name for name in rows.columns if rows[name].dtype == object}
        kept = [name for name in rows.columns if name not in lists]
        if rows.empty:
            # Parquet keeps categories with the rows.
            kept = [name for name in kept if not isinstance(rows[name].dtype, pd.CategoricalDtype)]
        pd.testing.assert_frame_equal(read[kept], rows[kept], check_index_type=False)
        for name in lists:
            found = [None if items is None else list(items) for items in read[name]]
            assert found == rows[name].tolist()


def test_text_from_the_wire_is_exact() -> None:
    read = pd.read_parquet(io.BytesIO(written("parquet", "headers", headers())))
    assert read["value"].tolist() == HOSTILE


def test_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 4)
    rows = frames(10)
    read = pd.read_parquet(io.BytesIO(written("parquet", "frames", rows)))
    pd.testing.assert_frame_equal(read, rows)


def test_hexadecimal_digits_are_encoded_without_their_lengths() -> None:
    written_file = pq.ParquetFile(io.BytesIO(written("parquet", "frames", frames(1000))))
    place = TABLES["frames"].names.index("masking_key")
    chunk = written_file.metadata.row_group(0).column(place)
    assert chunk.path_in_schema == "masking_key"
    assert "DELTA_LENGTH_BYTE_ARRAY" in chunk.encodings
    # Eight digits each, and little beside them.
    assert chunk.total_uncompressed_size < 1000 * 8 + 200
