import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ActiveCalls } from './call/active-calls.js';
import { ErrorFilter } from './error.filter.js';

/** Between the wires and the core: what goes wrong is answered here, by one table for each wire. */
@Module({ providers: [ActiveCalls, { provide: APP_FILTER, useClass: ErrorFilter }], exports: [ActiveCalls] })
export class ProtocolModule {}
