import { setTimeout as delay } from 'node:timers/promises';
import { bytes, type InferContext, type Inputs, Model, signature } from '#core';

const words = signature({ inputs: { text: bytes(1) }, outputs: { word: bytes(1) } });

const PAUSE_MS = 20;

/** Says a text word by word. */
@Model('words', words)
export class WordsModel {
  async *stream({ text }: Inputs<typeof words>, { signal }: Pick<InferContext, 'signal'>) {
    for (const word of (text.text()[0] ?? '').split(/\s+/).filter(Boolean)) {
      yield { word: bytes.of([1], [word]) };
      await delay(PAUSE_MS, undefined, { signal });
    }
  }
}
