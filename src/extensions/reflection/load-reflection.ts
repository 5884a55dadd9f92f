import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { PackageDefinition, ServiceDefinition } from '@grpc/proto-loader';
import { loadContracts } from '../../protocol/grpc/contracts.js';

/** gRPC's own services that tell clients of all others: v1 and v1alpha, which differ in their names alone. */
export interface Reflection {
  readonly contracts: PackageDefinition;
  /** The reply to one request. */
  answer(request: unknown): unknown;
}

let loading: Promise<Reflection> | undefined;

/** The library is read when it is first asked for: most servers never are. */
export const loadReflection = (): Promise<Reflection> => (loading ??= load());

async function load(): Promise<Reflection> {
  const { ReflectionService } = await import('@grpc/reflection');
  const contracts: PackageDefinition = {};
  let answer: Reflection['answer'] | undefined;
  new ReflectionService(loadContracts()).addToServer({
    addService(service, implementation) {
      const path = Object.values(service)[0]?.path ?? '';
      contracts[path.split('/')[1] ?? ''] = service as ServiceDefinition;
      answer = answerBy(implementation);
    },
  });
  if (answer === undefined)
    throw new Error('this version of @grpc/reflection has no services: pin the one of the lock file');
  return { contracts, answer };
}

/** What the library's handler writes when it is given a request: it takes a stream for itself, without flow control. */
function answerBy({ ServerReflectionInfo: handle }: UntypedServiceImplementation): Reflection['answer'] {
  let give: ((request: unknown) => void) | undefined;
  let written: unknown;
  const stream = {
    on(event: string, listener: (request: unknown) => void): void {
      if (event === 'data') give = listener;
    },
    write(reply: unknown): void {
      written = reply;
    },
  };
  handle?.(stream as never, undefined as never);
  return (request) => {
    give?.(request);
    return written;
  };
}
