"""The clients of KServe's SDK."""

import logging
import os
import ssl

import numpy
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

from harness import GRPC_URL, HTTP_URL, case, contains, equal

ROW = numpy.arange(16, dtype=numpy.int32).reshape(1, 16)
EXPECTED = {"OUTPUT0": (ROW * 2).tolist(), "OUTPUT1": (ROW * 0).tolist()}
# The SDK logs what it raises as well.
logging.disable(logging.CRITICAL)

AUTHORITY = os.environ["TLS_CA"]
TLS_HTTP_URL, TLS_GRPC_URL = (os.environ[f"TLS_{wire}_URL"].replace("127.0.0.1", "localhost") for wire in ("HTTP", "GRPC"))


class Rest:
    def __init__(self, base=f"http://{HTTP_URL}", **options):
        self.base, self.client = base, InferenceRESTClient(RESTConfig(protocol="v2", **options))

    async def infer(self, request):
        return await self.client.infer(self.base, request, model_name=request.model_name)

    def ask(self, question, *arguments):
        return getattr(self.client, question)(self.base, *arguments)


class Grpc:
    def __init__(self, url=GRPC_URL, **options):
        self.client = InferenceGRPCClient(url, **options)

    async def infer(self, request):
        return await self.client.infer(request)

    def ask(self, question, *arguments):
        return getattr(self.client, question)(*arguments)


class Either:
    """Made within the loop that the client belongs to."""

    def __init__(self, make, name):
        self.make, self.name = make, name

    def __str__(self):
        return self.name

    async def __aenter__(self):
        self.made = self.make()
        return self.made

    async def __aexit__(self, *_):
        await self.made.client.close()


REST, GRPC = Either(Rest, "rest"), Either(Grpc, "grpc")
BOTH = (REST, GRPC)


def tensors(binary):
    inputs = [InferInput(name, [1, 16], "INT32") for name in ("INPUT0", "INPUT1")]
    for tensor in inputs:
        tensor.set_data_from_numpy(ROW, binary_data=binary)
    return inputs


@case("kserve", "the server is live and ready, and so is a model", *BOTH)
async def _(wire):
    async with wire as client:
        equal(await client.ask("is_server_live"), True)
        equal(await client.ask("is_server_ready"), True)
        equal(await client.ask("is_model_ready", "simple"), True)


@case("kserve", "an unknown model is not ready", *BOTH)
async def _(wire):
    async with wire as client:
        try:
            equal(await client.ask("is_model_ready", "nope"), False)
        except Exception as refusal:
            equal("404" in str(refusal), True)


@case("kserve", "infers, binary", *BOTH)
async def _(wire):
    async with wire as client:
        answer = await client.infer(InferRequest(model_name="simple", request_id="7", infer_inputs=tensors(True)))
        equal([answer.model_name, answer.id], ["simple", "7"])
        equal({output.name: output.as_numpy().tolist() for output in answer.outputs}, EXPECTED)


@case("kserve", "infers, typed and in JSON", *BOTH)
async def _(wire):
    async with wire as client:
        answer = await client.infer(InferRequest(model_name="simple", infer_inputs=tensors(False)))
        equal({output.name: output.as_numpy().tolist() for output in answer.outputs}, EXPECTED)


@case("kserve", "infers with lists, and parameters", *BOTH)
async def _(wire):
    async with wire as client:
        values = [0.5, -1.25]
        tensor = InferInput("INPUT0", [1, 2], "FP32", data=values)
        request = InferRequest(model_name="identity_fp32", infer_inputs=[tensor], parameters={"custom": "x"})
        answer = await client.infer(request)
        equal(answer.outputs[0].as_numpy().flatten().tolist(), values)


@case("kserve", "infers with strings", *BOTH)
async def _(wire):
    async with wire as client:
        tensor = InferInput("INPUT0", [1, 2], "BYTES")
        tensor.set_data_from_numpy(numpy.array([["a", "grüße"]], dtype=object), binary_data=True)
        answer = await client.infer(InferRequest(model_name="simple_identity", infer_inputs=[tensor]))
        found = [value if isinstance(value, str) else value.decode() for value in answer.outputs[0].as_numpy().flatten()]
        equal(found, ["a", "grüße"])


@case("kserve", "an unknown model is refused", *BOTH)
async def _(wire):
    async with wire as client:
        request = InferRequest(model_name="nope", infer_inputs=tensors(True))
        try:
            await client.infer(request)
        except Exception as refusal:
            equal("Request for unknown model: 'nope' is not found" in str(refusal), True)
        else:
            raise AssertionError("not refused")


def secure_rest():
    return Rest(f"https://{TLS_HTTP_URL}", verify=ssl.create_default_context(cafile=AUTHORITY))


def secure_grpc():
    return Grpc(TLS_GRPC_URL, use_ssl=True, root_certificates=AUTHORITY)


@case("kserve", "over TLS, the server is trusted by its authority, and serves", Either(secure_rest, "rest"), Either(secure_grpc, "grpc"))
async def _(wire):
    async with wire as client:
        equal(await client.ask("is_server_live"), True)
        answer = await client.infer(InferRequest(model_name="simple", infer_inputs=tensors(True)))
        equal({output.name: output.as_numpy().tolist() for output in answer.outputs}, EXPECTED)


STRANGERS = (
    (Either(lambda: Rest(f"https://{TLS_HTTP_URL}", retries=0), "rest"), "CERTIFICATE_VERIFY_FAILED"),
    (Either(lambda: Grpc(TLS_GRPC_URL, use_ssl=True, retries=0), "grpc"), "UNAVAILABLE"),
)
for stranger, reason in STRANGERS:

    @case("kserve", "over TLS, a client that does not know the authority does not talk", stranger)
    async def _(wire):
        async with wire as client:
            try:
                await client.ask("is_server_live")
            except Exception as refusal:
                contains(str(refusal), reason)
            else:
                raise AssertionError("not refused")
