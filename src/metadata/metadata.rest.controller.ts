import { Controller, Get, Header, Param } from '@nestjs/common';
import type { NamedSpec } from '../core/model/signature.js';
import { Call, CallContext } from '../protocol/call/call-context.js';
import { Family } from '../protocol/call/operation.decorator.js';
import { Describe, json } from '../protocol/rest/api/describe.decorator.js';
import { listOf, objectOf, TEXT } from '../protocol/rest/api/schema.js';
import { configJson } from './config-message.js';
import { MODEL_CONFIG, MODEL_METADATA, SERVER_METADATA } from './metadata-schemas.js';
import { MetadataService } from './metadata.service.js';
import { specParameters } from './spec-parameters.js';

@Family('metadata')
@Controller('v2')
export class MetadataRestController {
  constructor(private readonly metadata: MetadataService) {}

  @Get()
  @Describe({ summary: 'The metadata of the server', response: json(SERVER_METADATA) })
  serverMetadata() {
    return this.metadata.server();
  }

  @Get('models')
  @Describe({ summary: 'The names of the models that are ready', response: json(objectOf({ models: listOf(TEXT) })) })
  async models(@Call() call: CallContext) {
    return { models: await this.metadata.models(call) };
  }

  @Get(['models/:model', 'models/:model/versions/:version'])
  @Describe({ summary: 'The metadata of a model', response: json(MODEL_METADATA) })
  modelMetadata(@Param('model') name: string, @Param('version') version = '') {
    const model = this.metadata.model(name, version);
    return { ...model, inputs: model.inputs.map(toJson), outputs: model.outputs.map(toJson) };
  }

  @Family('model-config')
  @Get(['models/:model/config', 'models/:model/versions/:version/config'])
  @Header('content-type', 'application/json')
  @Describe({ summary: 'The configuration of a model', response: json(MODEL_CONFIG) })
  modelConfig(@Param('model') name: string, @Param('version') version = '') {
    return configJson(this.metadata.modelConfig(name, version));
  }
}

function toJson(spec: NamedSpec) {
  const { name, datatype, shape } = spec;
  const parameters = specParameters(spec);
  return parameters.size === 0
    ? { name, datatype, shape }
    : { name, datatype, shape, parameters: Object.fromEntries(parameters) };
}
