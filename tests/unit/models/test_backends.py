"""Every backend must compute what torch computes, and is asked to before it may; else torch computes."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import PixelSize
from napari_cellforce.models import checkpoint
from napari_cellforce.models.adhesion_unet import AdhesionUNet, AdhesionUNetConfig
from napari_cellforce.models.backends import (
    EAGER,
    NAMES,
    available_backends,
    cache,
    find_backend,
    make_engine,
    registry,
)
from napari_cellforce.models.backends.compiled import Compiled
from napari_cellforce.models.backends.openvino import OpenVINO
from napari_cellforce.models.backends.registry import Amp
from napari_cellforce.models.bottleneck.network import BottleneckConfig, PhysicalBottleneck
from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.models.network import NetworkPredictor
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.unet import StackConfig, UNet, UNetConfig

CPU = torch.device("cpu")
PIXEL = PixelSize.square(0.68)

needs_openvino = pytest.mark.skipif(bool(OpenVINO().install_hint()), reason="OpenVINO is an extra")
needs_a_compiler = pytest.mark.skipif(bool(Compiled().install_hint()), reason="needs a C++ compiler")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "compiled"))
    return tmp_path / "compiled"


def stirred(module: nn.Module) -> nn.Module:
    """Give every layer something to do, also those that start at zero."""
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return module.eval()


def tiny() -> UNet:
    """A network that is quickly compiled: a convolution, a cell, a convolution."""
    ends = StackConfig(2, 1), StackConfig(2, 0)
    return stirred(UNet(UNetConfig(width=2, levels=0, skip_blocks=0, prepend=ends[0], append=ends[1])))


def a_frame(channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A bright, speckled cell off the middle, on a frame whose sides are no round numbers."""
    y, x = np.indices((133, 171))
    mask = ((y - 60) / 41) ** 2 + ((x - 80) / 60) ** 2 < 1
    image = np.random.default_rng(0).random((channels, *mask.shape)) * mask
    image[-1] = mask if channels > 1 else image[-1]
    return image.astype(np.float32), mask


@dataclasses.dataclass
class Fake:
    """A backend that is off by so much of the largest value, or cannot do it at all."""

    off: float = 0.0
    fails: bool = False
    name: str = "fake"
    title: str = "Fake"
    devices: tuple[str, ...] = ("cpu",)
    tolerance: float = 1e-5
    missing: str = ""

    def install_hint(self) -> str:
        return self.missing

    def version(self) -> str:
        return "1"

    def build(self, part, _example, _multiple):
        if self.fails:
            raise RuntimeError("operator sin is not known\nlong trace")
        return Off(part, self.off)


class Off(nn.Module):
    def __init__(self, part, off) -> None:
        super().__init__()
        self.part, self.off = part, off

    def forward(self, x):
        result = self.part(x).clone()
        result[..., 0, 0] += self.off * result.abs().max()
        return result


