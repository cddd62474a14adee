import importlib
import json
import shutil
import sys
from concurrent.futures import Executor, Future

import pytest

import shared


@pytest.fixture(scope="module")
def recipe(request):
    """Function that runs the recipe that a test file is named after, with these words on its command line."""
    name = request.module.__name__.removeprefix("test_").removesuffix("_recipe").removesuffix("_table")
    main = importlib.import_module(name).main

    def run(*words):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [f"{name}.py", *map(str, words)])
            shared.run(main)

    return run


@pytest.fixture
def check_refused(recipe, monkeypatch, capsys, tmp_path):
    """Checks that a recipe refuses some words in one line, with status 2, and writes nothing."""

    def check(words, message):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit) as ended:
            recipe(*words)
        assert ended.value.code == 2
        assert message in capsys.readouterr().err.splitlines()[-1]
        assert list(tmp_path.iterdir()) == []

    return check


@pytest.fixture
def check_kept(recipe, tmp_path):
    """Checks that --runs does not do a run again that is done, and that it counts it."""

    def check(finished, words, measures):
        own = shutil.copytree(finished, tmp_path / "all" / "seed0")
        before = {p: p.stat().st_mtime_ns for p in own.rglob("*")}
        recipe(*words, "--runs", 1, "--out", tmp_path / "all")
        assert {p: p.stat().st_mtime_ns for p in own.rglob("*")} == before
        found = json.loads((tmp_path / "all" / "results.json").read_text())
        values = {name: row["values"] for name, row in found["measures"].items()}
        assert values == {name: [value] for name, value in measures.items()}

    return check


class InThisProcess(Executor):
    """Does a job when it is submitted. An interrupt is not kept for later."""

    def __init__(self, processes, context, initializer):
        pass

    def submit(self, job, *arguments):
        done = Future()
        try:
            done.set_result(job(*arguments))
        except Exception as error:
            done.set_exception(error)
        return done


@pytest.fixture(scope="module")
def one_process():
    """The recipe atlas, which does all its work in this process."""
    import atlas

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atlas, "ProcessPoolExecutor", InThisProcess)
        yield atlas
