"""Settings kept between sessions: napari's Preferences page, and the last settings of each panel."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_cellforce import files
from napari_cellforce.layers import ArrowStyle

PLUGIN = "napari-cellforce"


@dataclass(frozen=True)
class Preferences:
    """Settings of napari's Preferences page (declared under ``configurations:`` in ``napari.yaml``).

    Attributes
    ----------
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    model_folder : str
        Folder of downloaded and imported models; empty for the user's data folder.
    arrows : ArrowStyle
    """

    device: str = "auto"
    model_folder: str = ""
    arrows: ArrowStyle = field(default_factory=ArrowStyle)

    @classmethod
    def load(cls) -> Preferences:
        """Read the page; defaults if the plugin is not registered in napari (in tests, for example)."""
        with contextlib.suppress(ImportError, KeyError):
            from napari.settings import get_plugin_settings

            page = get_plugin_settings(PLUGIN)
            arrows = ArrowStyle(
                length=page.arrows.length, width=page.arrows.width, colormap=page.arrows.colormap
            )
            return cls(page.models.device, page.models.folder, arrows)
        return cls()


class Memory:
    """Last settings of the panels, in a small JSON file.

    Parameters
    ----------
    path : Path, optional
        Default: in the user's configuration folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        from platformdirs import user_config_path

        self._path = path or user_config_path(PLUGIN, appauthor=False) / "panels.json"

    def recall(self, panel: str) -> dict[str, Any]:
        """Return the stored settings of a panel; empty the first time, or if the file is damaged."""
        values = self._everything().get(panel)
        return values if isinstance(values, dict) else {}

    def remember(self, panel: str, values: dict[str, Any]) -> None:
        """Store the settings of a panel; errors of writing are ignored."""
        with contextlib.suppress(ValueError, OSError):
            files.write_text(self._path, json.dumps({**self._everything(), panel: values}, indent=1))

    def _everything(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            values = json.loads(self._path.read_text(encoding="utf-8"))
            return values if isinstance(values, dict) else {}
        return {}
