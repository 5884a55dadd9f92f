/** Where in a request an error lies, as a path of the protocol's names: `inputs["x"].shape`. */

/** The part of an input; `contents` is its data, wherever a message has it. */
export type InputPart = 'datatype' | 'shape' | 'contents' | 'parameters';

export const inputField = (name: string, part?: InputPart): string => tensorField('inputs', name, part);

export const outputField = (name: string, part?: 'parameters'): string => tensorField('outputs', name, part);

export const tensorField = (list: 'inputs' | 'outputs', name: string, part?: InputPart): string =>
  part === undefined ? entry(list, name) : `${entry(list, name)}.${part}`;

/** A parameter of the request, or of what `owner` says: `inputs["x"].parameters`. */
export const parameterField = (name: string, owner = 'parameters'): string => entry(owner, name);

const entry = (map: string, key: string): string => `${map}[${JSON.stringify(key)}]`;
