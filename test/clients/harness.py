"""Cases that a client of the protocol goes through with the server, each told in one line."""

import asyncio
import inspect
import os
import signal

import numpy

#: Over this many seconds a case has failed: nothing hangs.
PATIENCE = 30

HTTP_URL = os.environ["HTTP_URL"]
GRPC_URL = os.environ["GRPC_URL"]


def case(section, name, *over):
    """Runs the function at once: without `over` once, else with each of its members, whose name it then bears."""

    def run(function):
        for member in over or (None,):
            title = f"{section}: {name}" + (f" [{member}]" if over else "")
            tell(title, function, *(() if member is None else (member,)))
        return function

    return run


def tell(title, function, *arguments):
    signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE)
    try:
        result = function(*arguments)
        if inspect.isawaitable(result):
            asyncio.run(finished(result))
        print(f"ok   {title}", flush=True)
    except BaseException as failure:  # A client that ends the process has failed its case as well.
        lines = str(failure).strip().splitlines() or ["no reason"]
        print(f"FAIL {title}: {type(failure).__name__}: {lines[0]}{place_of(failure)}", flush=True)
        if isinstance(failure, KeyboardInterrupt):
            raise
    finally:
        signal.alarm(0)


async def finished(awaitable):
    return await awaitable


def late(*_):
    raise TimeoutError(f"not over after {PATIENCE} s")


def place_of(failure):
    """The last line of ours that the failure came through."""
    trace, place = failure.__traceback__, ""
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if os.path.dirname(path) == os.path.dirname(__file__) and not path.endswith("harness.py"):
            place = f" ({os.path.basename(path)}:{trace.tb_lineno})"
        trace = trace.tb_next
    return place


def equal(found, expected):
    same = (
        numpy.array_equal(found, expected)
        if isinstance(found, numpy.ndarray) or isinstance(expected, numpy.ndarray)
        else found == expected
    )
    if not same:
        raise AssertionError(f"{found!r} is not {expected!r}".replace("\n", " "))


def contains(text, part):
    if part not in text:
        raise AssertionError(f"{text!r} does not contain {part!r}")


def refused(part, kinds, function, *arguments, **named):
    """Holds that the call fails with one of the kinds of exception, and a text that contains the part."""
    try:
        function(*arguments, **named)
    except kinds as refusal:
        contains(str(refusal), part)
        return refusal
    raise AssertionError(f"not refused: expected {part!r}")
