import { Module } from '@nestjs/common';
import { Extension } from '../../protocol/extension.decorator.js';
import { ProtocolModule } from '../../protocol/protocol.module.js';
import { GenerateRestController } from './generate.rest.controller.js';
import { GenerateService } from './generate.service.js';

/** Models on flat JSON, over REST alone: one answer, or a stream of events. */
@Extension('generate')
@Module({ imports: [ProtocolModule], controllers: [GenerateRestController], providers: [GenerateService] })
export class GenerateModule {}
