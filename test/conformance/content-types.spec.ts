import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytes, fp32, int32, Model, type Inputs, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { captureLog } from '../support/captured-log.js';
import { FixtureRepository } from '../support/fixture-repository.js';
import { answerOfGrpc, answerOfRest, inferPath, type SentTensor, toBody, toMessage, WIRES } from '../support/wires.js';

/** MLServer's content types: section 9.1 of the reference. */

captureLog();

const BYTES = Buffer.from([0, 255, 7]);
const backwards = (element: Buffer): Buffer => Buffer.from(Uint8Array.from(element).toReversed());

const text = signature({ inputs: { x: bytes(-1) }, outputs: { y: bytes(-1) } });
const lengths = signature({ inputs: { x: bytes(-1, 1) }, outputs: { n: int32(-1, 1) } });
const table = signature({ inputs: { age: int32(-1), name: bytes(-1) }, outputs: { said: bytes(-1) } });

const models = [
  defineModel(
    'str',
    text,
    ({ x }) => ({ y: x }),
    {},
    { contentTypes: { inputs: { x: 'str' }, outputs: { y: 'str' } } },
  ),
  defineModel(
    'base64',
    text,
    ({ x }) => ({ y: x.map(backwards) }),
    {},
    { contentTypes: { inputs: { x: 'base64' }, outputs: { y: 'base64' } } },
  ),
  defineModel(
    'lengths',
    lengths,
    ({ x }) => ({
      n: int32.of(
        x.shape,
        x.data.map((element) => element.byteLength),
      ),
    }),
    {},
    { contentTypes: { request: 'np' } },
  ),
  defineModel(
    'dates',
    text,
    ({ x }) => ({
      y: bytes.of(
        x.shape,
        x.dates().map((date) => date.toISOString()),
      ),
    }),
    {},
    { contentTypes: { inputs: { x: 'datetime' }, outputs: { y: 'datetime' } } },
  ),
  defineModel(
    'table',
    table,
    ({ age, name }) => ({
      said: bytes.of(
        age.shape,
        name.text().map((who, row) => `${who} ${age.data[row]}`),
      ),
    }),
    {},
    { contentTypes: { request: 'pd', inputs: { name: 'str' }, outputs: { said: 'str' } } },
  ),
  defineModel('plain', text, ({ x }) => ({ y: x })),
];

@Model('streamed', text, { contentTypes: { outputs: { y: 'base64' } } })
class Streamed {
  *stream({ x }: Inputs<typeof text>) {
    yield { y: x };
    yield { y: x };
  }
}

let repository: FixtureRepository;
let server: TestServer;

beforeAll(async () => {
  repository = await FixtureRepository.of([]);
  await repository.put('identity_string', 'settled/model.onnx');
  const settings = {
    implementation: 'onnxruntime',
    parameters: { uri: './model.onnx', content_type: 'np' },
    inputs: [{ name: 'INPUT0', datatype: 'BYTES', shape: [-1], parameters: { content_type: 'base64' } }],
    outputs: [{ name: 'OUTPUT0', datatype: 'BYTES', shape: [-1], parameters: { content_type: 'base64' } }],
  };
  await repository.write('settled/model-settings.json', JSON.stringify(settings));
  server = await serve([...models, Streamed], { environment: { MODEL_REPOSITORY: repository.path } });
});

afterAll(async () => {
  await server?.close();
  await repository[Symbol.asyncDispose]();
});

interface Typed extends SentTensor {
  readonly type?: string;
}

const column = (name: string, datatype: string, data: readonly unknown[], type?: string, width = true): Typed => ({
  name,
  datatype,
  shape: width ? [data.length, 1] : [data.length],
  data,
  ...(type === undefined ? {} : { type }),
});

const texts = (data: readonly string[], type?: string, width?: boolean): Typed =>
  column('x', 'BYTES', data, type, width);

type Sent = readonly [model: string, inputs: readonly Typed[], request?: string];

