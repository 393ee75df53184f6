"""The verbs that `Survey` and `Estimates` lend from the floors above, in one table.

A row names the verb, the module that holds it and whether it is a property. The module is
imported when the verb is first called, so `import masar_research` stays light and no lower
floor depends on a higher one; completion and `help` see every verb.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import MethodType
from typing import Any


@dataclass(frozen=True, slots=True)
class Verb:
    """One lent verb.

    Attributes
    ----------
    name : str
        As it is called on the object.
    home : str
        ``module:function``; the function takes the object first.
    doc : str
        One line for completion; the function's own docstring says the rest.
    is_property : bool
        Whether it is read without parentheses.
    """

    name: str
    home: str
    doc: str
    is_property: bool = False


SURVEY: tuple[Verb, ...] = (
    Verb("weighting", "masar_research.weighting:weighting", "Weighting steps as data.", True),
    Verb("logit", "masar_research.models:logit", "Survey-weighted logistic regression."),
    Verb("glm", "masar_research.models:glm", "Survey-weighted generalised linear model."),
)

ESTIMATES: tuple[Verb, ...] = (
    Verb("map", "masar_research.places:map_estimates", "Map of governorates or regions."),
)


class Lent:
    """Descriptor that resolves one `Verb` at its first use."""

    def __init__(self, verb: Verb) -> None:
        self.verb = verb
        self.__doc__ = f"{verb.doc} See `{verb.home.replace(':', '.')}`."

    def __get__(self, instance: Any, owner: type) -> Any:
        module, _, name = self.verb.home.partition(":")
        if instance is None:
            return self if self.verb.is_property else getattr(import_module(module), name)
        function = getattr(import_module(module), name)
        return function(instance) if self.verb.is_property else MethodType(function, instance)


def lend(owner: type, verbs: tuple[Verb, ...]) -> None:
    """Put the verbs of a table on a class."""
    for verb in verbs:
        setattr(owner, verb.name, Lent(verb))
