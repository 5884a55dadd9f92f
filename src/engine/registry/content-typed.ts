import type { ModelMetadata } from '../../core/model/model.decorator.js';
import { type ContentType, type ContentTypes, CONTENT_TYPES, isContentType } from '../../core/model/content-types.js';
import type { NamedSpec } from '../../core/model/signature.js';
import type { OpenedModel } from '../execution/model-opener.js';
import type { Discovered } from './provider-discovery.js';

/** Those that say something of the elements of BYTES. */
const OF_BYTES: ReadonlySet<ContentType> = new Set(['str', 'base64', 'datetime']);

/** Ends the start for content types of tensors that the signature does not have, or that cannot hold them. */
export function assertContentTyped({ metadata, className }: Discovered<ModelMetadata>): void {
  const { name, contentTypes: { request, inputs = {}, outputs = {} } = {}, signature } = metadata;
  const refuse = (problem: string): never => {
    throw new Error(`${className} is behind @Model('${name}') with contentTypes, ${problem}`);
  };
  const named: readonly (readonly [string, ContentType, readonly NamedSpec[]])[] = [
    ...Object.entries(inputs).map(([tensor, type]) => [tensor, type, signature.inputs] as const),
    ...Object.entries(outputs).map(([tensor, type]) => [tensor, type, signature.outputs] as const),
  ];
  for (const type of [request, ...named.map(([, each]) => each)]) {
    if (type !== undefined && !isContentType(type)) {
      refuse(`of which '${String(type)}' is none: use one of ${CONTENT_TYPES.join(', ')}`);
    }
  }
  for (const [tensor, type, specs] of named) {
    const spec = specs.find((each) => each.name === tensor);
    if (spec === undefined) refuse(`but has no '${tensor}' in its signature`);
    else if (OF_BYTES.has(type) && spec.datatype !== 'BYTES') {
      refuse(`but '${tensor}' is ${spec.datatype}: ${type} is for BYTES`);
    }
  }
}

/** The model with what its tensors mean. */
export function withContentTypes(opened: OpenedModel, contentTypes: ContentTypes | undefined): OpenedModel {
  if (contentTypes === undefined) return opened;
  const { request, inputs = {}, outputs = {} } = contentTypes;
  return {
    ...opened,
    inputs: opened.inputs.map((spec) => ({ ...spec, contentType: ownOf(inputs, spec) })),
    outputs: opened.outputs.map((spec) => ({ ...spec, contentType: ownOf(outputs, spec) })),
    contentType: request,
  };
}

const ownOf = (types: Readonly<Record<string, ContentType>>, { name }: NamedSpec): ContentType | undefined =>
  Object.hasOwn(types, name) ? types[name] : undefined;
