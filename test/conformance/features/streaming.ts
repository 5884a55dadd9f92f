import { chapter, no, yes } from './feature.js';
import * as t from './files.js';

export const STREAMING = chapter('6', 'Streams', [
  yes(
    'Independent requests, any model each',
    'T',
    t.streams('answers models of one response in the order of the requests'),
  ),
  yes(
    'Decoupled models, and the empty end that is asked for',
    'T',
    t.streams('sends the responses of a decoupled model as they come, with an empty end when asked'),
  ),
  yes(
    'A decoupled request overtakes one that waits',
    'T',
    t.streams('lets a decoupled request overtake one that waits'),
  ),
  yes(
    'Errors in replies, with the id',
    'T',
    t.streams('tells errors in replies and goes on, without the causes of others'),
  ),
  yes(
    '`triton_grpc_error`',
    'T',
    t.streams('ends with the status of the first error when the client asked for statuses'),
  ),
  yes(
    '`triton_final_response` on every response',
    'T',
    t.clients(
      'streams, and takes a response marked as the last for the end of its request',
      'streams to a decoupled model, whose last response is empty',
    ),
  ),
  yes('No response: nothing', 'T', t.fixtureModels('square_int32 answers with its value, as many times as it says')),
  yes('A cancelled stream cancels what runs', 'TM', t.streams('aborts what runs when the client cancels')),
  yes(
    'Sequences in a stream, interleaved',
    'T',
    t.clients('keeps three sequences in one stream, message by message, under ids of both kinds'),
  ),
  yes('One reply from a decoupled model is refused', 'T', t.errors('2.2 row 46: one reply from a decoupled model')),
  no('A response more than a model may give', 'T', 'a model here either answers once or streams; it cannot do both'),
  yes(
    "MLServer's stream: one inference, bare responses",
    'M',
    t.streams(
      'answers with bare responses of the model of the first message, and its id',
      'answers with every response of a decoupled model, and no mark on the last',
      'ends with the status of the first error',
    ),
  ),
  yes("MLServer's `infer_stream`: events", 'M', t.streams('sends an event for each response of any model')),
  yes(
    'An error behind the first event is an event',
    '',
    t.streams('answers with a status until the first response, and with an event from then on'),
  ),
]);
