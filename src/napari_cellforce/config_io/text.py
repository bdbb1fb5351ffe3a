"""Text of settings and records: YAML and JSON as plain values, with errors that name the file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_cellforce.errors import CellForceError, Topic

if TYPE_CHECKING:
    import yaml


def read_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a file in UTF-8.

    Raises
    ------
    CellForceError
        If there is no such file, or it is no text.
    """
    try:
        return Path(path).expanduser().read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or "there is no such file").lower()
        raise _refusal(f"cannot read {path}", reason, "Choose a file that exists.") from error
    except UnicodeDecodeError as error:
        raise _refusal(
            f"{path} is no text", "it must be YAML or JSON in UTF-8", "Save it as UTF-8."
        ) from error


def parse_mapping(text: str, source: str = "", *, yaml_too: bool = True) -> dict[str, Any]:
    """Return the entries of a text in JSON, or in YAML.

    Parameters
    ----------
    text : str
    source : str
        Name of the file, for messages.
    yaml_too : bool
        False to accept JSON only.

    Raises
    ------
    CellForceError
        If it is neither, holds an entry twice, or is not a mapping of names to values.
    """
    name = source or "the text"
    entries = _parse(text, name, yaml_too=yaml_too)
    if not isinstance(entries, Mapping):
        raise _refusal(
            f"{name} holds no settings", "each entry is a name and a value", "Choose another file."
        )
    return {str(key): value for key, value in entries.items()}


def _parse(text: str, name: str, *, yaml_too: bool) -> Any:
    remedy = "Correct the file."
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, name))
    except RecursionError as error:
        raise _refusal(f"{name} is nested too deeply", "settings are a few levels deep", remedy) from error
    except json.JSONDecodeError as error:
        if not yaml_too:
            raise _refusal(f"{name} is not JSON", str(error), remedy) from error
    import yaml

    try:
        return yaml.load(text, _loader())  # derived from SafeLoader
    except RecursionError as error:
        raise _refusal(f"{name} is nested too deeply", "settings are a few levels deep", remedy) from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise _refusal(f"{name} is neither YAML nor JSON", reason, remedy) from error


def _unique(pairs: list[tuple[str, Any]], name: str) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _refusal(f"{name} holds {twice} twice", "each setting has one value", "Remove one of them.")
    return entries


@cache
def _loader() -> type[yaml.SafeLoader]:
    """Return YAML's safe loader, which refuses duplicate keys and reads ``1e-3`` as a number.

    Of YAML 1.1 it leaves out dates and numbers of base 60, so that ``08:00:00`` stays a text.
    """
    import re

    import yaml

    class Loader(yaml.SafeLoader):
        """Reads plain values."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            for i, key in enumerate(keys):
                if key in keys[:i]:
                    raise yaml.MarkedYAMLError(problem=f"{key} is there twice", problem_mark=node.start_mark)
            return super().construct_mapping(node, deep)

    left_out = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag not in left_out]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    number = re.compile(
        r"^[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"
    )
    whole = re.compile(r"^[-+]?(0|[1-9][\d_]*|0x[0-9a-fA-F]+)$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:int", whole, list("-+0123456789"))
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789."))
    return Loader


def _refusal(value: str, rule: str, remedy: str) -> CellForceError:
    return CellForceError(value, rule, remedy, topic=Topic.SETTINGS)
