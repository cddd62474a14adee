"""The pages of the atlas in a browser: Debian's chromium, driven by playwright.

Contrast, names, roles and what the keyboard reaches are checked by axe-core, whose file from npm the package
axe-playwright-python has. The site of a few nets is made once, even if several processes run these tests.
"""

import contextlib
import functools
import html.parser
import http.server
import importlib.util
import itertools
import pathlib
import random
import re
import shutil
import threading
import urllib.parse

import filelock
import pytest

from atlas_pages.beside import published
from kerasnets.analysis.compare import by_protocol, published_of, shared_by
from kerasnets.assembly.catalogue import catalogue
from kerasnets.cli.show import error_text
from kerasnets.weights.checkpoints import checkpoints

NETS = ("LeNet5", "PlainNet20", "ResNet20", "GoogLeNet", "AlexNet", "SqueezeNet", "MobileNet")
MODULES = ("kerasnets", "kerasnets.surgery")  # those with API pages; all would take long
KINDS = {
    "front": "index.html",
    "net": "nets/GoogLeNet.html",
    "trained net": "nets/LeNet5.html",
    "side by side": "side_by_side.html?nets=GoogLeNet,SqueezeNet,LeNet5",
    "guide": "docs/guide.html",
    "lectures": "docs/lectures.html",
    "commands": "docs/commands.html",
    "api": "api/kerasnets.html",
}
WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}
BAD = ("serious", "critical")  # impacts of violations, in the words of axe-core


@pytest.fixture(scope="module")
def site(tmp_path_factory, one_process):
    """The folder of a site of `NETS`."""
    import pdoc.extract

    from atlas_pages import seen
    from atlas_pages.site import Site

    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if folder.name.startswith("popen-") else folder) / "atlas"
    with filelock.FileLock(f"{folder}.lock"):
        if not folder.exists():
            trained = [found for found in seen.at_hand(["LeNet5"]) if "kerasnets" in found.weights]
            made = folder.with_name("unfinished")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(pdoc.extract, "walk_specs", lambda specs: dict.fromkeys(MODULES))
                one_process.build(Site(made, NETS), trained, None)
                one_process.write(Site(made, NETS), trained, None)
            made.rename(folder)
    return folder


@pytest.fixture(scope="module")
def browser():
    """A browser."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install -e '.[test]'")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("these tests need a browser: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, site):
    """Function that opens a page of the site. What goes wrong in it until the end of a test is an error."""
    faults, contexts = [], []

    def opened(path, kind="desk", root=None, **options):
        width, height = WIDTHS[kind]
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        root = root or site.as_uri() + "/"
        page.set_default_timeout(5000)
        page.on("console", lambda said: said.type == "error" and faults.append(said.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("requestfailed", lambda request: stopped(request) or faults.append(f"failed: {request.url}"))
        page.on("response", lambda answer: answer.ok or faults.append(f"{answer.status}: {answer.url}"))
        page.on("request", lambda asked: own(asked.url, root) or faults.append(f"outside: {asked.url}"))
        page.goto(root + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def stopped(request):
    """Whether the page was left before a file came."""
    return request.failure == "net::ERR_ABORTED"


def own(url, root):
    return url.startswith((root, "data:", "blob:"))


def overflow(page):
    """How much wider a page is than the window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def violations(page, *rules):
    """What axe-core finds that is serious."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"resultTypes": ["violations"], "preload": False}  # it would read the style sheets once more
    if rules:
        options["runOnly"] = list(rules)
    context = {"exclude": [["tbody tr:nth-child(n+4)"]]}  # rows of long tables look like the first ones
    found = Axe().run(page, context, options).response["violations"]
    return [
        (rule["id"], node["html"][:200], node.get("failureSummary"))
        for rule in found
        if rule["impact"] in BAD
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_loads_fits_and_is_accessible(open_page, site, kind):
    page = open_page(KINDS[kind])
    assert page.get_by_role("heading", level=1).is_visible()
    assert page.get_by_role("navigation", name="Pages").get_by_role("link").count() == 6
    assert overflow(page) <= 0
    assert links_to_nowhere(page, site) == []
    phone = open_page(KINDS[kind], "phone", color_scheme="dark")
    assert overflow(phone) <= 0
    if kind != "lectures":  # which are made as the guide is, and are so long that this would take 10 s
        assert violations(page) == []
        page.emulate_media(color_scheme="dark")
        assert violations(page, "color-contrast") == []
        assert violations(phone, "scrollable-region-focusable") == []


def links_to_nowhere(page, site):
    """The links of a page, as its scripts have made it, to files and anchors that are not there."""
    links = page.eval_on_selector_all(
        "a[href]", "links => links.map(link => new URL(link.getAttribute('href'), document.baseURI).href)"
    )
    here = page.url.partition("?")[0].partition("#")[0]
    return [
        link
        for link in set(links)
        if link.startswith("file:")
        and not (
            page.evaluate("id => document.getElementById(id) !== null", part(link))
            if link.startswith(here + "#")
            else path_of(link).is_file() or is_module(path_of(link), site)
        )
    ]


def part(link):
    return urllib.parse.unquote(urllib.parse.urlsplit(link).fragment)


def path_of(link):
    return pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(link).path))


class Marks(html.parser.HTMLParser):
    """The anchors and links of a page."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links = set(), set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids.add(found.get("id"))
        self.links |= {found[key] for key in ("href", "src") if key in found and tag != "use"}


