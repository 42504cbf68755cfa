"""Kernels compiled beforehand, which lie in the package: a fresh machine starts as fast as one that has run before.

The archive of a kind of machine holds what Python calls of the kernels, each under the hash of all that decides its code
(`kernel_identity`). What it does not hold, of changed source or for another machine, Python or numba, is compiled as ever.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import io
import json
import pickle
import platform
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from provenance.files.kernel_identity import kernel_identity

#: What kernels are compiled for: processors since 2013. An archive holds no code for more, so that it runs on all of them.
PROCESSOR = "x86-64-v3"
_NEEDED = ("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "popcnt")
_FOLDER = Path(__file__).resolve().parent / "data"
_BUILD = "build.json"
#: numba's own module of what a kernel is, patched when it is loaded; a command without kernels does not load numba at all.
_DISPATCHER = "numba.core.dispatcher"


class Archive:
    """A file of compiled kernels, by their identities; empty where the file is none or not for this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.used: dict[str, bytes] = {}  # what was asked for and found

    @cached_property
    def _kernels(self) -> zipfile.ZipFile | None:
        try:
            # in memory: an open file's place would be shared with processes that are forked from this one
            kernels = zipfile.ZipFile(io.BytesIO(self.path.read_bytes()))
            return kernels if json.loads(kernels.read(_BUILD)) == build() and _fits() else None
        except (OSError, KeyError, ValueError, zipfile.BadZipFile):
            return None

    def get(self, identity: str) -> bytes | None:
        """The kernel of this identity, where there is one."""
        try:
            found = self._kernels.read(identity) if self._kernels is not None else None
        except (KeyError, zipfile.BadZipFile):
            return None
        if found is not None:
            self.used[identity] = found
        return found


def write_archive(path: Path, kernels: Mapping[str, bytes]) -> None:
    """Write an archive: the same bytes for the same kernels."""
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in [(_BUILD, json.dumps(build()).encode()), *sorted(kernels.items())]:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def archive_path() -> Path:
    """The archive for this kind of machine and this Python."""
    return _FOLDER / f"kernels-{sys.platform}-{platform.machine()}-{sys.implementation.cache_tag}.zip"


def build() -> dict[str, str]:
    """What has to be the same where kernels are compiled and where they run, apart from the processor."""
    packages = {name: importlib.metadata.version(name) for name in ("numba", "llvmlite")}
    numpy = importlib.metadata.version("numpy").split(".")[0]  # the layout of an array
    return {**packages, "numpy": numpy, "python": importlib.util.MAGIC_NUMBER.hex(), "processor": PROCESSOR}


def _fits() -> bool:
    """Whether this processor has all that the code may use."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return all(features.get(name, False) for name in _NEEDED)


#: The archive that every kernel of this process looks in.
ARCHIVE = Archive(archive_path())


class ReadyCache:
    """A kernel's cache: first the archive, then the one it would have had.

    Attributes:
        dispatcher: the kernel.
        inner: numba's cache of it.
    """

    def __init__(self, dispatcher: Any, inner: Any) -> None:
        self.dispatcher, self.inner = dispatcher, inner

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled for these types of arguments, or None."""
        data = ARCHIVE.get(identity(self.dispatcher, sig))
        if data is None:
            return self.inner.load_overload(sig, target_context)
        from numba.core.compiler import CompileResult

        target_context.refresh()
        return CompileResult._rebuild(target_context, *pickle.loads(data))  # type: ignore[no-untyped-call]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def identity(dispatcher: Any, sig: Any) -> str:
    """Identity of a kernel for a signature, given as numba gives it: types of arguments, or with that of the result."""
    types: Sequence[Any] = getattr(sig, "args", sig)
    return kernel_identity(dispatcher.py_func, dispatcher.targetoptions, tuple(types))


def packed(compiled: Any) -> bytes:
    """A compiled kernel (numba's `CompileResult`) as an archive holds it."""
    from numba.core.serialize import dumps

    library, described, environment, signature, objectmode, lifted, _, reloaded, environments = (
        compiled._reduce()
    )
    # the text that explains types to people is left out
    parts = (library, described, environment, signature, objectmode, lifted, "", reloaded, environments)
    return bytes(dumps(parts))  # type: ignore[no-untyped-call]


def use_ready_kernels() -> None:
    """Let kernels that are defined from now on come from the archive."""
    if not archive_path().exists():
        return
    if _DISPATCHER in sys.modules:
        _patch(sys.modules[_DISPATCHER])
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _patch(module: Any) -> None:
    kind = module.Dispatcher
    inner: Callable[[Any], None] = kind.enable_caching
    if getattr(inner, "ready", False):
        return

    def enable_caching(self: Any) -> None:
        inner(self)
        if self.py_func.__module__.split(".")[0] == __name__.split(".")[0]:
            self._cache = ReadyCache(self, self._cache)

    enable_caching.ready = True  # type: ignore[attr-defined]
    kind.enable_caching = enable_caching


class _Finder(importlib.abc.MetaPathFinder):
    """Patches numba when it is imported."""

    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _DISPATCHER:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                run(module)
                _patch(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
