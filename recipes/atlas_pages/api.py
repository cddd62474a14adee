"""The pages of the library: its docstrings as pdoc shows them, in the frame of the atlas.

Sources are on the pages of the nets. The search reads one small file, a script so that it works from disk.
"""

from __future__ import annotations

import collections
import hashlib
import importlib
import json
import pathlib
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence

import jinja2
import pdoc
import pdoc.doc
import pdoc.extract
import pdoc.render

from atlas_pages import records
from atlas_pages.site import HERE, PAGES
from kerasnets import files
from kerasnets.assembly import registry

FOLDER = "api"
TEMPLATES = HERE / "templates"
PACKAGE = "kerasnets"
# What is replaced in the HTML of pdoc.
MENDS = (
    # The keyboard reaches code that scrolls.
    (re.compile("<pre>"), '<pre class="code" tabindex="0">'),
    # The sections of a docstring are not headings of the page.
    (re.compile(r'<h6 id="[^"]*">(.*?)</h6>'), r'<p class="field">\1</p>'),
    # The stars of *args and **options are not marks of Markdown.
    (re.compile(r"<li>(\*+)<strong>"), r"<li><strong>\1"),
    # Style sheets indent arguments.
    (re.compile('<span class="param">\t'), '<span class="param">'),
    # A class of Keras has the name that users write, not that of its file.
    (
        re.compile(
            r'(<span class="n">keras</span>|keras)(?P<dot><span class="o">\.</span>|\.)'
            r'(?:<span class="n">src</span>|src)(?:(?P=dot)(?:<span class="n">\w+</span>|\w+))*'
            r'(?P=dot)(?P<last><span class="n">\w+</span>|\w+)'
        ),
        r"\1\g<dot>\g<last>",
    ),
)


def make(root: pathlib.Path, package: str, nets: Sequence[str]) -> None:
    """Writes the pages of a package into a site, and a record of what they are made from.

    Args:
        root: The folder of the site.
        package: Name of the package, or of a module.
        nets: Names of the nets that have pages.
    """
    write(root, package, nets)
    records.save(root, package, made_from(nets), {})


def made_from(nets: Sequence[str]) -> str:
    """A text that changes whenever the pages might: with the code, pdoc, the templates and the nets."""
    digest = hashlib.sha256(f"{records.made_from()} {pdoc.__version__} {list(nets)}".encode())
    for template in (TEMPLATES / "base.html.jinja", *sorted((TEMPLATES / FOLDER).iterdir())):
        digest.update(template.read_bytes())
    return digest.hexdigest()


def write(root: pathlib.Path, package: str, nets: Sequence[str]) -> None:
    """Writes the pages of a package, and the file of the search, and removes those of modules that are gone.

    Args:
        root: The folder of the site.
        package: Name of the package, or of a module.
        nets: Names of the nets that have pages.
    """
    with warnings.catch_warnings():
        # An object that scales images: the stub shows it as the function that it is used as.
        warnings.filterwarnings("ignore", r"Error processing type stub for .*\.preprocess_input")
        modules = found(package)
        configure(modules, nets)
        written = set()
        for name, module in modules.items():
            path = root / FOLDER / f"{name.replace('.', '/')}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write_text(path, mended(pdoc.render.html_module(module, modules)))
            written.add(path)
        for path in set((root / FOLDER).rglob("*.html")) - written:
            path.unlink()
        text = json.dumps(list(entries(modules.values())), ensure_ascii=False, separators=(",", ":"))
        files.write_text(root / FOLDER / "search.js", f"window.apiEntries = {text};\n")


def found(package: str) -> dict[str, pdoc.doc.Module]:
    """The public modules of a package, as pdoc reads them."""
    names = [name for name in pdoc.extract.walk_specs([package]) if is_module(name)]
    for name in names:
        module = importlib.import_module(name)
        for member in getattr(module, "__all__", ()):  # those that are imported when they are first used
            vars(module).setdefault(member, getattr(module, member))
    modules = {name: pdoc.doc.Module.from_name(name) for name in names}
    for module in modules.values():
        for doc in members(module):
            if not own(doc):
                doc.docstring = ""
            if isinstance(doc, pdoc.doc.Variable) and isinstance(doc.default_value, (set, frozenset)):
                # Members have another order in each process.
                doc.default_value_str = f"{{{', '.join(sorted(map(repr, doc.default_value)))}}}"
    return modules


def is_module(name: str) -> bool:
    """Whether a name is that of a module to those who import it, and not of a function of the same name."""
    parent, _, last = name.rpartition(".")
    return not parent or not callable(getattr(importlib.import_module(parent), last, None))


def members(space: pdoc.doc.Namespace) -> Iterator[pdoc.doc.Doc]:
    """All that pdoc shows of a module: its members, and those of its classes."""
    for doc in space.flattened_own_members if isinstance(space, pdoc.doc.Module) else space.own_members:
        if public(doc) and doc.kind != "module":
            yield doc
            if isinstance(doc, pdoc.doc.Class):
                yield from (part for part in doc.own_members if part.kind != "class" and public(part))


def public(doc: pdoc.doc.Doc) -> bool:
    """Whether something is shown, by the rules of pdoc."""
    if doc.kind == "module":
        return doc.fullname in pdoc.render.env.globals["shown"]
    if doc.name == "__init__":
        return doc.kind == "function" and bool(doc.signature_without_self.parameters)
    if doc.kind == "variable" and doc.is_typevar:
        return False
    if "." in doc.qualname and root_of(doc.taken_from[0]) != root_of(doc.modulename):
        return False  # Keras documents the members of its classes
    return not doc.name.startswith("_") or doc.name == "__version__"


def root_of(module: str) -> str:
    """The package that a module belongs to."""
    return module.partition(".")[0]


def own(doc: pdoc.doc.Doc) -> bool:
    """Whether a docstring says something of its own: it is not that of a method of Keras, nor of a field."""
    if doc.docstring.startswith("Alias for field number"):
        return False
    return doc.kind != "function" or doc.name == "__init__" or bool(getattr(doc.obj, "__doc__", None))


def configure(modules: Iterable[str], nets: Sequence[str]) -> None:
    """Sets the templates of pdoc, and what they need."""
    pdoc.render.configure(
        docformat="google", show_source=False, search=False, template_directory=TEMPLATES / FOLDER
    )
    env, builders = pdoc.render.env, collections.defaultdict(list)
    env.loader = jinja2.ChoiceLoader([env.loader, jinja2.FileSystemLoader(TEMPLATES)])
    env.tests["public"] = public
    for net in nets:
        builders[registry.find(net).__module__].append(net)
    env.globals.update(shown=set(modules), pages=PAGES, builders=builders)


def mended(text: str) -> str:
    """A page as pdoc makes it, with what its templates cannot change."""
    for pattern, new in MENDS:
        text = pattern.sub(new, text)
    return text


def entries(modules: Iterable[pdoc.doc.Module]) -> Iterator[tuple[str, str, str, str]]:
    """What the search finds: name, kind, page with anchor, and the first sentence of the docstring."""
    for module in modules:
        page = f"{FOLDER}/{module.modulename.replace('.', '/')}.html"
        yield module.modulename, "module", page, first(module.docstring)
        for doc in members(module):
            if doc.name != "__init__":
                name = f"{module.modulename}.{doc.qualname}"
                yield name, doc.kind, f"{page}#{doc.qualname}", first(doc.docstring)


def first(docstring: str) -> str:
    """The first paragraph of a docstring, without marks of Markdown."""
    return " ".join(docstring.partition("\n\n")[0].split()).replace("`", "")
