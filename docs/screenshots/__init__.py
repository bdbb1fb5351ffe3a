"""The pictures of the documentation, one module a topic; ``docs/make_screenshots.py`` tells the stories.

Importing this gives napari a home of its own: no settings of whoever runs it, and only the built-in models.
"""

from __future__ import annotations

import os
import tempfile

_TEMPORARY = tempfile.TemporaryDirectory()
HOME = _TEMPORARY.name
"""A folder that is deleted at the end."""

os.environ |= {  # before napari is imported: it looks only then
    "QT_API": "pyqt6",
    "XDG_CONFIG_HOME": HOME,
    "NAPARI_CONFIG": f"{HOME}/napari.yaml",
    "CELLFORCE_MODEL_DIR": f"{HOME}/models",
}
