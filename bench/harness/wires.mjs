import { bodyFile } from './temporary-files.mjs';
import { expectContents, frameOf, INFER, inferOnce } from './grpc-messages.mjs';
import { grpcLoad } from './grpc-load.mjs';
import { restLoad } from './rest-load.mjs';

/**
 * A wire: how one call is checked, which gives the size of its reply, and how load is made of it. A subject is a server
 * with its own `headers`; an `opaque` one sends back the request, which no client can make sense of.
 */

export function grpcWire({ message, contents, connections, streams }) {
  const body = bodyFile(frameOf(message));
  return {
    async check({ grpc: address }, { headers, opaque = false }) {
      const answer = await inferOnce(address, message, headers);
      if (!opaque) expectContents(answer, contents);
      return answer.bytes;
    },
    load: ({ grpc: address }, { headers }, seconds) =>
      grpcLoad({ address, path: INFER, body, headers, connections, streams, seconds }),
  };
}

/** `expect` throws for a reply that is not the right one. */
export function restWire({ path, body, headers = { 'content-type': 'application/json' }, expect, connections }) {
  const file = bodyFile(body);
  return {
    async check({ http }) {
      const reply = await fetch(http + path, {
        method: 'POST',
        body,
        headers: { ...headers, 'accept-encoding': 'identity' },
      });
      const bytes = Buffer.from(await reply.arrayBuffer());
      if (reply.status !== 200) throw new Error(`${reply.status}: ${bytes.toString('utf8', 0, 300)}`);
      expect(bytes, reply.headers);
      return bytes.length;
    },
    load: ({ http }, _subject, seconds) => restLoad({ url: http + path, body: file, headers, connections, seconds }),
  };
}

/** A reply in JSON with exactly these numbers in its outputs. */
export function expectJson(data) {
  const expected = JSON.stringify(data);
  return (bytes) => {
    const { outputs } = JSON.parse(bytes.toString());
    if (JSON.stringify(outputs.map((output) => output.data)) === expected) return;
    throw new Error(`the outputs are not the expected ones: ${bytes.toString('utf8', 0, 300)}`);
  };
}
