import type { InferenceCall } from '../../core/inference/call.js';
import {
  type InferContext,
  OBSERVED,
  type ResponseSettings,
  type SequenceContext,
} from '../../core/inference/context.js';
import { NO_PARAMETERS, type Parameters, type ParameterValue } from '../../core/inference/parameters.js';
import type { InferenceRequest } from '../../core/inference/request.js';

/** A request that knows its place in a sequence. */
export interface SequencedRequest extends InferenceRequest {
  readonly sequence?: SequenceContext;
}

/** The context of a model; the call's signal is only made when the model asks for it. */
export class RequestContext implements InferContext {
  declare readonly sequence?: SequenceContext;
  private settings: ResponseSettings | undefined;

  constructor(
    private readonly request: SequencedRequest,
    private readonly call: InferenceCall,
  ) {
    if (request.sequence !== undefined) this.sequence = request.sequence;
  }

  /** Made on first use: few models say anything of their response. */
  get response(): ResponseSettings {
    this.settings ??= { parameters: new Map<string, ParameterValue>() };
    return this.settings;
  }

  /** What the model has said of its response. */
  get responseParameters(): Parameters {
    return this.settings?.parameters ?? NO_PARAMETERS;
  }

  get [OBSERVED](): InferContext[typeof OBSERVED] {
    return this.call.timings.observed;
  }

  get id(): string {
    return this.request.id === '' ? this.call.requestId : this.request.id;
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }

  get deadline(): number {
    return this.call.deadline;
  }

  get parameters(): InferContext['parameters'] {
    return this.request.parameters;
  }

  get outputs(): InferContext['outputs'] {
    const { outputs } = this.request;
    return outputs.length === 0 ? undefined : outputs.map(({ name }) => name);
  }

  get principal(): InferContext['principal'] {
    return this.call.principal;
  }
}
