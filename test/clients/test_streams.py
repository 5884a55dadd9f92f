"""Streams: decoupled models, the final flag, errors in between, cancelling."""

import queue

import numpy

from harness import case, contains, equal
from triton import GRPC, GRPC_AIO, ONES, ROW, pair


def repeat(wire, values, delays=None, wait=0):
    count = len(values)
    return [
        wire.tensor("IN", numpy.array(values, numpy.int32).reshape(count)),
        wire.tensor("DELAY", numpy.array(delays or [0] * count, numpy.uint32).reshape(count)),
        wire.tensor("WAIT", numpy.array([wait], numpy.uint32)),
    ]


def streamed(wire, requests, **options):
    """What a whole stream answers: pairs of result and error, in their order."""
    if wire is GRPC_AIO:
        return wire.client.loop.run_until_complete(streamed_aio(wire.client.client, requests))
    answers = queue.Queue()
    client = wire.connect()
    client.start_stream(lambda result, error: answers.put((result, error)), **options)
    for request in requests:
        client.async_stream_infer(**request)
    client.stop_stream()
    client.close()
    return list(answers.queue)


async def streamed_aio(client, requests):
    async def sent():
        for request in requests:
            yield request

    return [answer async for answer in client.stream_infer(sent())]


def final_of(result):
    return result.get_response().parameters["triton_final_response"].bool_param


def outputs_of(result):
    return [int(result.as_numpy(output.name)[0]) for output in result.get_response().outputs]


STREAMS = (GRPC, GRPC_AIO)


@case("streams", "a model of one response answers in order, each response final", *STREAMS)
def _(wire):
    requests = [{"model_name": "simple", "inputs": pair(wire, ROW * n), "request_id": str(n)} for n in range(20)]
    answers = streamed(wire, requests)
    equal([error for _, error in answers], [None] * 20)
    equal([result.get_response().id for result, _ in answers], [str(n) for n in range(20)])
    equal([final_of(result) for result, _ in answers], [True] * 20)
    for n, (result, _) in enumerate(answers):
        equal(result.as_numpy("OUTPUT0"), ROW * n + ONES)


@case("streams", "a decoupled model answers as often as it likes, with no end of its own", *STREAMS)
def _(wire):
    answers = streamed(wire, [{"model_name": "repeat_int32", "inputs": repeat(wire, [4, 5, 6], [3, 0, 1])}])
    equal([outputs_of(result) for result, _ in answers], [[4, 0], [5, 1], [6, 2]])
    equal([final_of(result) for result, _ in answers], [False] * 3)


# The asyncio client has no way to ask.
@case("streams", "an empty final response comes when it is asked for", GRPC)
def _(wire):
    asked = {"model_name": "repeat_int32", "enable_empty_final_response": True}
    answers = streamed(wire, [{**asked, "request_id": "x", "inputs": repeat(wire, [7])}])
    equal([(outputs_of(result), final_of(result)) for result, _ in answers], [([7, 0], False), ([], True)])
    last = answers[-1][0].get_response()
    equal([last.id, last.model_name, last.model_version], ["x", "repeat_int32", "1"])
    none = streamed(wire, [{**asked, "inputs": repeat(wire, [])}])
    equal([(outputs_of(result), final_of(result)) for result, _ in none], [([], True)])
    equal(streamed(wire, [{"model_name": "repeat_int32", "inputs": repeat(wire, [])}]), [])


@case("streams", "several decoupled requests run side by side, each in order", *STREAMS)
def _(wire):
    requests = [
        {"model_name": "repeat_int32", "request_id": str(n), "inputs": repeat(wire, [n] * 10, [1] * 10)} for n in range(5)
    ]
    places = {}
    for result, error in streamed(wire, requests):
        equal(error, None)
        value, place = outputs_of(result)
        equal(result.get_response().id, str(value))
        places.setdefault(value, []).append(place)
    equal(places, {n: list(range(10)) for n in range(5)})


@case("streams", "a value, as often as it says", *STREAMS)
def _(wire):
    inputs = [wire.tensor("IN", numpy.array([3], numpy.int32))]
    answers = streamed(wire, [{"model_name": "square_int32", "inputs": inputs}])
    equal([outputs_of(result) for result, _ in answers], [[3]] * 3)


@case("streams", "an error ends its request, and not the stream", *STREAMS)
def _(wire):
    requests = [
        {"model_name": "simple", "inputs": pair(wire), "request_id": "1"},
        {"model_name": "nope", "inputs": pair(wire), "request_id": "2"},
        {"model_name": "simple", "inputs": pair(wire), "request_id": "3"},
    ]
    (first, none), (_, error), (third, nothing) = streamed(wire, requests)
    equal([first.get_response().id, none, third.get_response().id, nothing], ["1", None, "3", None])
    contains(str(error), "Request for unknown model: 'nope' is not found")


@case("streams", "a client that asks for the status of gRPC gets it", GRPC)
def _(wire):
    requests = [{"model_name": "nope", "inputs": pair(wire)}]
    answers = streamed(wire, requests, headers={"triton_grpc_error": "true"})
    contains(str(answers[0][1]), "StatusCode.NOT_FOUND")


@case("streams", "a client leaves in the middle, and the server goes on", GRPC)
def _(wire):
    answers = queue.Queue()
    client = wire.connect()
    client.start_stream(lambda result, error: answers.put((result, error)))
    client.async_stream_infer("repeat_int32", repeat(wire, [1] * 1_000, [50] * 1_000))
    answers.get(timeout=10)
    client.stop_stream(cancel_requests=True)
    client.close()
    equal(wire.client.is_server_live(), True)


@case("streams", "an inference is cancelled", GRPC)
def _(wire):
    from models import brought, identity_config, slow

    answers = queue.Queue()
    with brought("slow_to_cancel", identity_config("slow_to_cancel", parameters=slow(10_000))) as name:
        inputs = [wire.tensor("INPUT0", numpy.array([1], numpy.int32))]
        running = wire.client.async_infer(name, inputs, lambda result, error: answers.put(error))
        running.cancel()
        contains(str(answers.get(timeout=5)), "CANCELLED")
