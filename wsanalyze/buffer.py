# cython: language_level=3, wraparound=False, initializedcheck=False
"""A stretch of bytes that the kernels read in place, bounds-checked, without copying."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython


@cython.final
@cython.cclass
class Buffer:
    """Bytes that are handed from layer to layer as `(buffer, start, stop)`.

    `view` is a read-only view of `data` (bytes, bytearray, memoryview or mmap), one byte per item.
    A kernel reads `buffer.view[i]`; an index outside raises IndexError, compiled or not.
    A Buffer is a small object on purpose: passing it on costs one pointer.
    """

    def __init__(self, data: object) -> None:
        self.view = memoryview(data).cast("B")  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.view)

    def copy(self, start: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> bytes:
        """Return the bytes [start, stop) as an object of their own."""
        # A view of a view costs more than what most copies are made of.
        if cython.compiled and 0 <= start < stop <= len(self.view):
            source: cython.p_const_uchar = cython.address(self.view[0])
            copied: bytes = source[start:stop]  # type: ignore[assignment, index]  # C has it
            return copied
        return bytes(self.view[start:stop])
