"""Provenance of a result."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Provenance:
    """Provenance of a result, stored with it in layers and files.

    Attributes
    ----------
    model, model_sha256 : str
        Name and hash of the predictor; empty if none was used.
    version : str
        Version of this package.
    settings : mapping
        Settings chosen by the user, serialisable as JSON.
    input_file : str
        Path of the image; empty for data created in memory.
    input_fingerprint : mapping
        See `napari_cellforce.files.Fingerprint`.
    date : str
        ISO 8601 in UTC.
    """

    model: str = ""
    model_sha256: str = ""
    version: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    input_file: str = ""
    input_fingerprint: Mapping[str, Any] = field(default_factory=dict)
    date: str = ""

    def to_json(self) -> str:
        """Return all entries as one JSON object."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Provenance:
        """Read what `to_json` wrote; entries of later versions are ignored."""
        known = {f.name for f in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in json.loads(text).items() if key in known})