class TestTheCheck:
    def test_one_that_tells_the_truth_is_used(self, small_unet):
        engine = make_engine(small_unet().module, CPU, Fake(off=5e-6))
        assert engine.description == "fake 1"

    @pytest.mark.parametrize("off", [3e-5, 1.0, float("nan"), float("inf")])
    def test_one_that_lies_in_a_single_pixel_is_refused_and_torch_computes(self, small_unet, off):
        module, x = small_unet().module, torch.rand(1, 1, 32, 48)
        with pytest.warns(CellForceWarning, match=r"Fake is not used: on small test images it differs"):
            engine = make_engine(module, CPU, Fake(off=off))
        assert engine.backend == EAGER
        with torch.inference_mode():
            expected = module(x)
            assert (engine.module(x) - expected).abs().max() < 1e-5 * expected.abs().max()

    def test_one_whose_result_has_another_shape_is_refused(self, small_unet):
        class Half(Fake):
            def build(self, part, _example, _multiple):
                return nn.Sequential(part, nn.AvgPool2d(2))

        with pytest.warns(CellForceWarning, match="differs from PyTorch"):
            assert make_engine(small_unet().module, CPU, Half()).backend == EAGER

    def test_one_that_knows_one_size_only_is_found_out(self, small_unet):
        class OneSize(Fake):
            def build(self, part, example, _multiple):
                answer = part(example)
                return type("Same", (nn.Module,), {"forward": lambda _self, _x: answer})()

        with pytest.warns(CellForceWarning, match="differs from PyTorch"):
            make_engine(small_unet().module, CPU, OneSize())

    def test_one_that_cannot_says_why_in_a_line(self, small_unet):
        with pytest.warns(CellForceWarning, match=r"prepared for this model \(operator sin is not known\)\."):
            assert make_engine(small_unet().module, CPU, Fake(fails=True)).backend == EAGER

    def test_mixed_precision_may_be_off_by_a_percent_and_no_more(self, small_unet):
        module = small_unet().module
        assert make_engine(module, CPU, Fake(off=5e-3, tolerance=Amp.tolerance)).backend == "fake"
        with pytest.warns(CellForceWarning, match="1e-02 is allowed"):
            make_engine(module, CPU, Fake(off=2e-2, tolerance=Amp.tolerance))

    def test_a_silent_network_is_no_division_by_zero(self):
        """A new adhesion U-Net draws nothing: 0 agrees with 0."""
        module = AdhesionUNet(AdhesionUNetConfig()).eval()
        assert make_engine(module, CPU, Fake()).backend == "fake"

    def test_the_sheet_is_left_to_torch_and_that_is_said(self):
        module = PhysicalBottleneck(BottleneckConfig()).eval()
        with pytest.warns(CellForceWarning, match="only PyTorch supports this kind"):
            assert make_engine(module, CPU, Fake()).backend == EAGER


@needs_openvino
def test_asked_by_name_for_a_sheet_it_is_said_and_torch_computes(tmp_path):
    module = PhysicalBottleneck(BottleneckConfig()).eval()
    record = ModelRecord("sheet", "physical-bottleneck", inputs=("zyxin", "mask"))
    path = checkpoint.save(tmp_path / "sheet.safetensors", module, record)
    with pytest.warns(CellForceWarning, match="OpenVINO is not used: only PyTorch supports sheet"):
        zoo.load_predictor(path, device="cpu", backend="openvino")


class TestTheChoice:
    def use(self, monkeypatch, **fake) -> Fake:
        backend = Fake(name="openvino", **fake)
        monkeypatch.setattr(registry, "_BACKENDS", (backend, Amp()))
        return backend

    def test_automatic_takes_openvino_if_it_is_there(self, monkeypatch):
        fake = self.use(monkeypatch)
        assert find_backend("auto", CPU) is fake
        self.use(monkeypatch, missing="Install it.")
        assert find_backend("auto", CPU) is None
        assert find_backend("eager", CPU) is None

    def test_asked_for_and_not_there_it_names_the_extra(self, monkeypatch):
        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
        with pytest.raises(CellForceError, match=r'pip install "napari-cellforce\[openvino\]"') as caught:
            find_backend("openvino", CPU)
        assert caught.value.topic == "backend"

    def test_a_name_that_nobody_has(self):
        with pytest.raises(CellForceError, match=f"available are {', '.join(NAMES)}"):
            find_backend("tensorflow", CPU)

    def test_a_device_that_it_does_not_know(self):
        with pytest.raises(CellForceError, match="it supports only cpu"):
            find_backend("openvino", torch.device("cuda"))
        with pytest.raises(CellForceError, match="it supports only cuda and mps"):
            find_backend("amp", CPU)

    def test_on_cuda_it_is_mixed_precision_and_on_a_mac_torch_as_it_is(self):
        assert find_backend("auto", torch.device("cuda")).name == "amp"
        assert find_backend("auto", torch.device("mps")) is None

    def test_the_list_says_what_is_lacking(self, monkeypatch):
        self.use(monkeypatch, missing="Install it.")
        assert [(row.name, row.install_hint) for row in available_backends(CPU)] == [
            ("eager", ""),
            ("openvino", "Install it."),
        ]
        assert [row.name for row in available_backends(torch.device("mps"))] == ["eager", "amp"]


