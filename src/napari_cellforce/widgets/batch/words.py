"""What a batch comes to, as sentences."""

from __future__ import annotations

from napari_cellforce.batch import Outcome, Plan
from napari_cellforce.errors import counted
from napari_cellforce.widgets.base.form import Tone


def offer(plan: Plan | None) -> str:
    """Return what the button says it will do."""
    if plan is None:
        return "Predict this folder"
    if not plan.to_do:
        return "Nothing left to do"
    images = len({row.name for row in plan.to_do})
    total = len({row.name for row in plan.inputs})
    verb = "Predict" if any(not row.predicted for row in plan.to_do) else "Complete"
    models = f" with {len(plan.records)} models" if len(plan.records) > 1 else ""
    which = counted(total, "image") if images == total else f"{images} of {counted(total, 'image')}"
    return f"{verb} {which}{models}"


def describe_plan(plan: Plan) -> tuple[str, Tone]:
    """Return what the plan comes to, as a sentence."""
    finished = sum(row.complete for row in plan.inputs)
    parts = [f"{len(plan.to_do)} to do"]
    parts += [f"{finished} finished before"] if finished else []
    parts += [f"{len(plan.problems)} with a problem"] if plan.problems else []
    several = f" with {len(plan.records)} models" if len(plan.records) > 1 else ""
    images = len({row.name for row in plan.inputs})
    words = f"{counted(images, 'image')}{several}: {', '.join(parts)}. {' '.join(plan.warnings)}"
    if plan.warnings or plan.problems:
        return words, Tone.PROBLEM
    return words, Tone.PLAIN if plan.to_do else Tone.GOOD


def verdict(outcome: Outcome) -> tuple[str, Tone]:
    """Return what has come of a run, as a sentence."""
    parts = [f"{len(outcome.done)} done"]
    parts += [f"{len(outcome.failures)} failed"] if outcome.failures else []
    parts += [f"{len(outcome.left)} left: press Predict to go on"] if outcome.left else []
    return ", ".join(parts) + ".", Tone.GOOD if outcome.complete else Tone.PLAIN
