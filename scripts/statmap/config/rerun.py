"""Files of the package that a rule's script imports: Snakemake compares the script alone."""

import hashlib
import re
from functools import cache
from pathlib import Path

# Import statements, anywhere in a file. Not with ast: to parse all modules takes a tenth of a second, and every call of
# snakemake, and every job on a cluster, comes through here. A test compares this with what is really imported.
IMPORT = re.compile(r"^ *(?:from +(\.*)([\w.]*) +import +(\([^)]*\)|[^\n#]*)|import +([^\n#]*))", re.MULTILINE)
ASSETS = {".j2", ".css", ".js"}


def files_of(script, scripts):
    """Files of the package that a script needs, directly or not.

    Parameters
    ----------
    script : str, name of a rule's script without its suffix.
    scripts : path of the folder that holds the scripts and the package ``statmap``.

    Returns
    -------
    list of str : sorted paths relative to `scripts`: modules, the packages they are in, and the templates, style
        sheets and JavaScript that stand beside them, and the YAML of a module's own name.
    """
    needed, new = set(), _imports(f"{script}.py", scripts)
    while new:
        needed |= new
        new = set().union(*(_imports(path, scripts) for path in new if path.endswith(".py"))) - needed
    return sorted(needed)


def code_hash(script, scripts):
    """Hash of the content of the script and of these files, which changes when the rule has to run again.

    Snakemake goes by the time of a script, and one from a git host has the time of its commit, which may be long ago.
    """
    content = (Path(scripts, path).read_bytes() for path in [f"{script}.py", *files_of(script, scripts)])
    return hashlib.sha256(b"\0".join(content)).hexdigest()[:16]


@cache
def _imports(path, scripts):
    """Files of the package that one file brings in, as relative paths."""
    package = path.split("/")[:-1]
    files = set()
    for dots, module, names, plain in IMPORT.findall(Path(scripts, path).read_text(encoding="utf-8")):
        if plain:
            for name in plain.split(","):
                files |= _files(name.split()[0].split("."), scripts)
            continue
        parent = package[: len(package) - len(dots) + 1] if dots else []
        module = [*parent, *filter(None, module.split("."))]
        files |= _files(module, scripts)
        for name in names.strip("() \n").split(","):
            if name.strip():
                files |= _files([*module, name.split()[0]], scripts)
    return files


@cache
def _package_files(scripts):
    """Every module, YAML file and asset of the package, as relative paths."""
    files = (path for path in Path(scripts, "statmap").rglob("*") if path.suffix in ASSETS | {".py", ".yaml"})
    return frozenset(path.relative_to(scripts).as_posix() for path in files)


def _files(parts, scripts):
    """The module of a dotted name, the packages above it, and the assets beside it; nothing where there is none."""
    if parts[:1] != ["statmap"]:
        return set()
    existing = _package_files(scripts)
    module = "/".join(parts) + ".py"
    if module not in existing and f"{'/'.join(parts)}/__init__.py" not in existing:
        return set()  # a name inside a module
    packages = {f"{'/'.join(parts[:n])}/__init__.py" for n in range(1, len(parts) + 1)}
    beside = "/".join(parts[:-1]) + "/"
    assets = {path for path in existing if path.startswith(beside) and path.endswith(tuple(ASSETS)) and len(parts) > 2}
    return ({module, module.removesuffix(".py") + ".yaml"} | packages | assets) & existing
