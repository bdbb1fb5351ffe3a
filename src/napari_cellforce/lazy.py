"""Names of a package that are loaded when they are first used, so that importing it costs little."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module's ``__getattr__`` (PEP 562) that finds names in other modules.

    Parameters
    ----------
    package : str
        Name of the package that has the names.
    modules : mapping of str to str
        Name -> full name of the module that defines it.
    """

    def get(name: str) -> Any:
        if name in modules:
            return getattr(import_module(modules[name]), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get
