import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type { NamedSpec } from '../core/model/signature.js';
import { Family } from '../protocol/call/operation.decorator.js';
import type { ModelVersionRequest } from '../protocol/grpc/messages.js';
import { encodeParameters } from '../protocol/grpc/parameters.js';
import { configMessage } from './config-message.js';
import { MetadataService } from './metadata.service.js';
import { specParameters } from './spec-parameters.js';

@Family('metadata')
@Controller()
export class MetadataGrpcController {
  constructor(private readonly metadata: MetadataService) {}

  @GrpcMethod('GRPCInferenceService', 'ServerMetadata')
  serverMetadata() {
    return this.metadata.server();
  }

  @GrpcMethod('GRPCInferenceService', 'ModelMetadata')
  modelMetadata(@Payload() { name = '', version = '' }: ModelVersionRequest) {
    const model = this.metadata.model(name, version);
    return { ...model, inputs: model.inputs.map(toMessage), outputs: model.outputs.map(toMessage) };
  }

  @Family('model-config')
  @GrpcMethod('GRPCInferenceService', 'ModelConfig')
  modelConfig(@Payload() { name = '', version = '' }: ModelVersionRequest) {
    return { config: configMessage(this.metadata.modelConfig(name, version)) };
  }
}

const toMessage = (spec: NamedSpec) => ({
  name: spec.name,
  datatype: spec.datatype,
  shape: spec.shape,
  parameters: encodeParameters(specParameters(spec)),
});
