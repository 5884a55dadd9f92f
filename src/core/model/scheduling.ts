import type { Datatype } from '../tensor/datatype.js';
import type { Shape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/** How requests wait for a model: what a class asks for in its options, or an operator in `config.pbtxt`. */

/** How long, and how many, at one priority. */
export interface QueuePolicy {
  /** How many requests may wait; the next is refused with `unavailable`. 0: any number. Default: MODEL_MAX_QUEUE_SIZE. */
  readonly maxSize?: number | undefined;
  /** How long a request may wait, in milliseconds. 0: as long as its caller does. Default: 0. */
  readonly timeoutMs?: number | undefined;
  /**
   * What becomes of a request that waited for longer: it is refused with `unavailable`, or comes after all others of
   * its priority. Default: `reject`.
   */
  readonly onTimeout?: 'reject' | 'delay' | undefined;
  /** Whether a request may shorten its time by the parameter `timeout`, in microseconds. Default: false. */
  readonly allowTimeoutOverride?: boolean | undefined;
}

export interface QueueOptions extends QueuePolicy {
  /** How many priorities there are: 1 is served first. 0: none. Default: 0. */
  readonly priorityLevels?: number | undefined;
  /** The priority of a request without the parameter `priority`. Default: the last one. */
  readonly defaultPriority?: number | undefined;
  /** The policies of priorities that have their own. */
  readonly policies?: Readonly<Record<number, QueuePolicy>> | undefined;
}

/** Merges waiting requests of the same shapes and parameters along the first dimension, and runs them as one. */
export interface BatchingOptions {
  /** How many rows a batch has at most; a single request must not have more. */
  readonly maxSize: number;
  /** Sizes that run at once, without waiting for more rows. Default: `maxSize` alone. */
  readonly preferredSizes?: readonly number[] | undefined;
  /** How long a request waits for others to join, in milliseconds. Default: 0, what waits is run. */
  readonly maxDelayMs?: number | undefined;
  /** Whether responses leave in the order of their requests, when batches run side by side. Default: false. */
  readonly preserveOrdering?: boolean | undefined;
}

/** Batches of requests whose tensors differ in shape: the configuration's `allow_ragged_batch` and what goes with it. */
export interface RaggedBatching {
  /** The inputs whose elements are strung together: the model sees one list of them. */
  readonly inputs: readonly string[];
  /** Inputs that the scheduler fills in, beside those of the signature. */
  readonly generated: readonly GeneratedInput[];
  /** Outputs that the model gives strung together. */
  readonly scattered: readonly ScatteredOutput[];
}

/** An input that tells of the requests in a batch. */
export interface GeneratedInput {
  /**
   * What it holds, of `source`: for each request the number of its elements, or of those up to its end, maybe with a 0
   * before; nothing but zeros, as many as the longest has elements; for each row the shape behind it.
   */
  readonly kind:
    | 'element-count'
    | 'accumulated-element-count'
    | 'accumulated-element-count-with-zero'
    | 'max-element-count-as-shape'
    | 'item-shape'
    | 'item-shape-flatten';
  readonly inputs: readonly string[];
  readonly datatype: 'INT32' | 'FP32';
  readonly source: string;
}

/** An output whose variable dimensions are, for each request, those of its input `source`. */
export interface ScatteredOutput {
  readonly output: string;
  readonly source: string;
  /** With the batch dimension. */
  readonly shape: Shape;
}

/** What a class asks for whose requests belong to sequences; the engine's own states and controls are for artifacts. */
export interface SequenceOptions {
  /** How long a sequence may be silent before it is forgotten, in milliseconds. Default: 1000. */
  readonly idleMs?: number | undefined;
  /** How many sequences run at a time; those that come later wait, in order, until one ends. Default: 1024. */
  readonly maxSequences?: number | undefined;
}

/** How the requests of sequences reach an artifact: the configuration's `sequence_batching`. */
export interface SequenceBatching extends SequenceOptions {
  /** Whether a request without an id is a sequence of its own, for which an id is made. Default: false. */
  readonly iterative?: boolean | undefined;
  /**
   * Of `direct`: the share of the slots that runs at once, where fewer wait for `maxDelayMs`, from 0 to 1. Default: 0,
   * and nothing waits.
   */
  readonly minSlotUse?: number | undefined;
  /**
   * `direct`: as many sequences as slots, one request of each in a batch. `oldest`: the requests of all sequences go
   * through a batcher. Default: `direct`.
   */
  readonly strategy?: 'direct' | 'oldest' | undefined;
  /** Of the batches over sequences. Default: what waits is run. */
  readonly preferredSizes?: readonly number[] | undefined;
  readonly maxDelayMs?: number | undefined;
  readonly preserveOrdering?: boolean | undefined;
  /** Inputs that the scheduler fills in, beside those of the signature. */
  readonly controls?: readonly SequenceControl[] | undefined;
  /** Outputs that come back as inputs with the next request of their sequence. */
  readonly states?: readonly SequenceState[] | undefined;
}

export interface SequenceControl {
  readonly input: string;
  readonly kind: 'start' | 'end' | 'ready' | 'correlation-id';
  readonly datatype: Datatype;
  /** The values that stand for no and yes; of no use for the correlation id. */
  readonly values?: readonly [no: number, yes: number] | undefined;
}

export interface SequenceState {
  readonly input: string;
  readonly output: string;
  readonly datatype: Datatype;
  /** Without the batch dimension. */
  readonly shape: Shape;
  /** What a sequence starts with. Default: zeros. */
  readonly initial?: Tensor | undefined;
}

/** How requests reach a model. */
export interface SchedulingOptions {
  /**
   * How many rows a request has at most along the first dimension of its inputs, which is then the batch dimension. 0:
   * there is none. Default: the size of a batch, or 0.
   */
  readonly maxBatchSize?: number | undefined;
  /** How many requests, or batches, run at a time in the thread that serves. Default: any number, but one batch. */
  readonly instances?: number | undefined;
  readonly queue?: QueueOptions | undefined;
  readonly batching?: BatchingOptions | undefined;
  /** Only with `batching`. Default: requests of one kind are merged by rows, and no others. */
  readonly ragged?: RaggedBatching | undefined;
  readonly sequence?: SequenceBatching | undefined;
  /** Whether responses are kept and given again to the same request. Default: false. */
  readonly cache?: boolean | undefined;
}
