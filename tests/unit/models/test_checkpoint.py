from __future__ import annotations

import dataclasses
import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from napari_cellforce import files
from napari_cellforce.config_io import from_mapping
from napari_cellforce.errors import CellForceError
from napari_cellforce.models.checkpoint import load, save
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.unet import UNet, UNetConfig

FIRST = "prepended_layers.0.weight"


def refused(path, *words: str, **how) -> CellForceError:
    with pytest.raises(CellForceError) as caught:
        load(path, **how)
    assert caught.value.topic == "model"
    for word in words:
        assert word in str(caught.value)
    return caught.value


@pytest.fixture
def own(tmp_path, small_unet):
    """A U-Net in our format."""
    loaded = small_unet(dropout=0.1, inputs=("zyxin", "actin"), limits="only a test")
    return save(tmp_path / "own.safetensors", loaded.module, loaded.record), loaded


def rewritten(path, change_record=None, change_tensors=None):
    """Write the model at `path` again with another record or other tensors."""
    tensors = load_file(path)
    header = json.loads(path.read_bytes()[8 : 8 + int.from_bytes(path.read_bytes()[:8], "little")])
    record = json.loads(header["__metadata__"]["napari_cellforce"])
    (change_record or (lambda _: None))(record)
    (change_tensors or (lambda _: None))(tensors)
    save_file(tensors, path, metadata={"napari_cellforce": json.dumps(record)})
    return path


def test_a_network_comes_back_as_it_was_saved(own):
    path, saved = own
    loaded = load(path, sha256=files.sha256(path))
    assert not loaded.module.training
    assert loaded.record.inputs == ("zyxin", "actin")
    assert loaded.record.limits == "only a test"
    assert loaded.record.sha256 == files.sha256(path)
    assert from_mapping(UNetConfig, loaded.record.architecture) == saved.module.config
    x = torch.rand(1, 2, 32, 32)
    with torch.inference_mode():
        assert torch.equal(loaded.module(x), saved.module(x))


def test_a_loaded_network_can_be_trained_further(own):
    module = load(own[0]).module.train()
    module(torch.rand(2, 2, 32, 32)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


@pytest.mark.parametrize("form", ["isotropic", "published"])
def test_both_forms_of_the_greens_function_network_can_be_saved(form, tmp_path):
    module = GFNN(GFNNConfig(form=form, width=4, size=32)).eval()
    path = save(tmp_path / "g.safetensors", module, ModelRecord("g", "gfnn", grid=module.config.grid))
    x = torch.rand(1, 1, 32, 32)
    with torch.inference_mode():
        assert torch.equal(load(path).module(x), module(x))


def test_a_failed_save_leaves_the_old_file(own, monkeypatch):
    path, loaded = own
    before = path.read_bytes()

    def full_disk(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_cellforce.models.checkpoint.save_file", full_disk)
    with pytest.raises(CellForceError, match="disk is full"):
        save(path, loaded.module, loaded.record)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


class MakesAFile:
    """Pickles to a call that makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("new_format", [True, False], ids=["zip", "legacy"])
def test_a_file_with_code_is_refused_and_the_code_does_not_run(new_format, tmp_path, published_dict):
    trace = tmp_path / "trace"
    published_dict["model_name"] = MakesAFile(trace)
    path = tmp_path / "evil.pt"
    torch.save(published_dict, path, _use_new_zipfile_serialization=new_format)
    refused(path, "evil.pt", "run code")
    assert not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists(), "the file would have run code, had it been let"


def test_a_bare_pickle_is_refused_and_does_not_run(tmp_path):
    trace, path = tmp_path / "trace", tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps(MakesAFile(trace), protocol=2))
    refused(path, "evil.pkl")
    assert not trace.exists()


@pytest.mark.parametrize(
    "content", [b"", b"cell,frame\n1,2\n", b"II*\0" + bytes(200), b"PK\x03\x04" + bytes(99), b"\x80\x02}q"]
)
def test_what_is_no_model_is_refused(content, tmp_path):
    path = tmp_path / "thing.pt"
    path.write_bytes(content)
    refused(path, "thing.pt", "models are .safetensors files")


def test_files_that_cannot_be_read_are_refused(tmp_path):
    refused(tmp_path / "nowhere.pt", "nowhere.pt")
    refused(tmp_path, str(tmp_path))


def test_other_tensors_and_other_dicts_are_no_models(tmp_path):
    save_file({"a": torch.zeros(3)}, tmp_path / "a.safetensors")
    refused(tmp_path / "a.safetensors", "record")
    torch.save({"a": torch.zeros(3)}, tmp_path / "a.pt")
    refused(tmp_path / "a.pt", "not a model")


@pytest.mark.parametrize("cut", [4, 200, -100])
def test_a_file_cut_short_is_refused(cut, own):
    path = own[0]
    path.write_bytes(path.read_bytes()[:cut])
    refused(path, path.name)


def test_another_hash_is_refused(own):
    refused(own[0], files.sha256(own[0]), "0" * 64, "Download", sha256="0" * 64)


def test_a_missing_a_misshapen_and_a_surplus_tensor_are_named(own):
    path = own[0]
    rewritten(path, change_tensors=lambda t: t.update({FIRST: torch.zeros(4, 1, 3, 3)}))
    refused(path, FIRST, "(4, 1, 3, 3)", "(4, 2, 3, 3)")
    rewritten(path, change_tensors=lambda t: t.pop(FIRST))
    refused(path, "lacks", FIRST, "(4, 2, 3, 3)")
    fitting = torch.zeros(4, 2, 3, 3)
    rewritten(path, change_tensors=lambda t: t.update({FIRST: fitting, "extra.weight": torch.zeros(5)}))
    refused(path, "unexpected", "extra.weight", "(5,)")


def test_an_unknown_kind_and_senseless_settings_are_refused(own):
    path = own[0]
    rewritten(path, change_record=lambda r: r.update(kind="transformer"))
    refused(path, "transformer", "unet")
    rewritten(path, change_record=lambda r: r.update(kind="unet", architecture={"colour": "red"}))
    refused(path, "colour")


@pytest.mark.parametrize(
    "entries", [{"pixel_size": "0.17"}, {"pixel_size": -1}, {"inputs": ["zyxin"]}, {"grid": "big"}], ids=str
)
def test_a_record_that_makes_no_sense_is_refused(entries, own):
    refused(rewritten(own[0], change_record=lambda r: r.update(entries)), *entries)


def test_an_absurd_size_is_refused_before_any_memory_is_taken(own):
    def inflate(record):
        record["architecture"].update(width=4096, levels=8)

    refused(rewritten(own[0], change_record=inflate), "should be")


def test_tensors_that_repeat_one_number_for_ever_are_refused(tmp_path, published_dict):
    published_dict["model"][FIRST] = torch.zeros(1, 1, 1, 1).expand(2**20, 2**20, 3, 3)
    torch.save(published_dict, tmp_path / "bomb.pt")
    refused(tmp_path / "bomb.pt", "bytes")


def test_the_authors_dict_is_read_with_its_settings(tmp_path, published_dict):
    torch.save(published_dict, tmp_path / "theirs.pt")
    loaded = load(tmp_path / "theirs.pt")
    assert loaded.record.name == "theirs"
    assert isinstance(loaded.module, UNet)
    assert dataclasses.asdict(loaded.module.config) == loaded.record.architecture
    assert loaded.module.config.levels == 2
