import { chapter, no, yes } from './feature.js';
import * as t from './files.js';

export const EXTENSIONS = [
  chapter('5.1', 'The list of extensions', [
    yes(
      'Those of Triton, and two that have no name there',
      'T',
      t.surface('5.1: the extensions that Triton lists, and those that have no name there'),
    ),
    yes(
      'Those of the modules that are there, and no others',
      '',
      t.metadata('has the extensions of the modules that are imported, and of no others'),
    ),
  ]),
  chapter('5.2', 'Classification', [
    yes(
      'The largest values of each row, or of all',
      'T',
      t.classification(
        'gives the largest values of each row of a model with a batch dimension',
        'gives the largest of all values where there is no batch dimension',
      ),
    ),
    yes('No more than there are', 'T', t.classification('gives as many as there are')),
    yes(
      'Values as they are written',
      'T',
      t.classification('writes integers with all of their digits, and doubles without exponents'),
    ),
    yes('Labels', 'T', t.classification('names the classes that have a label')),
    yes(
      'What cannot be classified',
      'T',
      t.classification('refuses %s with %s, before the model runs', 'refuses an output that is too large'),
    ),
    yes('Classes of decoupled models', 'T', t.classification('is made of every response of a decoupled model')),
  ]),
  chapter('5.3', 'Model configuration', [
    yes(
      'The completed configuration, the same over both wires',
      'T',
      t.metadata('of %s is the one that it runs by, over both wires'),
    ),
    yes('64-bit integers as numbers', 'T', t.metadata('of a file is completed, and its 64-bit integers are exact')),
    yes('None of what is not there', 'T', t.metadata('is none of what is not there: %s %s')),
  ]),
  chapter('5.4', 'Model repository', [
    yes(
      'An index of all models, a name alone for those never loaded',
      'TM',
      t.repository('lists every model; one that was never loaded has only a name'),
    ),
    yes('An index of those that are ready', 'TM', t.repository('lists those that serve when it is asked for them')),
    yes('Loads and unloads', 'TMK', t.repository('serves the model from then on, an unload from then on no more')),
    yes(
      'A reload takes changed files, one that fails leaves the old ones',
      'T',
      t.repository(
        'of a model that is there takes its changed files',
        'of broken files fails, and the old ones serve on',
      ),
    ),
    yes(
      '`config` until the next plain load, by the rules of protobuf',
      'T',
      t.overrides('stands in for the one of the folder until the next plain load'),
      t.clients('is told each step, in its words'),
    ),
    yes('`file:` makes a model', 'T', t.overrides('make a model that the repository has not, until it is unloaded')),
    yes('An unload lets running requests finish', 'TM', t.repository('lets running requests finish')),
    yes('`unload_dependents`', 'T', t.composed('takes its models with it on request, but for those that others call')),
    yes('States while they change', 'T', t.stateFaults('F21: loading', 'F21: unloading, then unloaded')),
    yes(
      'A name in two repositories',
      'T',
      t.severalRepositories('has an index that tells of a name that has come to stand twice, while the first serves'),
    ),
  ]),
  chapter('5.5', 'Schedule policy', [
    yes(
      '`priority`',
      'T',
      t.requestQueue('come first by their number, with the default for those without one, or out of range'),
      t.batcher('puts the urgent first'),
    ),
    yes(
      '`timeout`, where the policy allows it and it is the shorter',
      'T',
      t.requestQueue('shortens its time', 'cannot lengthen its time', 'has no say without leave'),
    ),
    yes(
      'REJECT and DELAY',
      'T',
      t.requestQueue('is refused', 'comes last of its priority where the policy says so, and counts for the bound'),
    ),
    yes(
      'Both from a configuration, on the wire',
      'T',
      t.configured('merges what waits with dynamic_batching, and refuses by its queue policy'),
    ),
    yes('The backlog of sequences', 'T', t.sequenceFaults('F60: the backlog drops a sequence that waits for too long')),
  ]),
  chapter('5.6', 'Sequences', [
    yes('Ids of numbers and of texts', 'T', t.sequenceFaults('F60: a number and a text are two ids')),
    yes('START and END', 'T', t.sequenceFaults('F60: a sequence keeps its state from START to END')),
    yes('START again', 'T', t.sequenceFaults('F60: no END, and the id is used again')),
    yes('Silence', 'T', t.sequenceFaults('F60: a sequence that is silent for too long gives its slot away')),
    yes('The backlog', 'T', t.sequenceFaults('F60: the backlog waits for a slot')),
    yes(
      'Controls, padding rows',
      'T',
      t.artifactSequences('sees each sequence in its own row, and between them rows that are not'),
    ),
    yes(
      'Oldest',
      'T',
      t.artifactSequences('runs the requests of different sequences as one batch, each with its controls'),
    ),
    yes('Direct', 'T', t.artifactSequences('has a slot for each row of each instance')),
    yes(
      'Implicit state',
      'T',
      t.artifactSequences('gets back what it gave out, which no caller sees', 'starts with the state that it names'),
    ),
    yes(
      'Generated ids of iterative sequences',
      'T',
      t.artifactSequences('is a request without an id, for which a %s is made'),
    ),
    no('Rescheduling by the backend of an iterative sequence', 'T', 'no runtime here has steps of its own'),
    yes('Order', 'T', t.sequenceFaults('F60: the messages of a stream keep the order of their sequences')),
    yes(
      "Triton's example models of sequences",
      'T',
      t.fixtureModels(
        'simple_sequence adds 1 to the first of a sequence, whatever its id',
        'simple_dyna_sequence adds the id to the last besides',
        'simple_string_dyna_sequence sums up, and adds the number that the id spells to the last',
      ),
    ),
  ]),
  chapter('5.7', 'Shared memory', [
    yes('Register, status, unregister', 'T', t.sharedMemory('registers, tells and unregisters regions')),
    yes(
      'Inputs and outputs in regions, at offsets',
      'T',
      t.sharedMemory('reads inputs from their regions, and puts outputs into theirs'),
    ),
    yes('Mixed with others', 'T', t.sharedMemory('mixes tensors in memory with those in the message')),
    yes('BYTES', 'T', t.sharedMemory('carries BYTES behind their lengths, empty tensors, and outputs over themselves')),
    yes('Off by default', 'T', t.sharedMemory('F61 tells how to turn it on, and shows that there is nothing')),
    yes('Reserved keys', 'T', t.sharedMemoryAttacks('A20: refuses the key %j')),
    yes(
      'Unregistered while in use',
      'T',
      t.sharedMemory('F61 keeps a region that is unregistered while a request uses it, until that is done'),
    ),
    yes(
      'CUDA shared memory without a GPU',
      'T',
      t.sharedMemory('has nothing to tell over gRPC', 'has nothing to tell over REST'),
    ),
    no('CUDA shared memory with a GPU', 'T', 'models here run on the CPU'),
  ]),
  chapter('5.8', 'Statistics', [
    yes(
      'Requests, rows and runs, by batch size',
      'T',
      t.statistics(
        'is counted by request, by row and by run',
        'runs less often than it comes where requests are merged',
      ),
    ),
    yes(
      'Failures',
      'T',
      t.statistics(
        'is a failure where the queue is full',
        'counts runs that answered somebody: of a batch that failed, each request by itself',
      ),
    ),
    yes(
      'Cache hits and misses',
      'T',
      t.statistics('is a hit or a miss where responses are kept, and only a miss runs'),
    ),
    yes(
      'Each response of a decoupled model',
      'T',
      t.statistics('has statistics for each position among its responses'),
    ),
    yes('Every version that is ready', 'T', t.statistics('lists every loaded version by name, the oldest first')),
    yes('Every field, in order', 'T', t.statistics('writes every field over REST, in the order in which Triton does')),
    yes(
      'Counts that grow, as load generators want them',
      'T',
      t.clients('reads the model, then its statistics, which grow with what it sends, over %s'),
    ),
    no('`memory_usage` with values', 'T', 'the memory of a model cannot be told apart from that of the process'),
  ]),
  chapter('5.9', 'Trace', [
    yes('Settings and their order', 'T', t.trace('are those of the start, in the order of Triton')),
    yes(
      'Settings of a model, which fall back to those of the server',
      'T',
      t.trace('of a model are those of the server, but for its own'),
    ),
    yes('Settings are taken back', 'T', t.trace('are taken back one by one')),
    yes(
      'What cannot be set',
      'T',
      t.trace(
        'that cannot be are refused, and change nothing: %j',
        'gRPC takes one value for all but the level',
        'REST takes texts alone: %j',
      ),
    ),
    yes(
      'Traces of requests, tensors, ensembles',
      'T',
      t.trace(
        'has the moments of a request, in their order, in nanoseconds',
        'has the tensors of a request, as text',
        'has the steps of an ensemble under its id',
      ),
    ),
    yes(
      'Rate, count and frequency',
      'T',
      t.trace(
        'is made of one request of as many as the rate says, and has its place in a file of as many as the frequency',
      ),
    ),
  ]),
  chapter('5.10', 'Logging', [
    yes('The settings, in order', 'T', t.logging('are those of the start, in the order of Triton')),
    yes('Changes hold at once', 'T', t.logging('hold at once: %j')),
    yes('Moments by ISO 8601', 'T', t.logging('write moments by ISO 8601')),
    yes("The documentation's names", 'T', t.logging('have the names of the documentation, too')),
    yes(
      'What cannot be set',
      'T',
      t.logging('that cannot be are refused, and change nothing: %j', 'gRPC refuses a setting without a value'),
    ),
    yes('No file over the protocol', 'T', t.logging('name no file (A05): %j')),
  ]),
  chapter('5.11', 'Parameters and generate', [
    yes('Parameters of requests reach the model', 'TM', t.inference('a model sees what it is asked, and by whom')),
    yes('Parameters of responses', 'TM', t.inference('a model may set parameters of its response')),
    yes(
      'Reserved names',
      'T',
      t.errors('2.2 row 35: a reserved parameter', '2.2 row 35: the one reserved parameter that callers may set'),
    ),
    yes(
      'Inputs and parameters by their names',
      'OT',
      t.generate('takes inputs and parameters by their names, and gives one value as it is'),
    ),
    yes(
      'Shapes that are filled, digits that stay',
      'T',
      t.generate('keeps every digit, fills shapes, and echoes parameters of every kind'),
    ),
    yes(
      'Events, one for each response',
      'T',
      t.generate('sends an event for each response, with the headers of a stream'),
    ),
    yes(
      'Errors before and after the first event',
      'T',
      t.generate('answers with a status what fails before the first response, and tells the rest as an event'),
    ),
    yes(
      "MLServer's `generate`: an inference",
      'M',
      t.generate("takes an inference request as MLServer's clients send it there"),
    ),
    yes('The bytes of genai-perf', 'T', t.clients('asks for a text by generate_stream, and by a stream of gRPC')),
    no(
      '`details` with tokens and log probabilities',
      'O',
      'what a model gives out has its own names; the server makes none up',
    ),
  ]),
];
