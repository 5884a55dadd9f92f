import type { SequenceContext } from '../../../core/inference/context.js';
import type { InferenceResponse } from '../../../core/inference/response.js';
import type { Principal } from '../../../core/inference/principal.js';
import type { NamedTensors } from '../../../core/tensor/tensor.js';
import { Fifo, type FifoPlace } from '../queue/fifo.js';
import type { WaitingRequest } from '../queue/request-queue.js';
import type { SequenceId } from './sequence-parameters.js';

/** One sequence, from its request with START to its last one. */
export class Sequence {
  /** Whether its first request has succeeded; without that, the others have nothing to go on from. */
  hasBegun = false;
  /** What a model that is written in code keeps. */
  readonly state: SequenceContext['state'] = new Map();

  /** `states` are the inputs that the last success has left for the next request. */
  constructor(public states: NamedTensors) {}
}

/** A request on its way through its sequence. */
export interface SequencedMember extends WaitingRequest {
  readonly sequence: Sequence;
  readonly turn: SequenceContext;
  readonly queuedAt: number;
  readonly respond: (response: InferenceResponse) => void;
  readonly reject: (reason: Error) => void;
  /** Noted by the lane that it waits in. */
  standing?: FifoPlace<SequencedMember> | undefined;
}

/**
 * What one caller sends under one id, in the order in which it came: a sequence, and maybe the next one behind it. Its
 * requests run one at a time, while it has a slot.
 */
export class Lane {
  /** What a request without START belongs to; `undefined` behind one with END. */
  sequence: Sequence | undefined;
  /** `undefined` in the backlog. */
  slot: number | undefined;
  /** Noted by the slots whose backlog it waits in. */
  standing: FifoPlace<Lane> | undefined;
  isRunning = false;
  /** Ends the lane when nothing comes for too long. */
  silence: NodeJS.Timeout | undefined;
  private readonly waiting = new Fifo<SequencedMember>();

  constructor(readonly key: string) {}

  get hasSlot(): boolean {
    return this.slot !== undefined;
  }

  get isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  get head(): SequencedMember | undefined {
    return this.waiting.head;
  }

  add(member: SequencedMember): void {
    member.standing = this.waiting.push(member);
    this.sequence = member.turn.end ? undefined : member.sequence;
  }

  remove(member: SequencedMember): void {
    member.standing?.leave();
  }

  /** Takes out all that wait, or those of one sequence. */
  clear(sequence?: Sequence): SequencedMember[] {
    const cleared = [...this.waiting].filter((member) => sequence === undefined || member.sequence === sequence);
    for (const member of cleared) this.remove(member);
    return cleared;
  }
}

/** An id that was made is no caller's: nobody goes on with its sequence. */
export const madeLaneKey = (id: SequenceId): string => `made ${id}`;

/** Ids are the caller's own: nobody goes on with the sequence of somebody else. */
export const laneKey = (caller: Principal | undefined, id: SequenceId): string =>
  JSON.stringify([caller?.name ?? null, typeof id === 'string' ? id : [String(id)]]);