def test_all_links_lead_somewhere(site):
    marks = {path: Marks(path) for path in site.rglob("*.html")}
    assert len(marks) > len(NETS) + 8
    lost = []
    for path, mark in marks.items():
        for link in mark.links:
            url = urllib.parse.urlsplit(link)
            if url.scheme:
                assert url.scheme in ("https", "http", "mailto", "data"), link
                continue
            target = (path.parent / urllib.parse.unquote(url.path)).resolve() if url.path else path
            anchor = urllib.parse.unquote(url.fragment)
            if is_module(target, site):
                continue
            if not target.is_file() or (anchor and target in marks and anchor not in marks[target].ids):
                lost.append((path.relative_to(site).as_posix(), link))
    assert lost == []


def is_module(path, site):
    """Whether a path is the API page of a module that has none here."""
    name = path.relative_to(site).with_suffix("").as_posix().partition("api/")[2].replace("/", ".")
    return (
        name not in MODULES and name.startswith("kerasnets.") and importlib.util.find_spec(name) is not None
    )


def test_nothing_is_asked_of_other_servers(site):
    for path in site.rglob("*.html"):
        found = Outside(path).found
        assert found == [], path


class Outside(html.parser.HTMLParser):
    """What a page would load from elsewhere."""

    def __init__(self, path):
        super().__init__()
        self.found = []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        loads = [value for key, value in attrs if key == "src" or (key == "href" and tag == "link")]
        self.found += [url for url in loads if "//" in url and not url.startswith("data:")]


