"""What a compiled kernel depends on, as one hash: its code, its options, and what it calls and reads, however far down.

numba's own cache looks at the file of a kernel alone, so it goes on using one whose callees in other modules have changed.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

_OURS = "provenance"


def kernel_identity(function: Callable[..., Any], options: dict[str, Any], types: tuple[Any, ...]) -> str:
    """Name of one compiled form of a kernel: equal where source, options, constants, callees and argument types are.

    Args:
        function: the Python function of the kernel.
        options: those it is compiled with (`targetoptions` of its dispatcher).
        types: numba's types of its arguments.
    """
    assert isinstance(function, FunctionType)
    place = f"{function.__module__}.{function.__qualname__}"
    parts = [*_parts(function, set()), f"{sorted(options.items())!r}", ", ".join(map(str, types))]
    return f"{place}-{hashlib.sha256(chr(0).join(parts).encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def _parts(function: FunctionType, seen: set[int]) -> Iterator[str]:
    """What decides the machine code of a function, in an order that does not depend on the process."""
    if id(function) in seen:
        return
    seen.add(id(function))
    yield f"{function.__module__}.{function.__qualname__}"
    yield repr((function.__defaults__, function.__kwdefaults__))
    yield from _code(function.__code__, function.__doc__)
    names = set(_names(function.__code__))
    for name in sorted(names & function.__globals__.keys()):
        yield name
        yield from _value(function.__globals__[name], names, seen)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield name
        yield from _value(cell.cell_contents, names, seen)


def _code(code: CodeType, doc: str | None) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr((code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_argcount))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant, None)
        elif constant is None or constant != doc:  # words about a kernel are no part of it
            yield _plain(constant)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _value(value: Any, names: set[str], seen: set[int]) -> Iterator[str]:
    """What a kernel sees of a name that it does not define."""
    inner = getattr(value, "py_func", None)
    if inner is not None:
        yield f"{sorted(value.targetoptions.items())!r}"
        yield from _parts(inner, seen)
    elif isinstance(value, ModuleType):
        yield value.__name__
        if value.__name__.split(".")[0] == _OURS:
            for name in sorted(names & vars(value).keys()):
                yield from _value(vars(value)[name], set(), seen)
    elif _is_array(value):
        yield _array(value)
    elif isinstance(value, FunctionType):
        yield from _parts(value, seen) if value.__module__.split(".")[0] == _OURS else (value.__qualname__,)
    elif isinstance(value, type):
        yield f"{value.__module__}.{value.__qualname__}{getattr(value, '_fields', '')}"
    else:
        yield _plain(value)


def _plain(value: Any) -> str:
    """A constant as text: sets in one order, arrays within tuples by their bytes."""
    if isinstance(value, frozenset | set):
        return f"{{{', '.join(sorted(map(_plain, value)))}}}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_plain, value))})"
    if _is_array(value):
        return _array(value)
    # Equal numbers can be written differently: True, 1 and 1.0, and 0.0 and -0.0.
    return _text(value) if isinstance(value, Hashable) and not isinstance(value, float) else repr(value)


def _is_array(value: Any) -> bool:
    """Whether a value is an array; who has one has loaded numpy."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _array(value: Any) -> str:
    digest = hashlib.sha256(value.tobytes()).hexdigest()
    return f"{value.dtype.str}{value.shape}{value.flags.writeable}{digest}"


@lru_cache(maxsize=None, typed=True)
def _text(value: Hashable) -> str:
    return repr(value)
