import type { ModelMetadata } from '../../core/model/model.decorator.js';
import type { SequenceBatching } from '../../core/model/scheduling.js';
import type { Discovered } from './provider-discovery.js';

/** Ends the start for a model that could not keep the state of its sequences. */
export function assertSequenced({ metadata, instance, className }: Discovered<ModelMetadata>): void {
  const { name, sequence, execution, batching, cache } = metadata;
  if (sequence === undefined) return;
  const refuse = (problem: string): never => {
    throw new Error(`${className} is behind @Model('${name}') with sequence, ${problem}`);
  };
  if (typeof (instance as { infer?: unknown }).infer !== 'function') {
    refuse('but streams: drop the sequence, or write infer');
  }
  if (execution !== undefined) {
    refuse('but runs in worker threads, and the state lives in the thread that serves: drop one of them');
  }
  if (batching !== undefined) {
    refuse('but also with batching, and the requests of a sequence run by themselves: drop one of them');
  }
  if (cache === true) refuse('but also with cache, and its responses depend on what came before: drop one of them');
  const { idleMs = 1, maxSequences = 1 } = sequence;
  if (!(idleMs > 0)) refuse(`whose idleMs ${idleMs} is no time`);
  if (!Number.isSafeInteger(maxSequences) || maxSequences < 1) {
    refuse(`whose maxSequences ${maxSequences} is no integer above 0`);
  }
}

/** A model that is written in code keeps its state itself, so that its sequences are tied to no instance. */
export const sequenceOf = ({ sequence }: ModelMetadata): SequenceBatching | undefined =>
  sequence === undefined ? undefined : { ...sequence, strategy: 'oldest' };
