import { invalidArgument, unavailable } from '../../../core/errors/catalogue.js';
import type { InferenceCall } from '../../../core/inference/call.js';
import { departureOf } from '../../../core/inference/watched-call.js';
import type { InferenceRequest } from '../../../core/inference/request.js';
import type { InferenceResponse } from '../../../core/inference/response.js';
import type { QueueOptions, SequenceBatching } from '../../../core/model/scheduling.js';
import { namedTensors } from '../../../core/tensor/tensor.js';
import { requestedOf } from '../../execution/outputs.js';
import type { SequencedRequest } from '../../execution/request-context.js';
import type { RunnableModel } from '../../execution/runnable-model.js';
import { rowsOf } from '../dynamic-batcher/form-batch.js';
import { InFlight, outOfOrder, unloading } from '../in-flight.js';
import { RequestQueue } from '../queue/request-queue.js';
import type { Scheduler, WhatWaits } from '../scheduler.js';
import { Lane, laneKey, madeLaneKey, Sequence, type SequencedMember } from './lane.js';
import { SequenceControls } from './sequence-controls.js';
import { type SequenceId, sequenceParameters } from './sequence-parameters.js';
import { SequenceRuns } from './sequence-runs.js';
import { SequenceStates } from './sequence-states.js';
import { SequencedModel } from './sequenced-model.js';
import { Slots } from './slots.js';

const IDLE_MS = 1_000;
const MAX_SEQUENCES = 1_024;

/** Timers fire at once for more. */
const LONGEST_MS = 2 ** 31 - 1;

/** Fits every datatype that carries ids. */
const LARGEST_ID = 2 ** 31 - 1;

/**
 * Runs the requests of each sequence one at a time, in the order in which they came, those of different sequences side
 * by side, and in batches where the model has a batch dimension; the way is Triton's sequence batcher's. A sequence has
 * a slot until its last request has run, or none has come for too long; the others wait in the backlog.
 *
 * The bounds of the queue hold for requests that wait for their sequence, and again for those that wait for an instance.
 */
export class SequenceBatcher implements Scheduler {
  private readonly requests = new InFlight();
  /** What waits for a slot, or for its sequence's request before. */
  private readonly waiting: RequestQueue;
  private readonly lanes = new Map<string, Lane>();
  private readonly slots: Slots;
  /** Where the next request of each sequence runs. */
  private readonly runs: SequenceRuns;
  private readonly sequenced: SequencedModel;
  private readonly controls: SequenceControls;
  private readonly states: SequenceStates;
  private readonly idleMs: number;
  /** Where requests without an id are sequences too. */
  private readonly makeId: (() => SequenceId) | undefined;
  private made = 0;
  private isStopping = false;

  constructor(
    private readonly model: RunnableModel,
    options: SequenceBatching,
    queue: QueueOptions,
  ) {
    const { name, maxBatchSize, executor } = model;
    const { strategy = 'direct', maxSequences = MAX_SEQUENCES, idleMs = IDLE_MS, controls = [], states = [] } = options;
    const hasBatchDimension = maxBatchSize > 0;
    this.controls = new SequenceControls(name, controls, hasBatchDimension ? [1, 1] : [1]);
    this.states = new SequenceStates(states, hasBatchDimension);
    this.sequenced = new SequencedModel(model, this.states.outputs);
    this.waiting = new RequestQueue(queue);
    this.idleMs = Math.min(idleMs, LONGEST_MS);
    this.makeId = options.iterative === true ? () => this.nextId() : undefined;
    const places = Math.max(1, executor.free) * Math.max(1, maxBatchSize);
    const slots = strategy === 'direct' ? Math.min(places, maxSequences) : maxSequences;
    this.slots = new Slots(slots, (lane) => this.advance(lane));
    this.runs = new SequenceRuns(this.sequenced, maxBatchSize, options, queue, this.controls);
    executor.onChange(() => {
      if (executor.outage !== undefined) this.refuseAll(() => outOfOrder(model));
    });
  }

  get inFlight(): number {
    return this.requests.count;
  }

  async enqueue(request: InferenceRequest, call: InferenceCall): Promise<InferenceResponse> {
    this.requests.enter();
    try {
      if (this.model.executor.outage !== undefined) throw outOfOrder(this.model);
      return await this.answer(request, call);
    } finally {
      this.requests.leave();
    }
  }

  stream(): never {
    throw new TypeError(`model '${this.model.name}' takes sequences, and gives one response to each request`);
  }

  /** Sequences that have not ended are dropped, since nothing of them can come any more. */
  stop(waiting: WhatWaits): Promise<void> {
    const stopped = this.requests.stop();
    this.isStopping = true;
    if (waiting === 'is refused') {
      this.refuseAll(unloading);
      this.runs.stop(waiting);
    }
    for (const lane of this.lanes.values()) if (lane.silence !== undefined) this.drop(lane);
    this.finish();
    return stopped;
  }

