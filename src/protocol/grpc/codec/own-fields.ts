/**
 * Gives a message that the library decoded no fields but its own: what its sender left out is absent, whatever some
 * other code has put on `Object.prototype`. Changes the message, and returns it.
 */
export function withOwnFields<T>(message: T): T {
  if (typeof message !== 'object' || message === null || ArrayBuffer.isView(message)) return message;
  if (Array.isArray(message)) message.forEach(withOwnFields);
  else Object.values(Object.setPrototypeOf(message, null) as object).forEach(withOwnFields);
  return message;
}

/**
 * A message to encode, with no fields but its own: the library asks it for each field by name, and would find those of
 * `Object.prototype`. The message stays as it is.
 */
export function ownFieldsOf(message: unknown): unknown {
  if (typeof message !== 'object' || message === null || ArrayBuffer.isView(message)) return message;
  if (Array.isArray(message)) return message.map(ownFieldsOf);
  const own = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(message)) own[name] = ownFieldsOf(value);
  return own;
}
