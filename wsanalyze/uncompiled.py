"""A stand-in for the few names of the `cython` module that the kernels use.

The kernels are ordinary Python files that Cython can compile. Where they run uncompiled and
Cython is not installed, `cython` of this module takes the place of `import cython`: every
decorator hands its function back unchanged. Types in annotations are never looked up at run time.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")


def _unchanged(thing: T) -> T:
    return thing


def _unchanged_with(*_arguments: object, **_options: object) -> Callable[[T], T]:
    return _unchanged


def _cast(_type: object, value: Any) -> Any:
    """Return `value`: a cast only tells the compiler what it is."""
    return value


if TYPE_CHECKING:
    # The same module for a type checker, whichever a kernel imports (typings/cython.pyi).
    import cython as cython
else:
    cython = SimpleNamespace(
        compiled=False,
        cclass=_unchanged,
        cfunc=_unchanged,
        final=_unchanged,
        inline=_unchanged,
        exceptval=_unchanged_with,
        boundscheck=_unchanged_with,
        wraparound=_unchanged_with,
        cast=_cast,
        # Types that a cast names: unlike annotations, its arguments are evaluated.
        int=int,
        longlong=int,
        ulonglong=int,
        Py_ssize_t=int,
        double=float,
        uint=int,
        p_const_char=object,
        p_void=object,
    )
