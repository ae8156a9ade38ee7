"""The simulator's answers stay sealed: what is judged by them never reads them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
JUDGED = ("models", "transforms", "dashboard", "ingest", "orchestration", "activation")
SEALED = ("sealed", "truth.json")


def strings(source):
    """Yield the string literals of a module that are not docstrings."""
    tree = ast.parse(source)
    bodies = (node.body for node in ast.walk(tree) if isinstance(getattr(node, "body", None), list))
    docs = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def readers_of_the_seal(source):
    return [text for text in strings(source) if any(word in text for word in SEALED)]


@pytest.mark.parametrize("room", JUDGED)
def test_what_is_judged_never_reads_the_sealed_answer(room):
    files = [*(ROOT / room).rglob("*.py"), *(ROOT / room).rglob("*.sql")]
    assert files
    for file in files:
        text = file.read_text()
        found = readers_of_the_seal(text) if file.suffix == ".py" else "sealed/" in text
        assert not found, f"{file.relative_to(ROOT)} names the sealed folder: {found}"


def test_a_reader_of_the_seal_would_be_found():
    assert readers_of_the_seal('frame = read(folder / "sealed" / "units.parquet")')
    assert not readers_of_the_seal('"""It is sealed."""\nx = 1')
