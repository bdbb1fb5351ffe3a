"""Microscope makers' formats: read where bioio has a reader for them, else told what to install.

No maker's reader is installed here: one of our own is registered with bioio as theirs would be.
"""

# ruff: noqa: ARG002, ARG004, ARG005 (bioio prescribes the signatures)
from __future__ import annotations

import sys
from collections import OrderedDict
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_cellforce import io
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize

bioio = pytest.importorskip("bioio")
bioio_base = pytest.importorskip("bioio_base")

SHAPE = (3, 2, 4, 6, 9)
"""T, C, Z, Y, X of every position."""


def position(index: int) -> np.ndarray:
    return np.arange(np.prod(SHAPE), dtype=np.uint16).reshape(SHAPE) + np.uint16(5000 * index)


class LifReader(bioio_base.reader.Reader):
    """What bioio-lif would be: as many positions as the file has lines."""

    def __init__(self, image: Any, fs_kwargs: Any = None, **kwargs: Any) -> None:
        self._names = tuple(Path(image).read_text().split())

    @staticmethod
    def _is_supported_image(fs: Any, path: str, **kwargs: Any) -> bool:
        return True

    @property
    def scenes(self) -> tuple[str, ...]:
        if "broken" in self._names:
            raise OSError("bad block")
        return self._names

    def _read_delayed(self) -> Any:
        import dask.array as da

        return self._array(da.from_array(position(self.current_scene_index), chunks=(1, 1, 4, 6, 9)))

    def _read_immediate(self) -> Any:
        return self._array(position(self.current_scene_index))

    @staticmethod
    def _array(values: Any) -> Any:
        import xarray

        return xarray.DataArray(values, dims=list("TCZYX"), coords={"C": ["zyxin", "actin"]})

    @property
    def physical_pixel_sizes(self) -> Any:
        return bioio_base.types.PhysicalPixelSizes(1.0, 0.17, 0.18)

    @property
    def time_interval(self) -> Any:
        return timedelta(seconds=90)


class LifMetadata(bioio_base.reader_metadata.ReaderMetadata):
    @staticmethod
    def get_supported_extensions() -> list[str]:
        return [".lif"]

    @staticmethod
    def get_reader() -> Any:
        return LifReader


@pytest.fixture
def lif_installed(monkeypatch):
    entry = bioio.plugins.PluginEntry(EntryPoint("bioio-lif", "x", "bioio.readers"), LifMetadata)
    monkeypatch.setattr(bioio.bio_image, "get_plugins", lambda use_cache: OrderedDict({".lif": [entry]}))


def lif(path: Path, *names: str) -> Path:
    path.write_text("\n".join(names))
    return path


def test_a_file_with_one_position_is_read(tmp_path, lif_installed):
    path = lif(tmp_path / "a.lif", "control")
    stack = io.read(path, z="max")
    np.testing.assert_array_equal(stack.data, position(0).max(axis=2))
    assert (stack.name, stack.channel_names) == ("a", ("zyxin", "actin"))
    assert stack.pixel_size == PixelSize(0.17, 0.18, "file")
    assert stack.frame_interval == pytest.approx(1.5)
    assert (io.detect_kind(path), io.images_in(path)) == ("image", (path,))


def test_planes_are_asked_for_as_ever(tmp_path, lif_installed):
    with pytest.raises(CellForceError, match="4 planes"):
        io.read(lif(tmp_path / "a.lif", "control"))


def test_each_of_several_positions_has_a_path_of_its_own(tmp_path, lif_installed):
    path = lif(tmp_path / "a.lif", "control", "drug")
    with pytest.raises(CellForceError, match=r"2 images: 0 \(control\), 1 \(drug\)"):
        io.read(path)
    stacks = [io.read(image, z=1) for image in io.images_in(path)]
    for index, stack in enumerate(stacks):  # each stays what it is when the others are opened
        np.testing.assert_array_equal(stack.data, position(index)[:, :, 1])
    assert [stack.name for stack in stacks] == ["a_0", "a_1"]
    with pytest.raises(CellForceError, match="has no image 2"):
        io.read(path / "2")


def test_a_broken_file_is_told_in_words(tmp_path, lif_installed):
    with pytest.raises(CellForceError, match=r"cannot be read \(OSError: bad block\)"):
        io.read(lif(tmp_path / "a.lif", "broken"))


@pytest.mark.parametrize("format_", ["nd2", "czi", "lif"])
def test_without_the_format_s_package_it_is_named(tmp_path, format_):
    with pytest.raises(CellForceError, match=rf"pip install bioio-{format_}\)"):
        io.read(lif(tmp_path / f"a.{format_}", "control"))


def test_without_bioio_both_are_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bioio", None)
    with pytest.raises(CellForceError, match=r'pip install "napari-cellforce\[formats\]" bioio-nd2'):
        io.read(lif(tmp_path / "a.nd2", "control"))