@contextlib.contextmanager
def served(folder):
    """The address of a server of the files in a folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=folder)
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def test_served_pages_are_those_from_disk(open_page, site):
    with served(site) as root:
        for kind in ("front", "side by side"):
            here, there = open_page(KINDS[kind]), open_page(KINDS[kind], root=root)
            assert there.locator("main").inner_text() == here.locator("main").inner_text()


@pytest.mark.parametrize("kind", ["front", "side by side"])
def test_the_keyboard_skips_the_navigation(open_page, kind):
    page = open_page(KINDS[kind])
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the content")
    assert link.evaluate("link => link === document.activeElement")
    assert link.evaluate("link => link.getBoundingClientRect().left >= 0")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def tab_to(page, locator, most=60):
    """Presses Tab until an element has the focus, which must be seen there."""
    look = "found => ['outlineStyle', 'stroke'].map(name => getComputedStyle(found)[name]).join()"
    focused = "found => found === document.activeElement"
    before = locator.evaluate(look)
    for _ in range(most):
        page.keyboard.press("Tab")
        if locator.evaluate(focused):
            break
    assert locator.evaluate(focused)
    assert locator.evaluate(look) != before


# The front page.


def listed(page):
    """The nets of the table, in its order."""
    return page.get_by_role("region", name="All nets").get_by_role("rowheader").all_inner_texts()


def dots(page):
    """The nets of the chart, and their values on the vertical axis, from left to right."""
    links = page.get_by_role("figure").get_by_role("link")
    texts = [link.get_attribute("aria-label") for link in links.all()]
    return {text.partition(",")[0]: float(text.rpartition(" ")[2]) for text in texts}


def fitting(test):
    """The nets whose record in the catalogue passes a test."""
    return {net for net in NETS if test(catalogue()[net])}


@pytest.fixture
def front(open_page):
    return open_page(KINDS["front"])


def test_all_nets_are_listed(front):
    assert sorted(listed(front)) == sorted(NETS)
    assert f"{len(NETS)} of {len(NETS)}" in front.get_by_role("status").inner_text()


def test_search(front):
    search = front.get_by_role("searchbox", name="Search")
    for words in (["resnet20"], ["MOBILE"], ["squeezenet", "iandola"], ["lecun"]):
        search.fill(" ".join(words))
        texts = {net: f"{net} {catalogue()[net]['citation']}".lower() for net in NETS}
        expected = {net for net, text in texts.items() if all(word.lower() in text for word in words)}
        assert set(listed(front)) == expected != set()
    search.fill("no such net")
    assert listed(front) == []
    front.get_by_role("button", name="Show all nets").click()
    assert len(listed(front)) == len(NETS)
    assert search.input_value() == ""


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Parameters", lambda net: net["params"]),
        ("Multiply-adds", lambda net: net["mult_adds"]),
        ("Year", lambda net: net["citation"]["year"]),
        ("Net", lambda net: net["name"]),
    ],
)
def test_sort(front, header, value):
    column = front.get_by_role("columnheader", name=re.compile(f"^{header}\\b"))
    for order in ("ascending", "descending"):
        column.get_by_role("button").click()
        assert column.get_attribute("aria-sort") == order
        values = [value(catalogue()[net]) for net in listed(front)]
        assert values == sorted(values, reverse=order == "descending")


def test_filters(front):
    weights = front.get_by_role("checkbox", name="Trained weights")
    weights.check()
    assert set(listed(front)) == {net for net in NETS if checkpoints(net)} != set(NETS)
    weights.uncheck()
    front.get_by_role("combobox", name="Input").select_option("32x32x3")
    assert set(listed(front)) == fitting(lambda net: net["input"] == [32, 32, 3])
    front.get_by_role("combobox", name="Input").select_option("any")
    front.get_by_role("combobox", name="From").select_option("2012")
    front.get_by_role("combobox", name="To", exact=True).select_option("2016")
    assert set(listed(front)) == fitting(lambda net: 2012 <= net["citation"]["year"] <= 2016)
    front.get_by_role("combobox", name="Idea").select_option("shortcuts")
    assert set(listed(front)) == {"ResNet20"}


def test_families_are_switched_off_and_on(front):
    front.get_by_role("combobox", name="Vertical").select_option("Parameters")
    families = front.get_by_role("group", name="Families")
    button = families.get_by_role("button", name="lenet", exact=True)
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    expected = fitting(lambda net: net["family"] != "lenet")
    assert set(listed(front)) == set(dots(front)) == expected
    families.get_by_role("button", name="None").click()
    assert listed(front) == []
    button.click()
    assert set(listed(front)) == set(NETS) - expected
    families.get_by_role("button", name="All").click()
    assert len(listed(front)) == len(NETS)


def test_axes(front):
    for y, value in (("Parameters", "params"), ("Multiply-adds", "mult_adds")):
        front.get_by_role("combobox", name="Vertical").select_option(y)
        assert dots(front) == {net: catalogue()[net][value] for net in NETS}
    front.get_by_role("combobox", name="Horizontal").select_option("Year")
    years = [catalogue()[net]["citation"]["year"] for net in dots(front)]
    assert years == sorted(years)
    lefts = [box.bounding_box()["x"] for box in front.get_by_role("figure").get_by_role("link").all()]
    assert lefts == sorted(lefts)
    assert lefts[0] < lefts[-1]


def test_errors_are_of_one_protocol(front):
    results = [published_of(net) for net in NETS]
    menu = front.get_by_role("combobox", name="Protocol")
    protocols = menu.locator("option").evaluate_all("options => options.map(option => option.value)")
    assert len(protocols) > 2
    for protocol in protocols:
        menu.select_option(protocol)
        for top in ("top1", "top5"):
            front.get_by_role("combobox", name="Error").select_option(top.replace("p", "p-"))
            found = dict(zip(NETS, by_protocol(results, protocol), strict=True))
            expected = {net: getattr(result, top) for net, result in found.items() if result}
            assert dots(front) == {net: error for net, error in expected.items() if error is not None}


def test_a_dot_leads_to_its_net_and_back_to_the_same_choice(front):
    front.get_by_role("searchbox", name="Search").fill("net")
    front.get_by_role("combobox", name="Vertical").select_option("Parameters")
    front.get_by_role("columnheader", name="Parameters").get_by_role("button").click()
    before = listed(front), dots(front)
    front.get_by_role("figure").get_by_role("link", name="SqueezeNet").click()
    front.wait_for_url("**/nets/SqueezeNet.html")
    assert front.get_by_role("heading", level=1).inner_text() == "SqueezeNet"
    front.go_back()
    assert (listed(front), dots(front)) == before
    assert front.get_by_role("combobox", name="Vertical").input_value() == "params"


def test_nets_are_put_side_by_side(front):
    def choose(net):
        front.get_by_role("checkbox", name=f"Put {net} side by side").click()

    link = front.get_by_role("main").get_by_role("link", name="Side by side")
    choose("ResNet20")
    assert link.get_attribute("href") is None  # one net
    for net in NETS[:3]:
        if net != "ResNet20":
            choose(net)
    for net in NETS[3:5]:
        choose(net)
    assert link.get_attribute("href") is None  # five
    choose("LeNet5")
    choose("AlexNet")
    link.click()
    front.wait_for_url("**/side_by_side.html?nets=*")
    assert sorted(chosen(front)) == ["GoogLeNet", "PlainNet20", "ResNet20"]


def test_front_page_by_keyboard(front):
    tab_to(front, front.get_by_role("searchbox", name="Search"))
    front.keyboard.type("net")
    tab_to(front, front.get_by_role("columnheader", name="Year").get_by_role("button"))
    front.keyboard.press("Enter")
    years = [catalogue()[net]["citation"]["year"] for net in listed(front)]
    assert years == sorted(years)
    tab_to(front, front.get_by_role("region", name="All nets").get_by_role("link", name="LeNet5"))
    front.keyboard.press("Enter")
    front.wait_for_url("**/nets/LeNet5.html")


def test_dots_by_keyboard(front):
    links = front.get_by_role("figure").get_by_role("link")
    names = list(dots(front))
    front.get_by_role("combobox", name="Horizontal").focus()
    tab_to(front, links.nth(0))
    front.keyboard.press("ArrowRight")
    assert links.nth(1).evaluate("dot => dot === document.activeElement")
    front.keyboard.press("Enter")
    front.wait_for_url(f"**/nets/{names[1]}.html")


# Side by side.


def table(page, name):
    """The rows of a table, each a list of the texts of its cells, "-" for an empty one."""
    texts = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim() || '-'))"
    return page.get_by_role("region", name=name).locator("tr").evaluate_all(texts)


def beside(open_page, *nets, **options):
    return open_page(f"side_by_side.html?nets={','.join(nets)}", **options)


def chosen(page):
    """The nets that a page shows, which are those of its fields and of its address."""
    nets = table(page, "Stages")[0][1:]
    fields = page.get_by_role("combobox").evaluate_all("fields => fields.map(field => field.value)")
    assert [value for value in fields if value] == nets
    assert table(page, "Key figures")[0][1:] == nets
    return nets


def test_key_figures_are_those_of_the_catalogue(open_page):
    nets = NETS[2:6]
    rows = {row[0].splitlines()[0]: row[1:] for row in table(beside(open_page, *nets), "Key figures")}
    for net, year, params in zip(nets, rows["Year"], rows["Parameters"], strict=True):
        assert int(year) == catalogue()[net]["citation"]["year"]
        assert int(params.split()[0].replace(",", "")) == catalogue()[net]["params"]
    least = [net for net, text in zip(nets, rows["Parameters"], strict=True) if "least" in text]
    assert least == [min(nets, key=lambda net: catalogue()[net]["params"])]


@pytest.mark.parametrize(
    "nets",
    [
        ("GoogLeNet", "SqueezeNet"),
        ("GoogLeNet", "MobileNet", "SqueezeNet"),
        ("LeNet5", "ResNet20"),
        ("ResNet20", "PlainNet20"),
    ],
)
def test_errors_are_compared_by_shared_protocols(open_page, nets):
    page = beside(open_page, *nets)
    rows = [row for row in table(page, "Key figures") if row[0].startswith("Error")]
    results = [published_of(net) for net in nets]
    protocols = shared_by(results) if all(results) else ()
    for row, protocol in zip(rows, protocols, strict=bool(protocols)):
        assert row[0].splitlines()[-1] == protocol
        for text, result in zip(row[1:], by_protocol(results, protocol), strict=True):
            for error, top in ((result.top1, "top-1"), (result.top5, "top-5")):
                words = f"{error_text(error)} % {top}" if error is not None else top
                assert (words in text) == (error is not None)
            assert result.source in text
    said = page.get_by_role("main").inner_text()
    assert ("share no protocol" in said or "No protocol" in said) == (not protocols and all(results))
    for net in (net for net, found in zip(nets, results, strict=True) if not found):
        assert f"No error was published for {net}." in said


def test_protocols_and_sources_are_chosen_as_in_comparisons(open_page):
    page, names = beside(open_page, "GoogLeNet", "LeNet5"), list(catalogue())
    draw = random.Random(0)
    sets = [draw.sample(names, draw.choice((2, 3, 4))) for _ in range(400)]
    sets += [list(pair) for pair in itertools.pairwise(names)]
    chosen = """([data, sets]) => {
        Object.assign(ATLAS, data);
        const told = error => [error[1], error[2], ATLAS.sources[error[3]]];
        return sets.map(nets => shared(nets).map(i => [ATLAS.protocols[i][0], errorsBy(i, nets).map(told)]));
    }"""
    results = {name: published_of(name) for name in names}
    sets = [nets for nets in ([net for net in nets if results[net]] for nets in sets) if len(nets) > 1]
    found = page.evaluate(chosen, [published(names), sets])
    assert sum(map(len, found)) > 100
    for nets, rows in zip(sets, found, strict=True):
        given = [results[net] for net in nets]
        assert rows == [
            [protocol, [[r.top1, r.top5, r.source] for r in by_protocol(given, protocol)]]
            for protocol in shared_by(given)
        ]


def test_stages_are_aligned_by_resolution(open_page):
    rows = {row[0].splitlines()[0]: row[1:] for row in table(beside(open_page, *NETS[:4]), "Stages")[1:]}
    assert list(rows)[:6] == ["1", "1/2", "1/4", "1/8", "1/16", "1/32"]
    lenet, _, resnet, googlenet = range(4)
    assert "inception 4a" in rows["1/16"][googlenet]
    assert "inception 5a" in rows["1/32"][googlenet]
    assert "8x8x64" in rows["1/4"][resnet]
    assert "[3x3, 64 · 3x3, 64] x 3" in rows["1/4"][resnet]
    assert rows["1/8"][lenet] == rows["1/8"][resnet] == "-"
    assert "84-d fc" in rows["classi\u00adfier"][lenet]


def test_shares_of_a_net_are_a_whole_and_bars_have_one_scale(open_page):
    page = beside(open_page, "GoogLeNet", "LeNet5")
    shares = "box => [...box.querySelectorAll('.meter')].map(m => [m.dataset.kind, m.closest('td').cellIndex,"
    shares += " m.innerText, parseFloat(m.querySelector('.bar-of').style.width)])"
    found = page.get_by_role("region", name="Stages").evaluate(shares)
    assert max(width for *_, width in found) == 100
    for column in (1, 2):
        for kind in ("params", "adds"):
            texts = [text.split()[-2] for k, c, text, _ in found if (k, c) == (kind, column)]
            total = sum(map(float, texts))
            assert abs(total - 100) < 0.06 * len(texts)
    ratios = {round(width / float(text.split()[-2]), 1) for *_, text, width in found if width > 20}
    assert len(ratios) == 1
    page.get_by_role("radio", name="counts").check()
    found = page.get_by_role("region", name="Stages").evaluate(shares)
    assert max(width for _, column, _, width in found if column == 2) < 10  # LeNet5 is small


def test_nets_are_chosen_on_the_page(open_page):
    page = beside(open_page, "GoogLeNet", "LeNet5")
    page.get_by_role("combobox", name="Add a net").select_option("ResNet20")
    assert chosen(page) == ["GoogLeNet", "LeNet5", "ResNet20"]
    page.get_by_role("combobox", name="Net 2").select_option("MobileNet")
    assert chosen(page) == ["GoogLeNet", "MobileNet", "ResNet20"]
    assert page.url.endswith("?nets=GoogLeNet,MobileNet,ResNet20")
    page.reload()
    assert chosen(page) == ["GoogLeNet", "MobileNet", "ResNet20"]
    page.get_by_role("combobox", name="Add a net").select_option("LeNet5")
    assert page.get_by_role("combobox", name="Add a net").count() == 0  # four are the most
    page.get_by_role("button", name="Remove GoogLeNet").click()
    page.get_by_role("button", name="Remove LeNet5").click()
    assert chosen(page) == ["MobileNet", "ResNet20"]
    assert page.get_by_role("button", name="Remove").count() == 0  # two are the least
    page.get_by_role("region", name="Stages").get_by_role("link", name="ResNet20").click()
    page.wait_for_url("**/nets/ResNet20.html")
    page.go_back()
    assert chosen(page) == ["MobileNet", "ResNet20"]


@pytest.mark.parametrize(
    ("asked", "shown", "said"),
    [
        ("", ["AlexNet", "SqueezeNet"], "AlexNet and SqueezeNet are shown to begin with"),
        ("LeNet5", ["LeNet5"], "Two to four nets"),
        ("LeNet5,resnet2O,MobileNet", ["LeNet5", "MobileNet"], "resnet2O is not a net of this atlas"),
        ("LeNet5,resnet2O,MobileNet", ["LeNet5", "MobileNet"], "the nearest name is ResNet20"),
        (",".join(NETS), list(NETS[:4]), "Left out: AlexNet, SqueezeNet, MobileNet"),
        ("LeNet5,LeNet5, ,<b>x</b>,GoogLeNet", ["LeNet5", "GoogLeNet"], "<b>x</b> is not a net"),
        ("nothing", ["AlexNet", "SqueezeNet"], "nothing is not a net"),
    ],
)
def test_other_addresses_are_answered_by_a_sentence(open_page, asked, shown, said):
    page = open_page(f"side_by_side.html?nets={urllib.parse.quote(asked)}")
    assert said in page.get_by_role("status").inner_text()
    assert chosen(page) == shown


def test_side_by_side_by_keyboard(open_page):
    page = beside(open_page, "GoogLeNet", "LeNet5")
    tab_to(page, page.get_by_role("combobox", name="Net 1"))
    page.keyboard.press("End")
    assert chosen(page)[0] != "GoogLeNet"
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Net 1"
    tab_to(page, page.get_by_role("region", name="Stages").get_by_role("link", name="LeNet5"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/nets/LeNet5.html")


def test_a_net_fits_in_the_narrowest_window(open_page):
    page = open_page("nets/AlexNet.html", "phone")
    page.set_viewport_size({"width": 320, "height": 700})
    assert overflow(page) <= 0


@pytest.mark.parametrize(
    "state", ["x=z&y=z&protocol=z&top=z", "sort=__proto__", "from=z&to=z&idea=z&input=z", "nets=z"]
)
def test_an_address_with_unknown_values_shows_all_nets(open_page, state):
    page = open_page(f"index.html#{state}")
    page.locator("#chart svg").first.wait_for()
    assert page.locator("#count").inner_text() == f"{len(NETS)} of {len(NETS)} nets"
    assert page.locator("#beside").is_hidden()


def test_two_nets_fit_on_a_phone_and_more_scroll_in_their_box(open_page):
    inside = "box => box.scrollWidth - box.clientWidth"
    page = beside(open_page, "GoogLeNet", "MobileNet", kind="phone")
    assert page.get_by_role("region", name="Stages").evaluate(inside) <= 0
    page = beside(open_page, *NETS[:4], kind="phone")
    assert overflow(page) <= 0
    box = page.get_by_role("region", name="Stages")
    assert box.evaluate(inside) > 0
    head = page.get_by_role("rowheader", name="1/16")
    left = head.bounding_box()["x"]
    box.evaluate("box => { box.scrollLeft = 200 }")
    assert head.bounding_box()["x"] == left


def test_lines_are_copied(open_page):
    page = open_page("nets/GoogLeNet.html")
    page.get_by_role("button", name="Copy").nth(1).click()
    page.get_by_role("button", name="Copied: Measure its cost").wait_for()
    page.evaluate("document.body.prepend(document.createElement('textarea'))")
    page.locator("textarea").press("Control+V")
    assert page.locator("textarea").input_value().strip() == "kerasnets profile GoogLeNet --layers"
