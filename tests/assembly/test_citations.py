import inspect
import re

import pytest

import kerasnets
from kerasnets.assembly import registry
from kerasnets.assembly.citations import citation, cited

MODULES = {name: inspect.getmodule(registry.find(name)) for name in kerasnets.list_models()}


@pytest.mark.parametrize("name", kerasnets.list_models())
def test_every_model_has_a_paper(name):
    paper = citation(name)
    assert re.fullmatch(r"\w[\w, -]*( et al\.)?", paper.authors)
    assert paper.title
    assert 1989 <= paper.year <= 2026
    # arXiv's numbers begin with the year and month of the first version.
    assert paper.arxiv is None or -1 <= paper.year - (2000 + int(paper.arxiv[:2])) <= 2


@pytest.mark.parametrize("module", dict.fromkeys(MODULES.values()), ids=lambda m: m.__name__.split(".")[-1])
def test_brackets_name_models_of_the_file(module):
    named = [name for _, models in cited(module.__doc__) for name in models if name]
    assert len(set(named)) == len(named)
    assert all(MODULES[name] is module for name in named)


@pytest.mark.parametrize(
    ("name", "short", "year", "arxiv"),
    [
        ("LeNet1", "LeCun et al.", 1989, None),
        ("LeNet5", "LeCun et al.", 1998, None),
        ("ZFNet", "Zeiler, Fergus", 2014, "1311.2901"),
        ("Xception", "Chollet", 2017, "1610.02357"),
        ("ResNeXt50", "Xie et al.", 2017, "1611.05431"),
        ("ResNet164V2", "He et al.", 2016, "1603.05027"),
    ],
)
def test_papers(name, short, year, arxiv):
    paper = citation(name)
    assert (paper.short, paper.year, paper.arxiv) == (short, year, arxiv)
    assert paper.url == (arxiv and f"https://arxiv.org/abs/{arxiv}")


def test_parts_of_a_citation():
    ((paper, models), (other, others)) = cited(
        'Net: an idea.\n\n    Dollár, Van Gool, "A; B,\n    C", CVPR workshop 2015, arXiv:1512.00567 '
        '(Net1, Net2); Li et al., "D", 2016.\n\n    More.'
    )
    assert (paper.authors, paper.title, paper.venue) == ("Dollár, Van Gool", "A; B, C", "CVPR workshop")
    assert (paper.year, paper.arxiv, models) == (2015, "1512.00567", ("Net1", "Net2"))
    assert (other.short, other.venue, other.year, other.arxiv) == ("Li et al.", None, 2016, None)
    assert others == ("",)


@pytest.mark.parametrize(
    "text",
    [
        "no quotes, CVPR 2015.",
        'Li, "A", CVPR.',
        'Li, "A", 2015, arXiv:15.1.',
        'Li, "A", 2015',
        'Li, "A", 2015. More.',
        'Li, "A", 2015; ',
        'See also Li, "A", 2015, and "B", 2016.',
    ],
)
def test_another_form_is_refused(text):
    with pytest.raises(ValueError, match="Papers are cited as.*Received: "):
        cited(f"Net.\n\n{text}\n\nMore.")


def test_an_unknown_model_is_refused():
    with pytest.raises(ValueError, match="Received: name='Net0'"):
        citation("Net0")
