"""The package uses the standard terms of its fields; names that were replaced do not return."""

import ast
import re
from pathlib import Path

import pytest

import napari_cellforce

PACKAGE = Path(napari_cellforce.__file__).parent
FILES = sorted(p for p in PACKAGE.rglob("*") if p.suffix in {".py", ".j2", ".yaml"})

WORDS = ("told", "hearing", "wishes", "crew", "brake", "begun")

MODULES = """
    batch.wishes batch.course batch.crew batch.bench batch.brake batch.row batch.receipt batch.keys
    batch.parts batch.queue batch.workers batch.opening watch.bell watch.follower watch.results
    explain.spool explain.parts io.kept tfm.kept compare.kept io.quiet io.uncopied io.in_order io.opened
    io.growing io.kinds io.scratch io.vendor io.dataset.notes io.measured._whole io.measured._scattered
    fields.reading train.settling train.starting train.learner train.remote train.settings tfm.doubts
    tfm.records tfm.pairs synthetic.course synthetic.limits synthetic.picture scan.answer zoo.keeping
    zoo.fetching zoo.catalogue models.fused models.checks models.scalars models.pixel_fields
    predict.joining predict.pipeline widgets.base.hearing widgets.base.latest widgets.base.numbers
    widgets.view widgets.predict.views widgets.train.outcome widgets.train.learning
    widgets.train.picking widgets.explain.hold_curves widgets.explain.explanation
    widgets.synthetic.remarks widgets.synthetic.ask_section
"""

DEFINITIONS = """
    Course Crew Alone News Brake Bell Spool KeptSoFar InOrder Opened PairWords Behind Hearing Latest
    RemoteRun Caution Told Said Begun hear lose settled carry_out hindrances hindered hold_still go_on
    abandon tell in_memory words_of in_words verdict spoken of_card twins looked_at narrow folded
    take_theme let_go dismantle disconnect_viewer drop_jobs counted strengthen
"""


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_no_replaced_name_is_used(path):
    text = path.read_text(encoding="utf-8")
    assert not re.findall(rf"\b(?:{'|'.join(WORDS)})\b", text)
    if path.suffix == ".py":
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        names = {node.name.lstrip("_") for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)}
        assert not names & set(DEFINITIONS.split())


def test_no_replaced_module_is_left():
    modules = {
        ".".join(p.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        for p in PACKAGE.rglob("*.py")
    }
    assert "batch.plan" in modules
    assert not modules & set(MODULES.split())
    assert not {name for name in modules if name.endswith(".words")}
