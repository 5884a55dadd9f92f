import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { Call, CallContext } from '../protocol/call/call-context.js';
import { Family } from '../protocol/call/operation.decorator.js';
import { checkLoadParameters, checkUnloadParameters } from './control-parameters.js';
import { RepositoryService } from './repository.service.js';

interface IndexRequest {
  readonly repository_name?: string;
  readonly ready?: boolean;
}

interface ControlRequest {
  readonly repository_name?: string;
  readonly model_name?: string;
  readonly parameters?: Readonly<Record<string, { readonly parameter_choice?: string }>>;
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
  async repositoryModelLoad(@Payload() request: ControlRequest) {
    const { repository, model } = target(request);
    checkLoadParameters(parameterTypes(request));
    await this.repository.load(repository, model);
    return { model_name: model, isLoaded: true };
  }

  @GrpcMethod('GRPCInferenceService', 'RepositoryModelUnload')
  async repositoryModelUnload(@Payload() request: ControlRequest) {
    const { repository, model } = target(request);
    checkUnloadParameters(parameterTypes(request));
    await this.repository.unload(repository, model);
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
const parameterTypes = ({ parameters = {} }: ControlRequest): ReadonlyMap<string, string> =>
  new Map(Object.entries(parameters).map(([name, { parameter_choice = '' }]) => [name, parameter_choice]));
