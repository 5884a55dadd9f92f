import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ActiveCalls } from './call/active-calls.js';
import { ErrorFilter } from './error.filter.js';
import { InferReplies } from './rest/reply/infer-replies.js';
import { RestCodec } from './rest/codec/rest-codec.js';

/** Between the wires and the core: what goes wrong is answered here, by one table for each wire. */
@Module({
  providers: [ActiveCalls, RestCodec, InferReplies, { provide: APP_FILTER, useClass: ErrorFilter }],
  exports: [ActiveCalls, RestCodec, InferReplies],
})
export class ProtocolModule {}
