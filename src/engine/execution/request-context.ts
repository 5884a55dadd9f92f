import type { InferenceCall } from '../../core/inference/call.js';
import type { InferContext } from '../../core/inference/context.js';
import type { ParameterValue } from '../../core/inference/parameters.js';
import type { InferenceRequest } from '../../core/inference/request.js';

/** The context of a model; the call's signal is only made when the model asks for it. */
export class RequestContext implements InferContext {
  readonly response = { parameters: new Map<string, ParameterValue>() };

  constructor(
    private readonly request: InferenceRequest,
    private readonly call: InferenceCall,
  ) {}

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

  get principal(): InferContext['principal'] {
    return this.call.principal;
  }
}