@needs_openvino
class TestUncertainty:
    def test_it_needs_dropout_hence_torch(self, small_unet):
        """OpenVINO would leave dropout out, and be certain of everything."""
        network = NetworkPredictor(small_unet(dropout=0.3), device="cpu", samples=4, backend="auto")
        result = network.predict_frame(*a_frame(), PIXEL)
        assert network.backend.startswith(EAGER)
        assert result.uncertainty.max() > 0

    def test_which_is_said_to_those_who_asked_for_another(self, small_unet):
        with pytest.warns(CellForceWarning, match="OpenVINO is not used: only PyTorch supports uncertainty"):
            NetworkPredictor(small_unet(dropout=0.3), device="cpu", samples=4, backend="openvino")


def loaded(kind: str, small_unet) -> LoadedModel:
    if kind == "unet-sim":
        return zoo.load_weights("unet-sim")
    modules = {
        "unet": lambda: small_unet().module,
        "adhesion-unet": lambda: AdhesionUNet(AdhesionUNetConfig()),
        "gfnn": lambda: GFNN(GFNNConfig(width=8, size=64)),
        "gfnn, published": lambda: GFNN(GFNNConfig(form="published", width=8, size=192)),
    }
    module = stirred(modules[kind]())
    inputs = ("zyxin", "mask") if kind == "adhesion-unet" else ("zyxin",)
    grid = getattr(module.config, "grid", None)
    return LoadedModel(module, ModelRecord(kind, kind, inputs=inputs, grid=grid, mask_margin=3.0))


def off(model: LoadedModel, backend: str, frame) -> float:
    """How far a backend's traction is from torch's, in parts of the largest."""
    results = [
        NetworkPredictor(model, device="cpu", backend=name).predict_frame(*frame, PIXEL).traction
        for name in (EAGER, backend)
    ]
    return float(np.abs(results[1] - results[0]).max() / np.abs(results[0]).max())


BUNDLED = [entry.name for entry in zoo.entries() if entry.file and not entry.imported]
KINDS = ["unet", "unet-sim", "adhesion-unet", "gfnn", "gfnn, published"]


