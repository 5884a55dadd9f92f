"""Models that a case brings along, by a load that overrides the configuration."""

import json
from contextlib import contextmanager

from triton import HTTP


def identity_config(name, datatype="INT32", max_batch_size=0, **more):
    kind = "TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}"
    tensor = {"data_type": kind, "dims": [-1]}
    return {
        "name": name,
        "backend": "identity",
        "max_batch_size": max_batch_size,
        "input": [{"name": "INPUT0", **tensor}],
        "output": [{"name": "OUTPUT0", **tensor}],
        **more,
    }


def slow(milliseconds):
    return {"execute_delay_ms": {"string_value": str(milliseconds)}}


@contextmanager
def brought(name, config, files=None, client=HTTP.client):
    """The model while the block runs; files make it one that the repository has not."""
    client.load_model(name, config=json.dumps(config), files={"file:1/identity": b"x"} if files is None else files)
    try:
        yield name
    finally:
        client.unload_model(name)
