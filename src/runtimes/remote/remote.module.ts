import { Module } from '@nestjs/common';
import { RemoteRuntime } from './remote.runtime.js';

/** Models of other servers of the protocol, so that guards, limits and composition stand in front of them. */
@Module({ providers: [RemoteRuntime] })
export class RemoteModule {}
