"""Change the code in one place at a time and see whether a test fails: ``make mutants MODULE=regions/seeds``.

mutmut wants a ``src`` layout, so it works on a copy, in a temporary folder. It runs the unit tests of the module's room
that reach the changed function, and prints each change that no test saw, then the score.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]


def lay_out(folder: Path, module: str, tests: list[str]) -> None:
    """Copy what the tests need, and tell mutmut what to change and what to run."""
    for name, copy in (("scripts", "src"), ("scripts", "scripts"), ("config", "config"), ("tests", "tests")):
        shutil.copytree(ROOT / name, folder / copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", folder)
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8").replace('["scripts"', '["src"')
    arguments = ["-p", "no:randomly", "-p", "no:cacheprovider", "--hypothesis-seed=0", "-m", "not slow"]
    settings += f"""
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/statmap/{module}.py"]
pytest_add_cli_args = {arguments}
pytest_add_cli_args_test_selection = {tests}
also_copy = ["config", "scripts", "Snakefile"]
use_git_change_detection = false
"""
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")


# Changes that leave the meaning: zip's `strict` asserts what no caller breaks, and numpy takes None for float64.
SAME = ((r",? *strict=\w+", ""), (r", *\)", ")"), (r"astype\(None\)", "astype(np.float64)"))


def changed(diff: str) -> list[str]:
    """The lines that a mutant changes, of mutmut's diff."""
    return [line for line in diff.splitlines() if re.match(r"[-+] ", line)]


def equivalent(lines: list[str]) -> bool:
    """Whether the line that a mutant removes and the one that it adds are the same but for what `SAME` lists."""
    texts = [line[1:] for line in lines]
    for pattern, replacement in SAME:
        texts = [re.sub(pattern, replacement, text) for text in texts]
    return len(texts) == 2 and texts[0] == texts[1]


def tests_of(module: str) -> str:
    """Where the unit tests of a module are: those of its room, of a module without one its own, else all."""
    room = f"tests/unit/{module.partition('/')[0]}" if "/" in module else f"tests/unit/test_{module}.py"
    return room if (ROOT / room).exists() else "tests/unit"


def mutmut(folder: Path, *arguments: str) -> str:
    """What mutmut prints; it ends with 0 also where mutants survive."""
    command = [Path(sys.executable).with_name("mutmut"), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout[-3000:] + done.stderr[-3000:])
    return done.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module", help="of scripts/statmap, as regions/seeds")
    module = parser.parse_args().module
    with tempfile.TemporaryDirectory() as place:
        lay_out(Path(place), module, [tests_of(module)])
        mutmut(place, "run", "--max-children", "1")
        outcomes = dict(re.findall(r"^ *(\S+): (.+)$", mutmut(place, "results", "--all", "true"), re.MULTILINE))
        for mutant, outcome in outcomes.items():
            if outcome not in ("killed", "timeout"):
                lines = changed(mutmut(place, "show", mutant))
                if equivalent(lines):
                    outcomes[mutant] = "equivalent"
                else:
                    print(f"{mutant.rpartition('.')[2]}: {outcome}", *lines, "", sep="\n")
    counts = Counter(outcomes.values())
    killed, different = counts["killed"] + counts["timeout"], len(outcomes) - counts["equivalent"]
    print(f"{module}: {killed} of {different} mutants killed ({killed / different:.1%}); {dict(counts)}")
