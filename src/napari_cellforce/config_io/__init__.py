"""The one reader of settings: dataclasses with units, ranges and help, read strictly from YAML and JSON.

A dataclass of settings derives from `Settings`, and each of its fields is a `setting`::

    @dataclass(frozen=True)
    class OptimiseConfig(Settings):
        epochs: int = setting(50, help="Passes over the training cells, at most.", minimum=1)

Built in Python, from a mapping (`from_mapping`) or from a file (`read_settings`), a wrong value is refused
by name. Records of files (models, results) are read by `record_from_mapping`, which keeps what a later
version has written.
"""

from napari_cellforce.config_io.convert import (
    Settings,
    check_settings,
    from_json,
    from_mapping,
    read_settings,
    record_from_mapping,
    record_to_mapping,
    to_json,
    to_mapping,
)
from napari_cellforce.config_io.metadata import (
    Setting,
    SettingEntry,
    allowed,
    fields_of,
    setting,
    settings_of,
)
from napari_cellforce.config_io.options import CommandOption, changed_options, command_line, options_of
from napari_cellforce.config_io.text import parse_mapping, read_text

__all__ = [
    "CommandOption",
    "Setting",
    "SettingEntry",
    "Settings",
    "allowed",
    "changed_options",
    "check_settings",
    "command_line",
    "fields_of",
    "from_json",
    "from_mapping",
    "options_of",
    "parse_mapping",
    "read_settings",
    "read_text",
    "record_from_mapping",
    "record_to_mapping",
    "setting",
    "settings_of",
    "to_json",
    "to_mapping",
]
