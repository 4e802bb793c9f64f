"""What a script is told of its job, under the names that Snakemake gives it."""

from collections.abc import ItemsView
from typing import Any, NamedTuple, Self


class Named(list):
    """Values in order; those with a name are attributes, too. A name may stand for several of them, a `Named`."""

    @classmethod
    def of(cls, values: Any, kind: type | None = None) -> Self:
        """The values of a list of Snakemake's, each as a `kind` where one is given."""
        named = cls(map(kind, values) if kind else values)
        for name, value in values.items():
            if isinstance(value, list) and hasattr(value, "items"):
                setattr(named, name, cls.of(value, kind))
            else:
                setattr(named, name, kind(value) if kind else value)
        return named

    def __str__(self) -> str:
        return " ".join(map(str, self))

    def items(self) -> ItemsView[str, Any]:
        """Names and what they stand for."""
        return vars(self).items()


class Job(NamedTuple):
    """The job of a script: files, values of ``params`` and of the wildcards."""

    input: Named
    output: Named
    params: Named
    wildcards: Named
    log: Named

    @classmethod
    def of(cls, script: Any) -> Self:
        """The job of a script of Snakemake's. Raises AttributeError where it has other names for them."""
        files = (Named.of(getattr(script, name), str) for name in ("input", "output"))
        return cls(*files, Named.of(script.params), Named.of(script.wildcards, str), Named.of(script.log, str))