const sendOver = {
  async grpc([model, inputs, request]: Sent) {
    const parameters = request === undefined ? {} : { content_type: request };
    const message = toMessage({ model, inputs, parameters });
    const typed = message.inputs.map((input, index) =>
      withType(input, inputs[index]?.type, (type) => ({ string_param: type })),
    );
    return answerOfGrpc(server.grpc.call('ModelInfer', { ...message, inputs: typed }));
  },
  async rest([model, inputs, request]: Sent) {
    const { body } = toBody({ model, inputs, parameters: request === undefined ? {} : { content_type: request } });
    const sent = body as { inputs: object[] };
    const typed = sent.inputs.map((input, index) => withType(input, inputs[index]?.type, (type) => type));
    return answerOfRest(await server.rest.post(inferPath(model), { ...sent, inputs: typed }));
  },
};

const withType = (input: object, type: string | undefined, value: (type: string) => unknown): object =>
  type === undefined ? input : { ...input, parameters: { content_type: value(type) } };

interface Reply {
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly outputs?: readonly { readonly parameters?: Readonly<Record<string, unknown>> }[];
}

/** The parameter of the reply, or of its first output; on gRPC it is a choice of one. */
const typeIn = (parameters: Readonly<Record<string, unknown>> = {}): unknown => {
  const type = parameters['content_type'];
  return typeof type === 'object' ? (type as { string_param?: string }).string_param : type;
};

describe.each(WIRES)('over %s', (wire) => {
  /** The values of the only output, and the content types of it and of the reply. */
  const run = async (...sent: Sent) => {
    const { message, outputs, reply } = await sendOver[wire](sent);
    if (message !== '') return message;
    const { parameters, outputs: [first] = [] } = reply as Reply;
    const { data, raw = Buffer.alloc(0), datatype, shape } = outputs[0] ?? { datatype: '', shape: [] };
    const values = data ?? (datatype === 'BYTES' ? elementsOf(raw) : [...new Int32Array(new Uint8Array(raw).buffer)]);
    return { values, shape, output: typeIn(first?.parameters), request: typeIn(parameters) };
  };
  const said = (values: readonly unknown[], output?: string, request?: string) => ({
    values,
    shape: [values.length],
    output,
    request,
  });

  it('str: a column of text, with or without the dimension that encoders add', async () => {
    expect(await run('str', [texts(['a', 'ü'], 'str')])).toEqual(said(['a', 'ü'], 'str'));
    expect(await run('str', [texts(['a', 'ü'], 'str', false)])).toEqual(said(['a', 'ü'], 'str'));
    expect(await run('lengths', [texts(['ab'], 'str', false)])).toEqual({
      ...said([2], undefined, 'np'),
      shape: [1, 1],
    });
    const wide = { ...texts(['a', 'b'], 'str'), shape: [1, 2] };
    expect(await run('str', [wide])).toContain("unexpected shape for input 'x'");
  });

  it('base64: the model sees the bytes, and the caller gets text', async () => {
    const sent = BYTES.toString('base64');
    const back = backwards(BYTES).toString('base64');
    expect(await run('base64', [texts([sent, ''], 'base64')])).toEqual(said([back, ''], 'base64'));
    for (const wrong of ['A', 'AA=A', 'ÄÄÄÄ', 'AA-_']) {
      expect(await run('base64', [texts([sent, wrong])])).toBe(
        "input 'x' has content type base64, but its element 1 is none",
      );
    }
  });

  it('datetime: dates in ISO 8601', async () => {
    expect(await run('dates', [texts(['2024-02-29T12:00:00.5+01:00', '2024-01-01'], 'datetime')])).toEqual(
      said(['2024-02-29T11:00:00.500Z', '2024-01-01T00:00:00.000Z'], 'datetime'),
    );
    for (const wrong of ['yesterday', '2024-13-01', '1', '']) {
      expect(await run('dates', [texts([wrong])])).toBe(
        "input 'x' has content type datetime, but its element 0 is none",
      );
    }
  });

  it('pd: the columns of a table, of one length', async () => {
    const age = column('age', 'INT32', [7, 8]);
    expect(await run('table', [age, column('name', 'BYTES', ['a', 'b'], 'str')], 'pd')).toEqual(
      said(['a 7', 'b 8'], 'str', 'pd'),
    );
    expect(await run('table', [age, column('name', 'BYTES', ['a'])])).toBe(
      "content type pd: input 'age' has shape [2,1], input 'name' [1,1]: send the same number of rows",
    );
  });

  it("takes the caller's word before the model's, and no word that it does not know", async () => {
    expect(await run('str', [texts(['YQ=='], 'base64')])).toEqual(said(['a'], 'str'));
    expect(await run('str', [texts(['YQ=='], 'constructor')])).toEqual(said(['YQ=='], 'str'));
    expect(await run('lengths', [texts(['YQ=='])], 'base64')).toMatchObject({ values: [1] });
    expect(await run('str', [texts(['YQ=='])], 'base64')).toMatchObject({ values: ['YQ=='] });
  });

  it('tells its content types to those who told theirs, and to nobody else', async () => {
    expect(await run('base64', [texts(['AA=='])])).toEqual(said(['AA==']));
    expect(await run('base64', [texts(['AA=='])], 'str')).toEqual(said(['AA=='], 'base64'));
  });

  it('means nothing to a model that asks for none', async () => {
    expect(await run('plain', [texts(['YQ=='], 'base64', false)])).toEqual(said(['YQ==']));
    expect(await run('plain', [texts(['YQ=='], 'base64')])).toContain("unexpected shape for input 'x'");
  });

  it('comes from the settings of a model in a folder too', async () => {
    expect(await run('settled', [column('INPUT0', 'BYTES', ['YQ=='], 'base64', false)])).toMatchObject({
      values: ['YQ=='],
      output: 'base64',
      request: 'np',
    });
    expect(await run('settled', [column('INPUT0', 'BYTES', ['?'], undefined, false)])).toContain('content type base64');
  });

  it('stands in the metadata', async () => {
    const metadata = {
      grpc: async () => server.grpc.call<Metadata>('ModelMetadata', { name: 'table' }),
      rest: async () => (await server.rest.get('/v2/models/table')).json as Metadata,
    };
    const { inputs, outputs } = await metadata[wire]();
    expect([...inputs, ...outputs].map(({ name, parameters }) => [name, typeIn(parameters)])).toEqual([
      ['age', undefined],
      ['name', 'str'],
      ['said', 'str'],
    ]);
  });
});

