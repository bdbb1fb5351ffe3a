"""The pictures of the documentation, taken from a real napari window: ``make screenshots``.

Everything shown is drawn or simulated by the package, from fixed seeds. The stories act as a person would:
they find buttons by what is written on them. A new picture is a new function in a module of `screenshots`,
named in `STORIES`.

    python docs/make_screenshots.py [STORY ...]
"""

from __future__ import annotations

import sys

from screenshots.batch import followed, whole_folder
from screenshots.compare import compared
from screenshots.explain import explained, taken_apart
from screenshots.models import models
from screenshots.predict import pixel_size, predict_forces
from screenshots.tfm import measured
from screenshots.train import fine_tune

STORIES = {
    story.__name__: story
    for story in (
        predict_forces,
        pixel_size,
        whole_folder,
        followed,
        fine_tune,
        compared,
        measured,
        explained,
        taken_apart,
        models,
    )
}


def main() -> None:
    """Tell the stories named on the command line, or all."""
    unknown = set(sys.argv[1:]) - set(STORIES)
    if unknown:
        raise SystemExit(f"There is no story {', '.join(sorted(unknown))}; there are {', '.join(STORIES)}.")
    for name in sys.argv[1:] or STORIES:
        STORIES[name]()


if __name__ == "__main__":
    main()
