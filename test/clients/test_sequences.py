"""Sequences with numbers and texts as ids, one call at a time and over streams."""

import uuid

import numpy

from harness import case, equal, refused
from test_streams import streamed
from triton import GRPC, GRPC_AIO, WIRES, Refusal

VALUES = [11, 7, 5, 3, 2, 0, 1]


def one(wire, value):
    return [wire.tensor("INPUT", numpy.array([[value]], numpy.int32))]


def told(place, count):
    return {"sequence_start": place == 0, "sequence_end": place == count - 1}


def run(wire, model, sequence, values):
    answers = []
    for place, value in enumerate(values):
        flags = told(place, len(values))
        result = wire.infer(model, one(wire, value), sequence_id=sequence, **flags)
        answers.append(int(result.as_numpy("OUTPUT")[0][0]))
    return answers


numbers = iter(range(100_000, 200_000))

MARKED = [12, 7, 5, 3, 2, 0, 1]


@case("sequences", "the first value is marked, by number and by text", *WIRES)
def _(wire):
    equal(run(wire, "simple_sequence", next(numbers), VALUES), MARKED)
    equal(run(wire, "simple_sequence", str(uuid.uuid4()), VALUES), MARKED)


@case("sequences", "the last value gets the id, a number", *WIRES)
def _(wire):
    sequence = next(numbers)
    equal(run(wire, "simple_dyna_sequence", sequence, VALUES), [*MARKED[:-1], MARKED[-1] + sequence])


@case("sequences", "values add up, and the last gets the id, a text", *WIRES)
def _(wire):
    sequence = next(numbers)
    equal(run(wire, "simple_string_dyna_sequence", str(sequence), VALUES), [11, 18, 23, 26, 28, 28, 29 + sequence])


@case("sequences", "two ids take turns on one connection", *WIRES)
def _(wire):
    a, b = str(next(numbers)), str(next(numbers))
    sums = {a: 0, b: 0}
    for place, value in enumerate(VALUES):
        for sequence, factor in ((a, 1), (b, -1)):
            flags = told(place, len(VALUES))
            model = "simple_string_dyna_sequence"
            result = wire.infer(model, one(wire, value * factor), sequence_id=sequence, **flags)
            sums[sequence] += value * factor
            expected = sums[sequence] + (int(sequence) if flags["sequence_end"] else 0)
            equal(int(result.as_numpy("OUTPUT")[0][0]), expected)


@case("sequences", "interleaved on a stream, the order of each is kept", GRPC, GRPC_AIO)
def _(wire):
    ids = {"simple_sequence": [next(numbers), str(uuid.uuid4())], "simple_dyna_sequence": [next(numbers)]}
    requests = [
        {
            "model_name": model,
            "inputs": one(wire, value),
            "request_id": f"{sequence} {place}",
            "sequence_id": sequence,
            **told(place, len(VALUES)),
        }
        for place, value in enumerate(VALUES)
        for model, sequences in ids.items()
        for sequence in sequences
    ]
    found, order = {}, {}
    for result, error in streamed(wire, requests):
        equal(error, None)
        sequence, place = result.get_response().id.split()
        found[sequence, int(place)] = int(result.as_numpy("OUTPUT")[0][0])
        order.setdefault(sequence, []).append(int(place))
    for model, sequences in ids.items():
        for sequence in sequences:
            equal(order[str(sequence)], list(range(len(VALUES))))
            last = sequence if model == "simple_dyna_sequence" else 0
            expected = [*MARKED[:-1], MARKED[-1] + last]
            equal([found[str(sequence), place] for place in range(len(VALUES))], expected)


@case("sequences", "no id, no start, and an id of the wrong kind are refused", *WIRES)
def _(wire):
    text = "must specify a non-zero or non-empty correlation ID"
    refused(text, Refusal, wire.infer, "simple_sequence", one(wire, 1))
    text = "must specify the START flag on the first request of the sequence"
    refused(text, Refusal, wire.infer, "simple_sequence", one(wire, 1), sequence_id=next(numbers))
    named = {"sequence_id": "text", "sequence_start": True, "sequence_end": True}
    refused("CORRID", Refusal, wire.infer, "simple_dyna_sequence", one(wire, 1), **named)
