"""Download of weights from their owners, verified by hash and written atomically."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_cellforce import files
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.zoo.local_files import check, model_folder_errors, remove_partial_downloads
from napari_cellforce.zoo.registry import DEFAULT_MODEL, PathLike, ZooEntry, entry

Progress = Callable[[int, int], None]
"""Called with the number of bytes received and in total; may raise to cancel."""

_CHUNK = 1 << 16
_TIMEOUT = (10.0, 30.0)
"""Timeouts in seconds for the connection and for the next bytes."""

_REMEDY = (
    "Connect to the internet and try again; or download the file on another computer, copy it here and "
    f"import it. {DEFAULT_MODEL} needs no download."
)


def download(name: str, *, folder: PathLike | None = None, progress: Progress | None = None) -> Path:
    """Download the weights of a model into the model folder, unless they exist already.

    Parameters
    ----------
    name : str
        Name in the zoo.
    folder : path-like, optional
        See `napari_cellforce.zoo.model_folder`.
    progress : callable, optional
        Called as ``progress(bytes_done, bytes_total)``. An exception raised by it cancels the download
        and is propagated; no partial file remains.

    Returns
    -------
    Path
        The file, verified by its hash.

    Raises
    ------
    CellForceError
        If the model cannot be downloaded, the server cannot be reached or responds with an error,
        or the downloaded file has another hash. The model folder is not changed.
    """
    model = entry(name, folder=folder)
    if not model.has_weights:
        raise CellForceError(
            f"{name} has no file to download", "it is built in", "Use it as it is.", topic=Topic.MODEL
        )
    path = model.path(folder)
    if check(name, folder).ready:
        return path
    if model.url is None:
        raise CellForceError(
            f"the file of {name}, {path}, is missing or damaged",
            "it did not come from the internet and cannot be downloaded",
            model.install_hint,
            topic=Topic.MODEL,
        )
    remove_partial_downloads(path.parent)
    with model_folder_errors(path), files.atomic_path(path) as temporary:
        _fetch(model.url, temporary, _Reporter(progress, model.size), name)
        _require_hash(temporary, model)
    return path


class _Reporter:
    """Adapter from the progress bar of pooch to a plain function."""

    total = 0  # set by pooch from the response, where it may be the size of a compressed stream

    def __init__(self, report: Progress | None, size: int) -> None:
        self.report = report
        self.size = size
        self.done = 0

    def update(self, n: int) -> None:
        self.done = min(self.done + n, self.size)
        if self.report:
            self.report(self.done, self.size)

    def reset(self) -> None:
        """Keep the count, which is already limited to the size."""

    def close(self) -> None:
        """Do nothing: no resource is open."""


def _fetch(url: str, target: Path, reporter: _Reporter, name: str) -> None:
    import requests
    from pooch import HTTPDownloader

    downloader = HTTPDownloader(progressbar=reporter, chunk_size=_CHUNK, timeout=_TIMEOUT)
    try:
        downloader(url, str(target), None)
    except requests.HTTPError as error:
        raise _not_downloaded(name, url, f"the server responded {str(error).split(' for url')[0]}") from error
    except requests.Timeout as error:
        raise _not_downloaded(name, url, "the server did not respond in time") from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise _not_downloaded(name, url, "the connection was interrupted") from error
    except requests.RequestException as error:
        reason = type(error).__name__  # SSLError or ProxyError is what an IT department needs to know
        raise _not_downloaded(name, url, f"the server could not be reached ({reason})") from error


def _require_hash(path: Path, model: ZooEntry) -> None:
    digest = files.sha256(path)
    if digest != model.sha256:
        raise _not_downloaded(
            model.name,
            model.url or "",
            f"another file was received (SHA-256 {digest}, expected {model.sha256}), perhaps the log-in page "
            "of a network",
        )


def _not_downloaded(name: str, url: str, problem: str) -> CellForceError:
    return CellForceError(
        f"{name} could not be downloaded from {url}",
        f"{problem}; nothing was changed",
        _REMEDY,
        topic=Topic.MODEL,
    )
