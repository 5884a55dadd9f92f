import { type ContentType, type ContentTypes, isContentType } from '../../../core/model/content-types.js';
import type { ModelSettings, TensorSettings } from './read-model-settings.js';

/** The content types that settings name, those that are known; absent where they name none. */
export function settingsContentTypes(settings: ModelSettings): ContentTypes | undefined {
  const { contentType } = settings.parameters;
  const inputs = namedBy(settings.inputs);
  const outputs = namedBy(settings.outputs);
  const request = isContentType(contentType) ? { request: contentType } : {};
  const hasAny = isContentType(contentType) || [inputs, outputs].some((types) => Object.keys(types).length > 0);
  return hasAny ? { ...request, inputs, outputs } : undefined;
}

/** By their names, on an object without a prototype. */
function namedBy(tensors: readonly TensorSettings[]): Readonly<Record<string, ContentType>> {
  const types = Object.create(null) as Record<string, ContentType>;
  for (const { name, parameters } of tensors) {
    const type = Object.hasOwn(parameters, 'content_type') ? parameters['content_type'] : undefined;
    if (isContentType(type)) types[name] = type;
  }
  return types;
}
