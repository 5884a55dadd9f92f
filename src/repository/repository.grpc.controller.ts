import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { Call, CallContext } from '../protocol/call/call-context.js';
import { Family } from '../protocol/call/operation.decorator.js';
import { type ControlParameter, readLoadParameters, readUnloadDependents } from './control/control-parameters.js';
import { RepositoryService } from './repository.service.js';

interface IndexRequest {
  readonly repository_name?: string;
  readonly ready?: boolean;
}

interface ControlRequest {
  readonly repository_name?: string;
  readonly model_name?: string;
  readonly parameters?: Readonly<
    Record<string, { readonly parameter_choice?: string; readonly [value: string]: unknown }>
  >;
}

@Family('model-repository')
@Controller()
export class RepositoryGrpcController {
  constructor(private readonly repository: RepositoryService) {}

  @GrpcMethod('GRPCInferenceService', 'RepositoryIndex')
  async repositoryIndex(@Payload() { repository_name = '', ready = false }: IndexRequest, @Call() call: CallContext) {
    return { models: await this.repository.index(call, repository_name, ready) };
  }

  @GrpcMethod('GRPCInferenceService', 'RepositoryModelLoad')
  async repositoryModelLoad(@Payload() request: ControlRequest, @Call() call: CallContext) {
    const { repository, model } = target(request);
    await this.repository.load(call, repository, model, readLoadParameters(parametersOf(request)));
    return { model_name: model, isLoaded: true };
  }

  @GrpcMethod('GRPCInferenceService', 'RepositoryModelUnload')
  async repositoryModelUnload(@Payload() request: ControlRequest, @Call() call: CallContext) {
    const { repository, model } = target(request);
    await this.repository.unload(call, repository, model, readUnloadDependents(parametersOf(request)));
    return { model_name: model, isUnloaded: true };
  }
}

/** KServe's messages carry the model's name in the first field, where the others have the repository's. */
function target({ repository_name = '', model_name = '' }: ControlRequest) {
  return model_name === ''
    ? { repository: '', model: repository_name }
    : { repository: repository_name, model: model_name };
}

/** The parameters by name, with the kind of value that each holds: `bool_param` and so on. */
const parametersOf = ({ parameters = {} }: ControlRequest): ReadonlyMap<string, ControlParameter> =>
  new Map(
    Object.entries(parameters).map(([name, { parameter_choice: type = '', ...values }]) => [
      name,
      { type, value: Object.hasOwn(values, type) ? values[type] : undefined },
    ]),
  );
