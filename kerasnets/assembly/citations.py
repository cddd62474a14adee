"""The paper of a model, parsed from the docstring of its module.

The second paragraph of the docstring of each module of `kerasnets.applications` cites its papers:

    Authors, "Title", Venue YEAR, arXiv:NUMBER.

Venue and arXiv number are optional. Several papers are separated by semicolons. A paper may name its models
in brackets at its end, as in `(LeNet1)`; the first paper is that of all other models.
"""

import dataclasses
import inspect
import re
import sys

from kerasnets.assembly import registry

PAPER = re.compile(
    r'(?P<authors>[^";]+), "(?P<title>[^"]+)", (?:(?P<venue>[^";,]+) )?(?P<year>\d{4})'
    r"(?:, arXiv:(?P<arxiv>\d{4}\.\d{5}|\d{4}\.\d{4}))?(?: \((?P<models>[^)]+)\))?(?:; |\.$)"
)


@dataclasses.dataclass(frozen=True)
class Citation:
    """A paper.

    Attributes:
        authors: Last names, separated by commas, or the first one and "et al.".
        title: Title.
        venue: Conference or journal, or None.
        year: Year of publication.
        arxiv: Number at arXiv, or None.
    """

    authors: str
    title: str
    venue: str | None
    year: int
    arxiv: str | None

    @property
    def short(self) -> str:
        """The authors as in a citation within a text: "Chollet", "Lin, Chen", "Huang et al."."""
        names = self.authors.removesuffix(" et al.").split(", ")
        whole = len(names) < 3 and not self.authors.endswith(" et al.")
        return self.authors if whole else f"{names[0]} et al."

    @property
    def url(self) -> str | None:
        """The address of the paper at arXiv, or None."""
        return self.arxiv and f"https://arxiv.org/abs/{self.arxiv}"


def citation(name: str) -> Citation:
    """The paper of a model.

    Args:
        name: Name of a model, such as "DenseNet121".

    Returns:
        Its `Citation`.

    Raises:
        ValueError: There is no such model, or the docstring of its module cites no paper in the form above.
    """
    papers = cited(sys.modules[registry.find(name).__module__].__doc__)
    own = [paper for paper, models in papers if name in models]
    return (own or [papers[0][0]])[0]


def cited(docstring: str) -> list[tuple[Citation, tuple[str, ...]]]:
    """The papers of a module.

    Args:
        docstring: The docstring of the module.

    Returns:
        One or more pairs of a `Citation` and the names of models in brackets after it.

    Raises:
        ValueError: The second paragraph has another form.
    """
    text = " ".join(inspect.cleandoc(docstring).split("\n\n")[1].split())
    found = list(PAPER.finditer(text))
    if not found or "".join(match[0] for match in found) != text:
        raise ValueError(f'Papers are cited as: Authors, "Title", Venue YEAR, arXiv:NUMBER. Received: {text}')
    rows = []
    for match in found:
        row = match.groupdict()
        models = tuple((row.pop("models") or "").split(", "))
        rows.append((Citation(**row | {"year": int(row["year"])}), models))
    return rows
