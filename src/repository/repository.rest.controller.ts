import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { Call, CallContext } from '../protocol/call/call-context.js';
import { Family } from '../protocol/call/operation.decorator.js';
import { Describe, json } from '../protocol/rest/api/describe.decorator.js';
import { FLAG, listOf, mapOf, NamedSchema, objectOf, TEXT } from '../protocol/rest/api/schema.js';
import { ControlBodyPipe } from '../protocol/rest/control-body.pipe.js';
import { ControlBody, IndexBody } from './control/control-bodies.js';
import { fromJson, readLoadParameters, readUnloadDependents } from './control/control-parameters.js';
import { type IndexEntry, RepositoryService } from './repository.service.js';

const INDEX_REQUEST = json(objectOf({ ready: FLAG }, 'ready'));
const CONTROL_REQUEST = json(objectOf({ parameters: mapOf({}) }, 'parameters'));
const STATES = { type: 'string', enum: ['READY', 'UNAVAILABLE', 'LOADING', 'UNLOADING'] };
const INDEX_ENTRY = objectOf({ name: TEXT, version: TEXT, state: STATES, reason: TEXT }, 'version', 'state');
const INDEX = json(listOf(new NamedSchema('RepositoryIndexEntry', INDEX_ENTRY)));

@Family('model-repository')
@Controller('v2/repository')
export class RepositoryRestController {
  constructor(private readonly repository: RepositoryService) {}

  @Post(['index', ':repository/index'])
  @HttpCode(200)
  @Describe({
    summary: 'The versions of all models, and how they are',
    request: INDEX_REQUEST,
    optionalRequest: true,
    response: INDEX,
  })
  async index(
    @Body(new ControlBodyPipe(IndexBody)) { ready }: IndexBody,
    @Call() call: CallContext,
    @Param('repository') repository = '',
  ) {
    return (await this.repository.index(call, repository, ready ?? false)).map(withoutBlanks);
  }

  @Post('models/:model/load')
  @HttpCode(200)
  @Describe({
    summary: 'Loads a model',
    request: CONTROL_REQUEST,
    optionalRequest: true,
    response: json(objectOf({ name: TEXT, load: FLAG })),
  })
  async load(
    @Param('model') model: string,
    @Body(new ControlBodyPipe(ControlBody)) body: ControlBody,
    @Call() call: CallContext,
  ) {
    await this.repository.load(call, '', model, readLoadParameters(fromJson(body.parameters)));
    return { name: model, load: true };
  }

  @Post('models/:model/unload')
  @HttpCode(200)
  @Describe({
    summary: 'Unloads a model',
    request: CONTROL_REQUEST,
    optionalRequest: true,
    response: json(objectOf({ name: TEXT, unload: FLAG })),
  })
  async unload(
    @Param('model') model: string,
    @Body(new ControlBodyPipe(ControlBody)) body: ControlBody,
    @Call() call: CallContext,
  ) {
    await this.repository.unload(call, '', model, readUnloadDependents(fromJson(body.parameters)));
    return { name: model, unload: true };
  }
}

/** A field that does not apply is left out, as Triton does, but for the reason: MLServer's clients insist on one. */
const withoutBlanks = ({ reason, ...entry }: IndexEntry) => ({
  ...Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== '')),
  reason,
});