@needs_openvino
class TestOpenVINO:
    @pytest.mark.parametrize("kind", KINDS)
    def test_it_computes_what_torch_computes(self, kind, small_unet):
        model = loaded(kind, small_unet)
        network = NetworkPredictor(model, device="cpu", backend="openvino")
        assert network.backend.startswith("openvino 2"), "it was not refused"
        assert off(model, "openvino", a_frame(len(model.record.inputs))) < 1e-5

    @pytest.mark.parametrize("name", BUNDLED)
    def test_every_bundled_model_predicts_the_same(self, name):
        reads = zoo.entry(name).inputs
        image, mask = a_frame(len(reads))
        frame = (image if reads[-1] == "mask" else np.abs(image), mask, PIXEL)
        plain, automatic = (zoo.load_predictor(name, device="cpu", backend=b) for b in (EAGER, "auto"))
        expected, found = (p.predict_frame(*frame).traction for p in (plain, automatic))
        assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()

    def test_the_downloaded_gfnn_too(self):
        name = "gfnn-schmitt2024"
        if not zoo.is_available(name):
            pytest.skip("the authors' weights are not on this computer")
        model = zoo.load_weights(name)
        assert NetworkPredictor(model, device="cpu", backend="openvino").backend.startswith("openvino")
        assert off(model, "openvino", a_frame()) < 1e-5

    def test_potentials_come_along(self, small_unet):
        model = loaded("gfnn", small_unet)
        potentials = [
            NetworkPredictor(model, device="cpu", backend=name).read_frame(*a_frame(), PIXEL).scalars
            for name in (EAGER, "openvino")
        ]
        for name, expected in potentials[0].items():
            largest = max(np.abs(expected).max(), 1e-6)
            assert np.abs(potentials[1][name] - expected).max() < 1e-4 * largest, name

    def test_same_in_same_out(self, small_unet):
        network = NetworkPredictor(small_unet(), device="cpu", backend="openvino")
        first, second = (network.predict_frame(*a_frame(), PIXEL).traction for _ in range(2))
        assert np.array_equal(first, second)

    @pytest.mark.slow
    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads memory from /proc")
    def test_memory_does_not_grow_with_the_sizes_that_were_seen(self):
        """A cell that moves has another size in every frame. Without a limit it is half a megabyte each."""

        def megabytes() -> int:
            status = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) >> 10

        network = make_engine(stirred(GFNN(GFNNConfig(width=32))), CPU, OpenVINO()).module
        sizes = [(40 + n // 20, 40 + n % 20) for n in range(400)]
        with torch.inference_mode():
            for size in sizes[:200]:
                network.sources(torch.rand(1, 1, *size))
            before = megabytes()
            for size in sizes[200:]:
                network.sources(torch.rand(1, 1, *size))
        assert megabytes() - before < 30

    def test_nobody_is_told(self, small_unet):
        """OpenVINO's package for telemetry stays out, also where it is installed."""
        before = set(sys.modules)
        make_engine(small_unet().module, CPU, OpenVINO())
        assert not [name for name in set(sys.modules) - before if name.startswith("openvino_telemetry")]


@needs_openvino
class TestTheCache:
    def build(self, module):
        with warnings.catch_warnings():
            warnings.simplefilter("error", CellForceWarning)
            engine = make_engine(module, CPU, OpenVINO())
        assert engine.backend == "openvino"
        return engine.module(torch.ones(1, 1, 32, 48))

    def converted(self, monkeypatch) -> list[str]:
        """Remember every conversion."""
        from napari_cellforce.models.backends import openvino

        convert, done = openvino._converted, []
        monkeypatch.setattr(openvino, "_converted", lambda *a: (done.append("converted"), convert(*a))[1])
        return done

    def test_a_network_is_converted_once(self, own_cache, monkeypatch):
        module, done = tiny(), self.converted(monkeypatch)
        first, second = self.build(module), self.build(module)
        assert done == ["converted"]
        assert torch.equal(first, second)
        assert len(list(own_cache.iterdir())) == 1

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda _whole: b"",
            lambda whole: whole[: len(whole) // 2],
            lambda whole: whole[:-9] + bytes(9),
            lambda whole: b"x" * len(whole),
        ],
        ids=["empty", "cut", "bits", "nonsense"],
    )
    def test_what_is_damaged_is_made_anew(self, own_cache, monkeypatch, spoil):
        module, done = tiny(), self.converted(monkeypatch)
        expected = self.build(module)
        (entry,) = own_cache.iterdir()
        whole = entry.read_bytes()
        entry.write_bytes(spoil(whole))
        assert torch.equal(self.build(module), expected)
        assert done == 2 * ["converted"]
        assert cache.read(entry.name) is not None, "what lies there is whole again"

    def test_what_is_whole_and_yet_no_network_is_made_anew(self, own_cache):
        module = tiny()
        expected = self.build(module)
        (entry,) = own_cache.iterdir()
        cache.write(entry.name, b"\x05" + bytes(7) + b"<net>" + b"weights")
        assert torch.equal(self.build(module), expected)

    def test_other_weights_and_other_versions_are_other_entries(self, own_cache, monkeypatch):
        module = tiny()
        self.build(module)
        with torch.no_grad():
            next(module.parameters()).view(-1)[0] += 1e-3
        self.build(module)
        monkeypatch.setattr(OpenVINO, "version", lambda _self: "2099.1")
        self.build(module)
        assert len(list(own_cache.iterdir())) == 3

    def test_a_folder_that_cannot_be_written_is_no_hindrance(self, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "file" / "compiled"))
        self.build(tiny())

    def test_the_oldest_go_first(self, own_cache, monkeypatch):
        monkeypatch.setattr(cache, "_KEPT", 3)
        for n in range(3):
            cache.write(f"{n}", b"network")
            os.utime(own_cache / f"{n}", (time.time() - 100 + n, time.time() - 100 + n))
        assert cache.read("0") == b"network", "which makes it the youngest"
        cache.write("3", b"network")
        assert sorted(path.name for path in own_cache.iterdir()) == ["0", "2", "3"]


