"""Stand-ins for the few names of the `cython` module that the kernels use.

The kernels are ordinary Python files that Cython can compile. Where they run uncompiled and
Cython is not installed, this module takes the place of `import cython`: every decorator hands
its function back unchanged. Types are never looked up at run time, because annotations are not
evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

compiled = False


def _unchanged(thing: T) -> T:
    return thing


def _unchanged_with(*_arguments: object, **_options: object) -> Callable[[T], T]:
    return _unchanged


cclass = cfunc = ccall = final = inline = _unchanged
exceptval = boundscheck = wraparound = cdivision = _unchanged_with


def cast(_type: object, value: Any) -> Any:
    """Return `value`: a cast only tells the compiler what it is."""
    return value
