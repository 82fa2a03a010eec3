"""Rules of the house that rot silently: what imports what, and what is never called."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = sorted((ROOT / "core").rglob("*.py"))
PAGES = [*sorted((ROOT / "pages").rglob("*.py")), ROOT / "app.py"]

# A package may import what stands on a lower floor; everybody may import what is open.
FLOORS = {
    "datasets": 0,
    "transport": 0,
    "embedding": 1,
    "corruption": 1,
    "valuation": 1,
    "evaluation": 2,
    "projection": 3,
    "runs": 4,
    "curation": 5,
    "lab": 5,
    "acquisition": 5,
    "cli": 6,
}
OPEN_TO_ALL = {"atomic", "device", "errors", "paths", "progress", "threads", "vision"}


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every module that a piece of code names in an import, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield node.module or "", node.lineno


def top_level(tree: ast.Module) -> ast.Module:
    """Return what runs at import: no function bodies, no `if TYPE_CHECKING`."""

    class Strip(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
            return None

        def visit_If(self, node: ast.If) -> ast.AST | None:
            guard = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
            return None if guard else self.generic_visit(node)

    return Strip().visit(ast.parse(ast.unparse(tree)))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def package_of(path: Path) -> str:
    """Return "runs" for core/runs/jobs.py and "" for core/errors.py."""
    parts = path.relative_to(ROOT / "core").parts
    return parts[0] if len(parts) > 1 else ""


def wrong_floor(path: Path, tree: ast.Module) -> list[str]:
    """Name the imports of `path` that do not go downwards."""
    own = package_of(path)
    found = []
    for module, line in imports(tree):
        parts = module.split(".")
        if parts[0] == "pages":
            found.append(f"{path}:{line}: core imports {module}")
        if parts[0] != "core" or len(parts) < 2 or not own:
            continue
        other = parts[1]
        if other in OPEN_TO_ALL or other == own:
            continue
        if FLOORS[other] >= FLOORS[own]:
            found.append(f"{path}:{line}: {own} imports {module}")
    return found


def past_the_door(path: Path, tree: ast.Module) -> list[str]:
    """Name the imports that reach into another package's files instead of its `__init__`."""
    own = package_of(path) if path.is_relative_to(ROOT / "core") else ""
    return [
        f"{path}:{line}: {module}"
        for module, line in imports(tree)
        if len(parts := module.split(".")) > 2 and parts[0] == "core" and parts[1] != own
    ]


def forbidden_calls(path: Path, tree: ast.Module) -> list[str]:
    """Name what would run code from a file or a shell."""
    found = [
        f"{path}:{line}: imports {module}"
        for module, line in imports(tree)
        if module.split(".")[0] in {"pickle", "dill", "cloudpickle", "shelve", "joblib"}
    ]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in {"os.system", "eval", "exec", "pd.read_pickle"}:
            found.append(f"{path}:{node.lineno}: calls {name}")
        # With weights_only torch's own reader makes tensors and nothing else.
        if name == "torch.load" and "weights_only=True" not in map(ast.unparse, node.keywords):
            found.append(f"{path}:{node.lineno}: calls {name} without weights_only=True")
        found += [
            f"{path}:{node.lineno}: {keyword.arg}=True"
            for keyword in node.keywords
            if keyword.arg in {"allow_pickle", "shell"}
            and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
        ]
    return found


def test_every_package_of_core_has_a_floor() -> None:
    packages = {package_of(path) for path in CORE} - {""}
    assert packages <= FLOORS.keys()


def test_dependence_runs_downwards() -> None:
    assert [line for path in CORE for line in wrong_floor(path, parsed(path))] == []


def test_packages_are_entered_by_their_door() -> None:
    assert [line for path in CORE + PAGES for line in past_the_door(path, parsed(path))] == []


def test_core_names_no_streamlit() -> None:
    found = [
        f"{path}:{line}"
        for path in CORE
        for module, line in imports(parsed(path))
        if module.split(".")[0] == "streamlit"
    ]
    assert found == []


def test_nothing_runs_code_out_of_files_or_through_a_shell() -> None:
    assert [line for path in CORE + PAGES for line in forbidden_calls(path, parsed(path))] == []


def test_pages_import_no_torch_when_they_are_imported() -> None:
    found = [
        f"{path}:{line}"
        for path in PAGES
        for module, line in imports(top_level(parsed(path)))
        if module.split(".")[0] == "torch"
    ]
    assert found == []


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_core_imports_where_streamlit_is_absent() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in CORE
        if path.name not in {"__init__.py", "__main__.py"}
    ]
    code = f"import sys, importlib\nsys.modules['streamlit'] = None\nfor m in {modules!r}:\n"
    run_python(f"{code}    importlib.import_module(m)")


def test_what_the_app_imports_at_its_start_brings_no_torch() -> None:
    """Torch takes a second or two and 200 MB; only workers and the evidence need it."""
    modules = ["core.cli", "core.runs", "core.curation", "core.datasets"]
    # router.py is no module but the script that Streamlit runs.
    parts = {path.stem for path in (ROOT / "pages" / "ui").glob("[a-z]*.py")} - {"router"}
    modules += [f"pages.ui.{part}" for part in sorted(parts)]
    code = f"import sys, importlib\nfor m in {modules!r}:\n    importlib.import_module(m)\n"
    code += "    if 'torch' in sys.modules: sys.exit(m + ' brings torch')"
    run_python(code)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (wrong_floor, "from core.runs import home"),
        (wrong_floor, "def f():\n    import pages.ui"),
        (past_the_door, "from core.datasets.images import LabelledImages"),
        (forbidden_calls, "import pickle"),
        (forbidden_calls, "np.load(path, allow_pickle=True)"),
        (forbidden_calls, "np.load(path, allow_pickle=trusted)"),
        (forbidden_calls, "subprocess.run(text, shell=True)"),
        (forbidden_calls, "torch.load(path)"),
        (forbidden_calls, "torch.load(path, weights_only=False)"),
    ],
)
def test_the_rules_can_fail(rule, code: str) -> None:
    assert rule(ROOT / "core" / "valuation" / "x.py", ast.parse(code)) != []


def test_only_what_runs_at_import_counts_as_top_level() -> None:
    code = "if TYPE_CHECKING:\n    import torch\ndef f():\n    import torch\nimport numpy\n"
    assert [module for module, _ in imports(top_level(ast.parse(code)))] == ["numpy"]