interface Metadata {
  readonly inputs: readonly { readonly name: string; readonly parameters?: Readonly<Record<string, unknown>> }[];
  readonly outputs: Metadata['inputs'];
}

const elementsOf = (raw: Buffer): string[] => {
  const elements: string[] = [];
  for (let offset = 0; offset < raw.length;) {
    const end = offset + 4 + raw.readUInt32LE(offset);
    elements.push(raw.toString('utf8', offset + 4, end));
    offset = end;
  }
  return elements;
};

it('holds for each response of a stream, and for replies in binary', async () => {
  const body = {
    inputs: [{ name: 'x', datatype: 'BYTES', shape: [1], data: ['a'], parameters: { content_type: 'str' } }],
  };
  const { bytes: events } = await server.rest.post('/v2/models/streamed/infer_stream', body);
  expect(events.toString().match(/"content_type":"base64"},"data":\["YQ=="\]/g)).toHaveLength(2);
  const binary = { ...body, parameters: { binary_data_output: true } };
  expect((await server.rest.post(inferPath('str'), binary)).bytes.toString()).toContain(
    '"parameters":{"content_type":"str","binary_data_size":5}',
  );
});

it('base64 is not for shared memory, where bytes are as they are', async () => {
  const parameters = { shared_memory_region: 'r', shared_memory_byte_size: 5 };
  const inputs = [{ name: 'x', datatype: 'BYTES', shape: [1], parameters }];
  const { status, json } = await server.rest.post(inferPath('base64'), { inputs });
  expect([status, json]).toEqual([
    400,
    { error: "input 'x' in shared memory has content type base64: put the bytes there as they are, as np" },
  ]);
});

it('is not for the models of this server that call one another', async () => {
  const outputs = await server.models.infer('base64', { x: bytes.of([1], [BYTES]) });
  expect(outputs['y']?.data).toEqual([backwards(BYTES)]);
});

it.each<[object, string]>([
  [{ inputs: { z: 'str' } }, "but has no 'z' in its signature"],
  [{ outputs: { y: 'str' } }, "but 'y' is FP32: str is for BYTES"],
  [{ request: 'numpy' }, "of which 'numpy' is none: use one of np, str, base64, datetime, pd"],
])('a model with %j ends the start', async (contentTypes, problem) => {
  const numbers = signature({ inputs: { x: fp32(1) }, outputs: { y: fp32(1) } });
  const wrong = defineModel('wrong', numbers, ({ x }) => ({ y: x }), {}, { contentTypes });
  await expect(serve(wrong)).rejects.toThrow(problem);
});
