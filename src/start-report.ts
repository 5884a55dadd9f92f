import { Logger } from '@nestjs/common';
import type { Addresses, InferenceServer } from './bootstrap.js';
import type { NamedSpec } from './core/model/signature.js';
import type { ModelVersion } from './engine/registry/model-registry.js';

/** Tells who started the server where it is, which models it serves, and one command to try it. */
export async function reportStart(server: InferenceServer, { http, grpc }: Addresses): Promise<void> {
  const logger = new Logger('Server');
  logger.log(`REST on ${http}, gRPC on ${grpc}`);
  logger.log(`messages up to ${server.maxMessageBytes} bytes (MAX_MESSAGE_BYTES)`);
  const versions = await server.settled();
  for (const version of versions) logger.log(`model ${version.name} version ${version.version}: ${stateOf(version)}`);
  const example = exampleCommand(http, versions);
  if (example !== undefined) logger.log(`try: ${example}`);
}

const stateOf = ({ state }: ModelVersion): string =>
  state.kind === 'unavailable' ? `unavailable (${state.reason})` : state.kind;

/** A call of the ready model whose inputs are the simplest: few dimensions of any size, few values. */
function exampleCommand(http: string, versions: readonly ModelVersion[]): string | undefined {
  const handles = versions.flatMap(({ handle }) => handle ?? []).filter(({ decoupled }) => !decoupled);
  const [simplest] = handles.sort((a, b) => complexity(a.inputs) - complexity(b.inputs));
  if (simplest === undefined) return undefined;
  const inputs = simplest.inputs.map(({ name, datatype, shape }) => ({
    name,
    datatype,
    shape: shape.map(exampleDimension),
    data: Array.from({ length: size(shape) }, () => EXAMPLES[datatype] ?? 1),
  }));
  return `curl -s ${http}/v2/models/${encodeURIComponent(simplest.name)}/infer -d '${JSON.stringify({ inputs })}'`;
}

const EXAMPLES: Partial<Record<NamedSpec['datatype'], unknown>> = { BYTES: 'text', BOOL: true };
const exampleDimension = (dimension: number): number => (dimension === -1 ? 1 : dimension);
const size = (shape: NamedSpec['shape']): number =>
  shape.reduce((product, dimension) => product * exampleDimension(dimension), 1);
const complexity = (inputs: readonly NamedSpec[]): number =>
  inputs.reduce(
    (sum, { shape }) => sum + 1_000 * shape.filter((dimension) => dimension === -1).length + size(shape),
    0,
  );
