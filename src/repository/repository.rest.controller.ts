import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { Call, CallContext } from '../protocol/call/call-context.js';
import { Family } from '../protocol/call/operation.decorator.js';
import { ControlBodyPipe } from '../protocol/rest/control-body.pipe.js';
import { ControlBody, IndexBody } from './control/control-bodies.js';
import { fromJson, readLoadParameters, readUnloadDependents } from './control/control-parameters.js';
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
