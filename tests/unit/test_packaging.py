"""What is built, declared and published fits what is there."""

from __future__ import annotations

import ast
import json
import re
import shutil
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import check_jsonschema
import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement

import napari_cellforce
from napari_cellforce.widgets.base.form import DOCS_URL

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src/napari_cellforce"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
URLS = PROJECT["urls"]
README = (ROOT / "README.md").read_text(encoding="utf-8")

NOT_IMPORTED_BY_NAME = {
    "imagecodecs": "tifffile loads it to read compressed TIFF",
    "dask-jobqueue": "batch loads the cluster class that the user names",
    "openvino": "loaded by importlib, so that it stays optional",
}
BROUGHT_BY = {"bioio-base": "bioio"}
"""Packages that are part of another one, which is declared."""


def declared(extras: tuple[str, ...]) -> set[str]:
    """Names of the distributions that these extras and the package itself ask for."""
    lines = [
        *PROJECT["dependencies"],
        *(line for e in extras for line in PROJECT["optional-dependencies"][e]),
    ]
    return {re.sub(r"[-_.]+", "-", Requirement(line).name).lower() for line in lines}


def imported(folder: Path) -> set[str]:
    """Names of the distributions that the code of a folder imports."""
    modules = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.split(".")[0])
    modules -= {"napari_cellforce", "__future__", *sys.stdlib_module_names}
    known = packages_distributions()
    return {re.sub(r"[-_.]+", "-", known[module][0]).lower() for module in modules if module in known}


class TestDependencies:
    RUNNING = ("cluster", "formats", "openvino", "watch")

    def test_all_that_is_imported_is_declared(self):
        missing = imported(PACKAGE) - declared(self.RUNNING)
        assert {name for name in missing if BROUGHT_BY.get(name) not in declared(self.RUNNING)} == set()

    def test_all_that_is_declared_is_imported(self):
        assert declared(self.RUNNING) - imported(PACKAGE) == set(NOT_IMPORTED_BY_NAME)

    def test_what_is_not_imported_by_name_is_named_in_the_code(self):
        code = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
        for name in set(NOT_IMPORTED_BY_NAME) - {"imagecodecs"}:
            assert re.search(rf"[\"']{name.replace('-', '[-_]')}", code), name

    def test_no_qt_binding_comes_with_the_package_and_no_python_is_too_new(self):
        assert not {"pyqt5", "pyqt6", "pyside2", "pyside6"} & declared(())
        assert "<" not in PROJECT["requires-python"]


class TestAddresses:
    def test_all_places_name_the_same(self):
        citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
        site = re.search(r"^site_url: (.*)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
        assert {"Homepage", "Documentation", "Source", "Issues"} <= set(URLS)
        assert citation["repository-code"] == URLS["Source"]
        assert citation["url"] == DOCS_URL == site[1] == URLS["Documentation"]
        assert citation["version"] == napari_cellforce.__version__
        assert citation["license"] == PROJECT["license"]

    def test_links_of_the_readme_work_outside_the_repository(self):
        links = re.findall(r"\]\(([^)]+)\)", README)
        assert links
        assert [link for link in links if not link.startswith("https://")] == []

    def test_links_of_the_readme_lead_to_what_is_here(self):
        repository = URLS["Source"].removeprefix("https://github.com/")
        raw = f"https://raw.githubusercontent.com/{repository}/main/"
        for link in re.findall(r"\]\(([^)]+)\)", README):
            if link.startswith(URLS["Documentation"]):
                page = ROOT / "docs" / link.removeprefix(URLS["Documentation"]).rstrip("/")
                assert page.with_suffix(".md").is_file() or (page / "index.md").is_file(), link
            for start in (raw, f"{URLS['Source']}/blob/main/"):
                if link.startswith(start):
                    assert (ROOT / link.removeprefix(start)).is_file(), link


class TestSchemas:
    @pytest.mark.parametrize(
        ("file", "schema"),
        [
            *((f".github/workflows/{name}.yml", "github-workflows") for name in ("test", "docs", "release")),
            ("CITATION.cff", "citation-file-format"),
            (".readthedocs.yaml", "readthedocs"),
        ],
    )
    def test_files_that_others_read_follow_their_schema(self, file, schema):
        vendored = Path(check_jsonschema.__file__).parent / f"builtin_schemas/vendor/{schema}.json"
        content = (ROOT / file).read_text(encoding="utf-8")
        values = yaml.safe_load(content)
        if schema == "github-workflows":
            values["on"] = values.pop(True)  # YAML 1.1 takes the key ``on`` for a truth value
        jsonschema.validate(values, json.loads(vendored.read_text(encoding="utf-8")))

    def test_the_workflows_run_what_a_developer_runs(self):
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
        for path in [*sorted((ROOT / ".github/workflows").glob("*.yml")), ROOT / ".ci/run"]:
            called = set(re.findall(r"\bmake ([a-z-]+)", path.read_text(encoding="utf-8")))
            assert called <= targets, path.name
        matrix = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
        versions = matrix["jobs"]["quick"]["strategy"]["matrix"]["python"]
        promised = [line for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)]
        assert versions == [line.rsplit(" ", 1)[1] for line in promised]

    def test_a_release_needs_no_password(self):
        jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))["jobs"]
        assert jobs["publish"]["permissions"] == {"id-token": "write"}
        assert {"test", "build"} == set(jobs["publish"]["needs"])


@pytest.fixture
def small_tree(tmp_path) -> Path:
    """What a wheel is built from, with the code left out."""
    tree = tmp_path / "tree"
    (tree / "src/napari_cellforce").mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for name in ("__init__.py", "napari.yaml", "py.typed"):
        shutil.copy(PACKAGE / name, tree / "src/napari_cellforce")
    return tree


@pytest.mark.parametrize("as_text", [False, True], ids=["link", "text as on Windows"])
def test_the_wheel_holds_the_manifest_however_git_writes_the_link(small_tree, tmp_path, monkeypatch, as_text):
    build = pytest.importorskip("hatchling.build")
    if as_text:
        (small_tree / "napari.yaml").write_text("src/napari_cellforce/napari.yaml", encoding="utf-8")
    else:
        try:
            (small_tree / "napari.yaml").symlink_to("src/napari_cellforce/napari.yaml")
        except OSError:
            pytest.skip("no links may be made here")
    monkeypatch.chdir(small_tree)
    with zipfile.ZipFile(tmp_path / build.build_wheel(str(tmp_path))) as wheel:
        manifest = wheel.read("napari_cellforce/napari.yaml").decode()
        assert yaml.safe_load(manifest)["name"] == "napari-cellforce"
        assert {"napari_cellforce/py.typed", "napari_cellforce/__init__.py"} <= set(wheel.namelist())
        (entry_points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
        assert "napari_cellforce:napari.yaml" in wheel.read(entry_points).decode()


def test_the_source_archive_lists_all_that_is_at_the_top():
    """What is left out are folders that are made, never files that are kept."""
    included = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = {name.strip("/") for name in included["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]}
    for name in included:
        assert (ROOT / name).exists(), name
    assert {
        "CITATION.cff",
        "Makefile",
        "mkdocs.yml",
        "tests",
        "tools",
        "docs",
        "examples",
        "napari.yaml",
    } <= included
