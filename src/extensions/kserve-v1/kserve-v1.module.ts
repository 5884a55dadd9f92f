import { Module } from '@nestjs/common';
import { Extension } from '../../protocol/extension.decorator.js';
import { ProtocolModule } from '../../protocol/protocol.module.js';
import { KserveV1RestController } from './kserve-v1.rest.controller.js';
import { KserveV1Service } from './kserve-v1.service.js';

/** KServe's V1 protocol, over REST alone: instances in, predictions out. It has no name among the extensions. */
@Extension()
@Module({ imports: [ProtocolModule], controllers: [KserveV1RestController], providers: [KserveV1Service] })
export class KserveV1Module {}
