"""The paper of a model, as the docstring of its file cites it.

The second paragraph of a file in `kerasnets.applications` is its papers, in one form:

    Authors, "Title", Venue YEAR, arXiv:NUMBER.

Venue and number may lack. Several are parted by semicolons: the first is the paper of all models, save those
that another names in brackets at its end, as in `(LeNet1)`.
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
        authors: Last names, parted by commas, or the first with "et al.".
        title: Its title.
        venue: Where it appeared, or None.
        year: When.
        arxiv: Its number at arXiv, or None.
    """

    authors: str
    title: str
    venue: str | None
    year: int
    arxiv: str | None

    @property
    def short(self):
        """The authors as texts cite them: "Chollet", "Lin, Chen", "Huang et al."."""
        names = self.authors.removesuffix(" et al.").split(", ")
        whole = len(names) < 3 and not self.authors.endswith(" et al.")
        return self.authors if whole else f"{names[0]} et al."

    @property
    def url(self):
        """Where arXiv has it, or None."""
        return self.arxiv and f"https://arxiv.org/abs/{self.arxiv}"


def citation(name):
    """The paper of a model.

    Args:
        name: Name of a model, such as "DenseNet121".

    Returns:
        A `Citation`.

    Raises:
        ValueError: There is no such model, or the docstring of its file cites no paper in the form above.
    """
    papers = cited(sys.modules[registry.find(name).__module__].__doc__)
    own = [paper for paper, models in papers if name in models]
    return (own or [papers[0][0]])[0]


def cited(docstring):
    """The papers of a file.

    Args:
        docstring: That of the file.

    Returns:
        Pairs of a `Citation` and the names in brackets behind it, at least one.

    Raises:
        ValueError: The second paragraph is something else.
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