class TestMixedPrecision:
    """On a CPU, whose half precision is bfloat16, for want of a graphics card."""

    def test_it_is_used_where_it_is_good_enough(self, small_unet):
        backend = Amp(torch.bfloat16)
        backend.tolerance = 0.1
        engine = make_engine(small_unet().module, CPU, backend)
        result = engine.module(torch.ones(1, 1, 32, 48))
        assert engine.backend == "amp"
        assert result.dtype == torch.float32

    def test_and_refused_where_it_is_not(self, small_unet):
        backend = Amp(torch.bfloat16)
        backend.tolerance = 1e-5
        with pytest.warns(CellForceWarning, match="mixed precision is not used"):
            assert make_engine(small_unet().module, CPU, backend).backend == EAGER


class TestFramesTogether:
    @pytest.mark.parametrize("kind", KINDS)
    def test_they_give_what_single_frames_give(self, kind, small_unet):
        """Cells of two sizes among each other; three frames fit at once."""
        model = loaded(kind, small_unet)
        image, mask = a_frame(len(model.record.inputs))
        masks = [mask, mask[::-1], mask & (np.arange(171) < 70), mask[:, ::-1], mask]
        images = [image * m * (1 + n) for n, m in enumerate(masks)]
        together = NetworkPredictor(model, device="cpu", frames_at_once=3).predict_frames(
            images, masks, PIXEL
        )
        single = NetworkPredictor(model, device="cpu")
        assert single.frames_at_once == 1
        for result, one, other in zip(together, images, masks, strict=True):
            expected = single.predict_frame(one, other, PIXEL)
            largest = np.abs(expected.traction).max()
            assert np.abs(result.traction - expected.traction).max() < 1e-5 * largest
            assert set(result.scalars) == set(expected.scalars)

    def test_with_dropout_each_has_random_numbers_of_its_own(self, small_unet):
        network = NetworkPredictor(small_unet(dropout=0.2), device="cpu", samples=3, frames_at_once=8)
        assert network.frames_at_once == 1

    @pytest.mark.parametrize("kind", ["unet", "adhesion-unet", "gfnn"])
    def test_a_batch_stays_on_its_device(self, kind, small_unet):
        """On the meta device there are shapes, and no values to copy from elsewhere."""
        model = loaded(kind, small_unet)
        engine = make_engine(model.module, torch.device("meta"))
        result = engine.module(torch.zeros(4, len(model.record.inputs), 64, 64, device="meta"))
        assert result.device.type == "meta"
        assert result.shape == (4, 2, 64, 64)


@needs_a_compiler
class TestCompiled:
    @pytest.mark.slow
    @pytest.mark.timeout(900)
    def test_it_computes_what_torch_computes_and_is_compiled_once(self, small_unet, monkeypatch):
        from napari_cellforce.models.backends import compiled

        model = loaded("unet", small_unet)
        assert NetworkPredictor(model, device="cpu", backend="compile").backend.startswith("compile")
        monkeypatch.setattr(compiled, "_compiled", lambda *_: pytest.fail("compiled again"))
        assert off(model, "compile", a_frame()) < 1e-5

    def test_what_the_library_was_not_made_for_torch_computes(self, small_unet, monkeypatch):
        """One pixel, as the Green's-function network asks what no protein gives; or two frames."""
        from napari_cellforce.models.backends import compiled

        monkeypatch.setattr(torch._inductor, "aoti_load_package", lambda _: lambda _x: pytest.fail("library"))
        part = small_unet().module
        library = compiled._Library(part, b"", 8)
        for shape in ((1, 1, 4, 16), (2, 1, 16, 16)):
            assert library(torch.ones(shape)).shape == (shape[0], 2, *shape[2:])
