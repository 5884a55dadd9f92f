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
