import { chapter, no, yes } from './feature.js';
import * as t from './files.js';

export const DIALECTS = [
  chapter('9.1, 9.2', "MLServer's own", [
    yes('`np`', 'MA', t.contentTypes('comes from the settings of a model in a folder too')),
    yes('`str`', 'MA', t.contentTypes('str: a column of text, with or without the dimension that encoders add')),
    yes('`base64`', 'M', t.contentTypes('base64: the model sees the bytes, and the caller gets text')),
    yes('`datetime`', 'M', t.contentTypes('datetime: dates in ISO 8601')),
    yes('`pd`', 'M', t.contentTypes('pd: the columns of a table, of one length')),
    yes(
      "A payload's content type stands before the metadata's",
      'M',
      t.contentTypes("takes the caller's word before the model's, and no word that it does not know"),
    ),
    yes('Content types in the metadata', 'M', t.contentTypes('stands in the metadata')),
    no('Headers of responses from parameters', 'M', 'not yet'),
    no('CloudEvents headers', 'M', 'not yet'),
    no('Kafka', 'M', 'a transport of its own, no part of the protocol'),
    yes(
      'Adaptive batching',
      'M',
      t.severalRepositories('merges requests by max_batch_size and max_batch_time, in seconds'),
    ),
  ]),
  chapter('9.3', "KServe's own", [
    yes('`GET /v1/models`', 'K', t.kserveV1('are listed by name')),
    yes('`GET /v1/models/{m}`', 'K', t.kserveV1('are ready, unknown, or neither')),
    yes(
      '`POST /v1/models/{m}:predict`',
      'K',
      t.platforms('loads what it has downloaded, and unloads what it has deleted'),
    ),
    no('`POST /v1/models/{m}:explain`', 'K', 'no model here has explanations; the route is unknown'),
    no('`GET /`', 'K', 'not yet'),
    no('CloudEvents on V1', 'K', 'not yet'),
    no('The routes of OpenAI and of time series', 'K', 'other protocols'),
    yes(
      "The bodies of KServe's SDK",
      'K',
      t.clients(
        'reads the health of the server as JSON, and sends the name of the model along',
        'sends sizes of binary data over gRPC, where they mean nothing',
      ),
    ),
  ]),
  chapter('9', 'Agents that put models on servers', [
    yes(
      "Seldon's agent",
      'S',
      t.platforms(
        'finds the server live while it is empty, loads what it copies, and unloads it',
        'is told why a model does not load, by a code that it does not try again on',
      ),
    ),
    yes("KServe's agent", 'K', t.platforms('loads what it has downloaded, and unloads what it has deleted')),
    yes(
      "ModelMesh's adapter for MLServer",
      'MK',
      t.platforms('empties the server, asks for its version, loads models by their id, and sends inferences on'),
    ),
  ]),
  chapter('10', "aiSSEMBLE's own", [
    yes(
      'The XACML request of its policy decision point',
      'A',
      t.xacml('asks as aiSSEMBLE does, and about the model where that is wanted'),
    ),
    yes('Bearer tokens', 'A', t.jwt("says who calls by its subject, as aiSSEMBLE's do")),
    yes(
      'A denial is PERMISSION_DENIED',
      '',
      t.authorization('A11 an ordinary credential neither loads nor unloads nor lists, and an admin does'),
    ),
    no('A denial as UNAUTHENTICATED', 'A', 'who is known but not permitted is told so: row 42'),
  ]),
  chapter('11', 'Example clients', [
    yes(
      "Triton's example models",
      'T',
      t.fixtureModels(
        '%s answers with the sum and the difference of two rows',
        '%s gives back what it gets',
        'repeat_int32 answers with each value and its place, in order',
        'square_int32 answers with its value, as many times as it says',
        'are counted by clients: no more and no fewer than they know',
      ),
    ),
    yes(
      "Triton's examples in C++",
      'T',
      t.clients(
        'sends an empty id, and the length of the JSON where nothing follows it',
        'reads the size of each output that has parameters',
        'sends the flag of streams on a single call too',
        'says of the bodies of control that they are %s',
        'keeps three sequences in one stream, message by message, under ids of both kinds',
      ),
    ),
    yes(
      "Triton's examples in JavaScript, Java and Go",
      'T',
      t.clients('ask whether the server is there, and read the raw outputs of a %s request'),
    ),
    yes('The `model_control` examples', 'T', t.clients('is told each step, in its words')),
    yes(
      'perf_analyzer',
      'T',
      t.clients(
        'reads the model, then its statistics, which grow with what it sends, over %s',
        'puts each tensor into a region of its own, and reads the outputs there, over %s',
        'streams, and takes a response marked as the last for the end of its request',
        'streams to a decoupled model, whose last response is empty',
      ),
    ),
    yes('genai-perf', 'T', t.clients('asks for a text by generate_stream, and by a stream of gRPC')),
    yes("open-inference's client of OpenAPI", 'O', t.clients('makes a fraction of each number, in a tensor of %s')),
    no(
      'The image clients',
      'T',
      'their models are too large for a repository of code; densenet and inception are not here',
    ),
  ]),
];
