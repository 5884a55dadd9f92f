/**
 * What the elements of a tensor mean beyond their datatype, in MLServer's words. `np`: numbers, `str`: UTF-8 text,
 * `base64`: bytes as base64 text, `datetime`: ISO 8601; `pd`: the inputs are the columns of one table.
 */
export const CONTENT_TYPES = ['np', 'str', 'base64', 'datetime', 'pd'] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

export const isContentType = (word: unknown): word is ContentType =>
  (CONTENT_TYPES as readonly unknown[]).includes(word);

/**
 * The content types that a model understands, and speaks. What the caller says, by the parameter `content_type` of an
 * input or of the request, stands before what is said here.
 *
 * The model sees the bytes behind `base64`, and only text and dates that are such; a column of shape [N] or [N,1] fits
 * a signature of the other. Its `base64` outputs become text.
 */
export interface ContentTypes {
  /** That of all inputs that say nothing else; with `pd` they must have the same number of rows. */
  readonly request?: ContentType;
  readonly inputs?: Readonly<Record<string, ContentType>>;
  readonly outputs?: Readonly<Record<string, ContentType>>;
}
