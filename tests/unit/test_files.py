"""Files are written whole or not at all, recognised by their content, and stay in their folder."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.files import atomic_path, inside, sha256, write_text

REFUSALS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "quota is used up",
    errno.EACCES: "you may not write there",
    errno.EIO: "the disk does not answer",
    errno.ESTALE: "the disk does not answer",
    errno.EROFS: "that disk is read-only",
    errno.ENAMETOOLONG: "the name is too long",
}


@pytest.fixture
def old(tmp_path) -> Path:
    """Last year's result, which must not be lost."""
    path = tmp_path / "table.csv"
    path.write_text("last year's numbers")
    return path


def alone(path: Path) -> bool:
    """Nothing else was left in the folder."""
    return list(path.parent.iterdir()) == [path]


class TestWriting:
    def test_a_file_appears_whole_in_a_folder_that_is_made_for_it(self, tmp_path):
        path = tmp_path / "new" / "folder" / "table.csv"
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            assert not path.exists(), "not before it is whole"
        assert path.read_text() == "half"
        assert alone(path)

    def test_others_may_read_it_as_they_may_any_new_file(self, tmp_path):
        (tmp_path / "usual").touch()
        write_text(tmp_path / "table.csv", "numbers")
        usual, ours = (stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "table.csv"))
        assert ours == usual

    def test_text_keeps_its_units(self, tmp_path):
        assert write_text(tmp_path / "a.csv", "area [µm²]\n").read_bytes() == "area [µm²]\n".encode()

    @pytest.mark.parametrize("reason", [RuntimeError("a bug"), KeyboardInterrupt(), GeneratorExit()])
    def test_whatever_goes_wrong_leaves_what_was_there(self, old, reason):
        def write_half() -> None:
            with atomic_path(old) as temporary:
                temporary.write_text("this year's num")
                raise reason

        with pytest.raises(type(reason)):
            write_half()
        assert old.read_text() == "last year's numbers"
        assert alone(old)

    @pytest.mark.parametrize(("number", "words"), REFUSALS.items(), ids=errno.errorcode.get)
    def test_the_systems_refusals_are_told_in_words(self, old, number, words):
        with pytest.raises(CellForceError, match=words) as caught, atomic_path(old):
            raise OSError(number, os.strerror(number))
        assert str(old) in caught.value.value
        assert caught.value.remedy
        assert caught.value.topic == "output"
        assert alone(old)

    def test_other_troubles_of_the_system_are_not_dressed_up(self, old):
        with pytest.raises(InterruptedError), atomic_path(old):
            raise OSError(errno.EINTR, "interrupted")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full disk")
    def test_a_disk_that_is_really_full(self, old):
        with pytest.raises(CellForceError, match="the disk is full"), atomic_path(old):
            Path("/dev/full").write_bytes(bytes(100_000))

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
    def test_a_file_system_that_takes_no_file_so_large(self, tmp_path):
        code = (
            "import resource, sys; from napari_cellforce.files import write_text;"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
            "write_text(sys.argv[1], 'x' * 2000)"
        )
        answer = subprocess.run(
            [sys.executable, "-c", code, tmp_path / "a.txt"], capture_output=True, text=True, check=False
        )
        assert "the file is too large for the file system" in answer.stderr.splitlines()[-1]
        assert not any(tmp_path.iterdir())

    def test_a_file_in_the_way_of_the_folder(self, old):
        with pytest.raises(CellForceError, match=r"is a file, not a folder|file of that name exists"):
            write_text(old / "sub" / "a.csv", "")

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
    def test_a_folder_of_somebody_else(self, tmp_path):
        tmp_path.chmod(0o500)
        with pytest.raises(CellForceError, match="you may not write there"):
            write_text(tmp_path / "a.csv", "")


class TestRecognising:
    def test_the_hash_is_the_usual_one(self, old):
        old.write_bytes(b"abc")
        assert sha256(old) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


class TestInside:
    def test_names_in_a_folder_lead_to_its_files(self, tmp_path):
        assert inside(tmp_path, "cell_1/frame_2.npy") == tmp_path.resolve() / "cell_1" / "frame_2.npy"
        assert inside(tmp_path, "cell_1/../cell_2") == tmp_path.resolve() / "cell_2"

    @pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "cell/../../secret", "link/secret"])
    def test_names_that_lead_out_are_refused(self, tmp_path, name):
        folder = tmp_path / "dataset"
        folder.mkdir()
        (folder / "link").symlink_to(tmp_path)
        with pytest.raises(CellForceError, match="leads out of"):
            inside(folder, name)
