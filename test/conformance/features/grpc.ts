import { chapter, yes } from './feature.js';
import * as t from './files.js';

export const GRPC = [
  chapter('1.2', 'The rpcs', [
    yes('`ServerLive`', 'OTMKSA', t.surface('1.2: ServerLive')),
    yes('`ServerReady`', 'OTMKSA', t.surface('1.2: ServerReady')),
    yes('`ModelReady`', 'OTMKSA', t.surface('1.2: ModelReady')),
    yes('`ServerMetadata`', 'OTMKSA', t.surface('1.2: ServerMetadata')),
    yes('`ModelMetadata`', 'OTMKSA', t.surface('1.2: ModelMetadata')),
    yes('`ModelInfer`', 'OTMKSA', t.conventions('answers a typed request raw')),
    yes('`ModelStreamInfer`', 'TM', t.streams('answers models of one response in the order of the requests')),
    yes('`ModelConfig`', 'T', t.surface('1.2: ModelConfig')),
    yes('`ModelStatistics`', 'T', t.surface('1.2: ModelStatistics')),
    yes('`RepositoryIndex`', 'TM', t.surface('1.2: RepositoryIndex')),
    yes('`RepositoryModelLoad`', 'TMK', t.surface('1.2: RepositoryModelLoad')),
    yes('`RepositoryModelUnload`', 'TMK', t.surface('1.2: RepositoryModelUnload')),
    yes('`SystemSharedMemoryStatus`', 'T', t.surface('1.2: SystemSharedMemoryStatus')),
    yes('`SystemSharedMemoryRegister`', 'T', t.sharedMemory('registers, tells and unregisters regions')),
    yes('`SystemSharedMemoryUnregister`', 'T', t.surface('1.2: SystemSharedMemoryUnregister')),
    yes('`CudaSharedMemoryStatus`', 'T', t.surface('1.2: CudaSharedMemoryStatus')),
    yes(
      '`CudaSharedMemoryRegister`, answered as by a Triton without a GPU',
      'T',
      t.sharedMemory('has nothing to tell over gRPC'),
    ),
    yes('`CudaSharedMemoryUnregister`', 'T', t.surface('1.2: CudaSharedMemoryUnregister')),
    yes('`TraceSetting`', 'T', t.surface('1.2: TraceSetting')),
    yes('`LogSettings`', 'T', t.surface('1.2: LogSettings')),
  ]),
  chapter('1.3 to 1.8', 'The messages', [
    yes(
      'Every message, enum and service by its numbers',
      'OTMKSA',
      t.contracts('service %s', 'enum %s', 'message %s', 'declares the %s of the table and no others'),
    ),
    yes(
      'C1: field 6 of the metadata stays empty, since servers type it differently',
      'OMSA',
      t.metadata('gRPC has no properties, which other servers type differently'),
    ),
    yes(
      "C2: KServe's place for the name of the model to load",
      'K',
      t.repository('may carry the name of the model in the field of the repository'),
      t.platforms('puts the name of the model first, in the messages of its SDK'),
    ),
    yes('C3: the replies name the model', 'K', t.repository('name the model, in the words of each wire')),
    yes(
      "C4: `ModelStreamInfer` in MLServer's dialect",
      'M',
      t.streams('answers with bare responses of the model of the first message, and its id'),
    ),
    yes('C5: parameters of all five types', 'OTA', t.grpcParameters('comes back as it was, under any name')),
    yes(
      "C6: aiSSEMBLE's spelling of the service",
      'A',
      t.inference('answers under both spellings of the service, by all six rpcs'),
    ),
    yes(
      "C7: MLServer's `ModelRepositoryService`",
      'M',
      t.repository('may ask a service of its own for the repository'),
      t.platforms('empties the server, asks for its version, loads models by their id, and sends inferences on'),
    ),
    yes(
      'C8: raw outputs, whatever the request was',
      'T',
      t.conventions('answers a typed request raw'),
      t.clients('ask whether the server is there, and read the raw outputs of a %s request'),
    ),
    yes(
      'C8: typed outputs for a typed request, by `GRPC_OUTPUT_CONTENTS` or as the metadata `x-oip-output-contents` asks',
      'MKA',
      t.outputContents('answers typed %s with typed contents', 'answers one call or stream as its metadata asks'),
    ),
    yes('C9: bare names of states in the index', 'T', t.surface('1.2: RepositoryIndex')),
    yes('C10: `ModelReady` of an unknown model is no error', 'T', t.errors('2.2 row 3: ModelReady, unknown model')),
  ]),
  chapter('1.7', 'Health, transport', [
    yes('`grpc.health.v1` Check', 'T', t.health('knows the service %s', 'does not know %s')),
    yes('`grpc.health.v1` Watch', '', t.health('streams the status and each change of it')),
    yes(
      'Server reflection, v1 and v1alpha',
      '',
      t.reflection('lists the services that are served', 'A64 is off unless it is asked for'),
    ),
    yes('Messages up to a limit of the configuration', 'TMK', t.errors('2.2 row 36: a message that is too large')),
    yes('Compressed messages', 'TMKSA', t.grpcWire('%s ends with its status')),
    yes('TLS and mutual TLS', 'T', t.tls('serves those who trust the authority, and still wants to know who they are')),
    yes(
      'Restricted protocols, by a shared key',
      'T',
      t.authorization('row 43 open the families that each wire restricts'),
    ),
    yes(
      'Headers forwarded as parameters',
      'T',
      t.forwardedHeaders('a header that matches is a parameter, and stands before one of the body'),
    ),
  ]),
];