  private answer(request: InferenceRequest, call: InferenceCall): Promise<InferenceResponse> {
    const { name, maxBatchSize } = this.model;
    const { id, start, end, isMade } = sequenceParameters(name, request.parameters, this.makeId);
    this.controls.check(id);
    if (maxBatchSize > 0 && rowsOf(request) !== 1) throw severalRows(name);
    const key = isMade === true ? madeLaneKey(id) : laneKey(call.principal, id);
    const lane = this.lanes.get(key) ?? new Lane(key);
    const sequence = start ? new Sequence(this.states.initial) : lane.sequence;
    if (sequence === undefined) throw hasNoStart(name, id);
    return new Promise((respond, reject) => {
      const turn = { id, start, end, state: sequence.state };
      const member: SequencedMember = {
        request,
        call,
        sequence,
        turn,
        queuedAt: performance.now(),
        admit: () => undefined,
        refuse: (reason) => this.left(lane, member, reason),
        respond,
        reject,
      };
      this.add(lane, member);
    });
  }

  /** Throws `unavailable` when the request has to wait and too many do; its sequence then goes on without it. */
  private add(lane: Lane, member: SequencedMember): void {
    const isNew = !this.lanes.has(lane.key);
    const runsNow = isNew ? !this.slots.isFull : lane.hasSlot && !lane.isRunning;
    if (!runsNow) this.waiting.add(member);
    this.lanes.set(lane.key, lane);
    lane.add(member);
    if (isNew) this.slots.enter(lane);
    this.advance(lane);
  }

  /** Runs the lane's next request, when the one before has run. */
  private advance(lane: Lane): void {
    if (!lane.hasSlot || lane.isRunning) return;
    clearTimeout(lane.silence);
    lane.silence = undefined;
    const next = lane.head;
    if (next === undefined) return this.rest(lane);
    lane.remove(next);
    this.waiting.take(next);
    void this.run(lane, next);
  }

  private async run(lane: Lane, member: SequencedMember): Promise<void> {
    const { call, sequence, turn, queuedAt } = member;
    lane.isRunning = true;
    call.timings.queueNs += (performance.now() - queuedAt) * 1e6;
    try {
      if (!turn.start && !sequence.hasBegun) throw hasNoStart(this.model.name, turn.id);
      member.respond(await this.runIn(lane, sequence, member));
    } catch (failure) {
      member.reject(failure as Error);
      // Its caller may have gone before its end.
      await this.sequenced.ended(turn);
    }
    lane.isRunning = false;
    if (turn.end) this.giveWay(lane);
    this.advance(lane);
    this.finish();
  }

  /** Only a success moves the sequence on. */
  private async runIn(
    { slot = 0 }: Lane,
    sequence: Sequence,
    { request, call, turn }: SequencedMember,
  ): Promise<InferenceResponse> {
    const inputs = Object.assign(namedTensors(), request.inputs, this.controls.inputsOf(turn), sequence.states);
    const filled: SequencedRequest = { ...request, inputs, outputs: [], sequence: turn };
    const response = await this.runs.enqueue(filled, slot, call);
    sequence.hasBegun = true;
    sequence.states = this.states.after(response);
    const outputs = response.outputs.filter(({ name }) => this.model.outputNames.has(name));
    return { ...response, outputs: requestedOf(outputs, request.outputs) };
  }

  /** Nothing is left to run: the sequence is dropped, unless it may go on. */
  private rest(lane: Lane): void {
    if (lane.sequence?.hasBegun !== true || this.isStopping) return this.drop(lane);
    lane.silence = setTimeout(() => this.drop(lane), this.idleMs);
  }

  private drop(lane: Lane): void {
    clearTimeout(lane.silence);
    this.lanes.delete(lane.key);
    this.slots.leave(lane);
  }

  /** A sequence has ended: one that follows under the same id does so behind those in the backlog. */
  private giveWay(lane: Lane): void {
    if (lane.isEmpty) return;
    this.slots.leave(lane);
    this.slots.enter(lane);
  }

  /**
   * A request has left before its turn: its caller has gone, or it has waited for too long. In the backlog that is the
   * end of its whole sequence.
   */
  private left(lane: Lane, member: SequencedMember, reason: Error): void {
    lane.remove(member);
    const isExpired = !lane.hasSlot && departureOf(member.call) === undefined;
    member.reject(isExpired ? expired() : reason);
    if (isExpired) this.refuse(lane.clear(member.sequence), expired);
    if (lane.isEmpty && !lane.hasSlot) this.drop(lane);
  }

  private refuse(members: readonly SequencedMember[], reason: () => Error): void {
    for (const member of members) {
      this.waiting.take(member);
      member.reject(reason());
    }
  }

  private refuseAll(reason: () => Error): void {
    for (const lane of this.lanes.values()) {
      this.refuse(lane.clear(), reason);
      if (!lane.hasSlot) this.drop(lane);
    }
  }

  private nextId(): SequenceId {
    this.made = (this.made % LARGEST_ID) + 1;
    return this.controls.takesText ? String(this.made) : this.made;
  }

  /** What runs last needs not wait for others to join. */
  private finish(): void {
    if (this.isStopping && this.waiting.size === 0) this.runs.stop('is served');
  }
}

const hasNoStart = (model: string, id: SequenceId): Error =>
  invalidArgument(
    `inference request for sequence ${id} to model '${model}' must specify the START flag on the first request of the sequence`,
  );

const severalRows = (model: string): Error =>
  invalidArgument(
    `inference request to model '${model}' must specify batch-size 1 due to requirements of sequence batcher`,
  );

const expired = (): Error => unavailable('timeout of the corresponding sequence has been expired');
