"""Priorities, time-outs of the server's queue, and those of clients."""

import queue

import numpy

from harness import case, contains, equal, refused
from models import brought, identity_config, slow
from triton import GRPC, GRPCS, HTTP, WIRES, Refusal

ONE = numpy.array([[1]], numpy.int32)


def queued(name, milliseconds, **batching):
    """One request at a time, each for as long; the others wait."""
    more = {"dynamic_batching": batching, "parameters": slow(milliseconds)}
    return brought(name, identity_config(name, "INT32", max_batch_size=1, **more))


def one(wire):
    return [wire.tensor("INPUT0", ONE)]


def begin(name, answers, **named):
    """A request that runs, or waits, when this returns: the next call on the connection has come through."""
    inputs = one(GRPC)
    GRPC.client.async_infer(name, inputs, lambda result, error: answers.put((named, error)), **named)
    GRPC.client.is_server_live()


@case("schedule", "a request of high priority overtakes others")
def _():
    answers = queue.Queue()
    with queued("by_priority", 100, priority_levels=2, default_priority_level=2) as name:
        for request_id, priority in (("first", 2), ("low", 2), ("default", 0), ("high", 1)):
            begin(name, answers, request_id=request_id, priority=priority)
        order = [answers.get(timeout=10) for _ in range(4)]
    equal([error for _, error in order], [None] * 4)
    equal([named["request_id"] for named, _ in order], ["first", "high", "low", "default"])


@case("schedule", "priorities are taken over every wire", *WIRES)
def _(wire):
    with queued("with_priority", 1, priority_levels=2, default_priority_level=2) as name:
        equal(wire.infer(name, one(wire), priority=1).as_numpy("OUTPUT0"), ONE)
    equal(wire.infer("custom_identity_int32", one(wire), priority=7, timeout=1).as_numpy("OUTPUT0"), ONE)


POLICY = {
    "timeout_action": "REJECT",
    "default_timeout_microseconds": 10_000_000,
    "allow_timeout_override": True,
}


@case("schedule", "a request that waits for too long is refused", *WIRES)
def _(wire):
    answers = queue.Queue()
    with queued("impatient", 400, default_queue_policy=POLICY) as name:
        begin(name, answers)
        refused("Request timeout expired", Refusal, wire.infer, name, one(wire), timeout=50_000)
        equal(answers.get(timeout=10)[1], None)


@case("schedule", "a longer time than the server allows is not taken", *WIRES)
def _(wire):
    answers = queue.Queue()
    with queued("strict", 300, default_queue_policy={**POLICY, "default_timeout_microseconds": 50_000}) as name:
        begin(name, answers)
        refused("Request timeout expired", Refusal, wire.infer, name, one(wire), timeout=10_000_000)
        equal(answers.get(timeout=10)[1], None)


@case("schedule", "a queue that is full refuses", *WIRES)
def _(wire):
    answers = queue.Queue()
    with queued("short_queue", 300, default_queue_policy={"max_queue_size": 1}) as name:
        begin(name, answers)
        begin(name, answers)
        refused("Exceeds maximum queue size", Refusal, wire.infer, name, one(wire))
        equal([answers.get(timeout=10)[1] for _ in range(2)], [None] * 2)


@case("schedule", "a client's own time-out ends the call", *GRPCS)
def _(wire):
    with queued("slow_for_clients", 3_000) as name:
        refused("DEADLINE_EXCEEDED", Refusal, wire.infer, name, one(wire), client_timeout=0.1)


@case("schedule", "a client's own time-out ends the call", HTTP)
def _(wire):
    with queued("slow_for_http", 3_000) as name:
        client = wire.connect(network_timeout=0.1)
        refused("timed out", Exception, client.infer, name, one(wire))
        client.close()


@case("schedule", "requests are merged, and each gets its own rows")
def _():
    answers = queue.Queue()
    config = {"dynamic_batching": {"max_queue_delay_microseconds": 5_000, "preferred_batch_size": [4]}}
    with brought("merged", identity_config("merged", max_batch_size=8, **config)) as name:
        for n in range(16):
            rows = numpy.array([[n]], numpy.int32)
            done = lambda result, error: answers.put((error, result))
            GRPC.client.async_infer(name, [GRPC.tensor("INPUT0", rows)], done, request_id=str(n))
        for _ in range(16):
            error, result = answers.get(timeout=10)
            equal(error, None)
            equal(int(result.as_numpy("OUTPUT0")[0][0]), int(result.get_response().id))
