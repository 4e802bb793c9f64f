"""What a script is told of its job, under the names that Snakemake gives it."""

from collections.abc import Callable, ItemsView
from typing import Any, NamedTuple, Self


class Named(list):
    """Values in order; those with a name are attributes, too. A name may stand for several of them, a `Named`."""

    @classmethod
    def of(cls, values: Any, plain: Callable[[Any], Any]) -> Self:
        """The values of a list of Snakemake's, each made `plain`."""
        named = cls(map(plain, values))
        for name, value in values.items():
            has_names = isinstance(value, list) and hasattr(value, "items")
            setattr(named, name, cls.of(value, plain) if has_names else plain(value))
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
        params = Named.of(script.params, lambda value: value)
        files, made, wildcards, log = (
            Named.of(values, str) for values in (script.input, script.output, script.wildcards, script.log)
        )
        return cls(files, made, params, wildcards, log)
