"""Names of a package that are loaded when they are first used, so that importing it costs little."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Return a module's ``__getattr__`` (PEP 562) that finds names in other modules.

    Parameters
    ----------
    package : str
        Name of the package that has the names. None of them may be the name of one of its modules, which
        Python would put in its place.
    modules : mapping of str to sequence of str
        Full name of a module -> names that it defines.
    """
    places = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(places[name]), name)

    return get
