import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { Call, CallContext } from '../protocol/call/call-context.js';
import { Family } from '../protocol/call/operation.decorator.js';
import { ControlBodyPipe } from '../protocol/rest/control-body.pipe.js';
import { ControlBody, IndexBody } from './control-bodies.js';
import { checkLoadParameters, checkUnloadParameters } from './control-parameters.js';
import { type IndexEntry, RepositoryService } from './repository.service.js';

@Family('model-repository')
@Controller('v2/repository')
export class RepositoryRestController {
  constructor(private readonly repository: RepositoryService) {}

  @Post(['index', ':repository/index'])
  @HttpCode(200)
  async index(
    @Body(new ControlBodyPipe(IndexBody)) { ready }: IndexBody,
    @Call() call: CallContext,
    @Param('repository') repository = '',
  ) {
    return (await this.repository.index(call, repository, ready ?? false)).map(withoutBlanks);
  }

  @Post('models/:model/load')
  @HttpCode(200)
  async load(@Param('model') model: string, @Body(new ControlBodyPipe(ControlBody)) body: ControlBody) {
    checkLoadParameters(parameterTypes(body));
    await this.repository.load('', model);
    return { name: model, load: true };
  }

  @Post('models/:model/unload')
  @HttpCode(200)
  async unload(@Param('model') model: string, @Body(new ControlBodyPipe(ControlBody)) body: ControlBody) {
    checkUnloadParameters(parameterTypes(body));
    await this.repository.unload('', model);
    return { name: model, unload: true };
  }
}

/** A field that does not apply is left out, as Triton does. */
const withoutBlanks = (entry: IndexEntry) =>
  Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== ''));

/** The kind of each JSON value, in the words of the gRPC messages; a file travels as base64 text. */
const parameterTypes = ({ parameters = {} }: ControlBody): ReadonlyMap<string, string> =>
  new Map(Object.entries(parameters).map(([name, value]) => [name, typeName(name, value)]));

function typeName(name: string, value: unknown): string {
  if (typeof value === 'boolean') return 'bool_param';
  if (typeof value === 'number') return 'int64_param';
  if (typeof value === 'string') return name.startsWith('file:') ? 'bytes_param' : 'string_param';
  return 'none';
}
