"""Provenance of a result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_cellforce.config_io import parse_mapping, record_from_mapping, record_to_mapping


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
        See `napari_cellforce.resume.Fingerprint`.
    date : str
        ISO 8601 in UTC.
    extra : mapping
        Entries that a later version has written.
    """

    model: str = ""
    model_sha256: str = ""
    version: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    input_file: str = ""
    input_fingerprint: Mapping[str, Any] = field(default_factory=dict)
    date: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return all entries as one JSON object."""
        return json.dumps(record_to_mapping(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, *, source: str = "the provenance") -> Provenance:
        """Read what `to_json` wrote; entries of later versions are kept and reported.

        Raises
        ------
        CellForceError
            If it is no such record.
        """
        return record_from_mapping(cls, parse_mapping(text, source, yaml_too=False), source=source)
