"""Pages from the templates in this folder: they load nothing, and the same values give the same text."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .tables import meanings

HERE = Path(__file__).parent


def asset(name: str) -> Markup:
    """A style sheet or a script beside this module, to stand in a page as it is."""
    return Markup((HERE / name).read_text(encoding="utf-8"))


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.globals |= {"asset": asset, "meanings": meanings}
    return templates


def render(template: str, **values: Any) -> str:
    """Fill a template.

    Parameters
    ----------
    template : name of a ``.html.j2`` file beside this module.
    values : what it shows; text is escaped, a name that the template misses is an error.

    Returns
    -------
    str : HTML.
    """
    return _templates().get_template(template).render(values)
