"""Sources that others wrote: a file in the home, or a package's entry point; and a start for one.

A file `sources/NAME.py` in the home is found first, then the entry point NAME of the group
`headwater.sources`. Either gives `open_source(where, secret)`, which returns a Source. Whoever can
write there runs code as the platform's user: the folder is the operator's alone.
"""

from collections.abc import Callable
from importlib import resources
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from contracts.errors import UserError
from ingest.source import Source

GROUP: Final = "headwater.sources"
Open = Callable[[str, SecretStr], Source]


def open_source(home: Path, name: str, where: str, secret: SecretStr) -> Source:
    """Open a source that others wrote.

    Raises:
        UserError: if there is none of that name, or it can't be opened.
    """
    return _opener(home, name)(where, secret)


def names(home: Path) -> list[str]:
    """Return the names of those that are there."""
    files = {file.stem for file in (home / "sources").glob("*.py") if _is_source(file)}
    return sorted(files | {point.name for point in entry_points(group=GROUP)})


def write_template(name: str, folder: Path) -> tuple[Path, Path]:
    """Write a source that works, and its contract test, to start from; return both files.

    Raises:
        UserError: if the name is no word, or a file is there already.
    """
    if not name.isidentifier() or not name.islower():
        raise UserError(f"{name!r} is no name for a module: use lower-case letters, digits and _")
    files = folder / f"{name}.py", folder / f"test_{name}.py"
    for file in files:
        if file.exists():
            raise UserError(f"{file} is there already: choose another name, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    for file, template in zip(files, ("source.txt", "test.txt"), strict=True):
        text = resources.files("ingest").joinpath("templates", template).read_text()
        file.write_text(text.replace("NAME", name).replace("Class", name.title().replace("_", "")))
    return files


def _opener(home: Path, name: str) -> Open:
    file = home / "sources" / f"{name}.py"
    if file.is_file() and _is_source(file):
        opener: Open = _loaded(file)
        return opener
    for point in entry_points(group=GROUP, name=name):
        return _offered(point)
    there = ", ".join(names(home)) or "none"
    raise UserError(f"no source is called {name!r}: {file} is not there. There are: {there}")


def _offered(point: EntryPoint) -> Open:
    try:
        found: Open = point.load()
    except Exception as error:  # somebody's package, likewise
        package = point.dist.name if point.dist else "a package"
        raise UserError(
            f"{package} offers {point.name!r} as {point.value}: {type(error).__name__}: {error}"
        ) from error
    return found


def _loaded(file: Path) -> Open:
    spec = spec_from_file_location(f"headwater_source_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UserError(f"{file} can't be loaded")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        opener: Open = module.open_source
    except Exception as error:  # somebody's file: whatever is wrong in it is told with its name
        raise UserError(f"{file}: {type(error).__name__}: {error}") from error
    return opener


def _is_source(file: Path) -> bool:
    return not file.name.startswith(("test_", "_"))
