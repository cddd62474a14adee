"""Contenders that take turns in processes of their own."""

import os
import time

import pytest

from kerasnets.serving import turns


def contender(name, **arguments):
    return turns.Contender(name, f"serving.contenders:{name}", arguments)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_dies_refuses_or_is_slow_has_a_reason_and_the_others_go_on():
    found = turns.measure(
        [
            contender("counting", start=10),
            contender("refusing"),
            contender("dying", of="SIGSEGV", after=2),
            contender("dying", of="SIGFPE", after=0),
            contender("leaving"),
            contender("slow"),
        ],
        rounds=2,
        least=0,
        pause=0,
        timeout=4,
    )
    good, *bad = found
    assert [outcome.error for outcome in bad] == [
        "ValueError: not this one",
        "killed by SIGSEGV",
        "killed by SIGFPE",
        "ended with status 3: no more memory",
        "a turn took more than 4 seconds",
    ]
    assert all(outcome.median() is None and outcome.ratio(good) is None for outcome in bad)
    assert [len(outcome.seconds.get("", [])) for outcome in found] == [2, 0, 1, 0, 0, 0]
    assert good.error is None
    assert good.load > 0
    assert good.median() >= 0.001
    assert good.figures[""]["calls"] == 13  # the first of three turns does not count
    assert good.memory is None or good.memory > 1
    assert not alive(good.figures[""]["process"])


def test_a_turn_has_calls_for_a_while_and_each_question_its_own():
    found = turns.measure(
        [contender("counting"), contender("counting", start=1000)],
        rounds=2,
        questions={"one": {}, "ten": {"add": 10}},
        least=0.02,
        pause=0,
    )
    assert all({name: len(s) for name, s in one.seconds.items()} == {"one": 2, "ten": 2} for one in found)
    a, b = (one.figures["ten"]["calls"] for one in found)
    assert a > 6 * 11  # at least two calls in each of six turns, half of which add ten
    assert b > 1000


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_processes_are_ended_in_every_case(error):
    pids = []

    def stopped():
        with turns.loaded([contender("counting"), contender("slow")]) as processes:
            pids.extend(one.process.pid for one in processes)
            assert all(map(alive, pids))
            raise error

    with pytest.raises(error):
        stopped()
    assert len(pids) == 2
    assert not any(map(alive, pids))


def test_steps_are_told():
    seen = []
    contenders = [contender("counting"), contender("refusing")]
    turns.measure(contenders, 1, {"a": {}, "b": {}}, least=0, pause=0, step=lambda: seen.append(time.time()))
    assert len(seen) == turns.steps(2, 1, 2) == 10


def test_ratios_are_those_of_rounds():
    fast = turns.Outcome("fast", seconds={"8": [1.0, 2.0, 4.0]})
    late = turns.Outcome("late", seconds={"8": [2.0, 6.0, 4.0]})
    assert fast.ratio(late, "8") == 2.0
    assert late.median("8") == 4.0
