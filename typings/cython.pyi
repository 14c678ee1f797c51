"""The few names of `cython` that the kernels use, as what they are in plain Python.

Our own, because Cython's are marked untyped: with this stub the kernels are checked as the
ordinary Python that they also are. A C integer is an `int`; whether it fits is for the tests.
"""

import builtins
from collections.abc import Callable
from typing import TypeAlias, TypeVar

_T = TypeVar("_T")

compiled: builtins.bool

bint: TypeAlias = builtins.bool
uchar: TypeAlias = builtins.int
int: TypeAlias = builtins.int
uint: TypeAlias = builtins.int
longlong: TypeAlias = builtins.int
ulonglong: TypeAlias = builtins.int
Py_ssize_t: TypeAlias = builtins.int
double: TypeAlias = builtins.float

class p_const_uchar:
    """`const unsigned char *`: compiled code only, behind `cython.compiled`."""

    def __add__(self, offset: builtins.int, /) -> p_uchar: ...
    def __getitem__(self, index: builtins.int, /) -> builtins.int: ...

class p_uchar(p_const_uchar):
    """`unsigned char *`."""

    def __setitem__(self, index: builtins.int, value: builtins.int, /) -> None: ...

def address(item: builtins.int, /) -> p_uchar: ...
def cast(type: type[_T], value: object, /) -> _T: ...

# Decorators change nothing that a type checker sees.
def cclass(thing: _T, /) -> _T: ...
def cfunc(thing: _T, /) -> _T: ...
def final(thing: _T, /) -> _T: ...
def inline(thing: _T, /) -> _T: ...
def exceptval(value: object = ..., /, *, check: builtins.bool = ...) -> Callable[[_T], _T]: ...
def boundscheck(on: builtins.bool, /) -> Callable[[_T], _T]: ...
def wraparound(on: builtins.bool, /) -> Callable[[_T], _T]: ...
