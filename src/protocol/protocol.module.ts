import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ErrorFilter } from './error.filter.js';

/** Between the wires and the core: what goes wrong is answered here, by one table for each wire. */
@Module({ providers: [{ provide: APP_FILTER, useClass: ErrorFilter }] })
export class ProtocolModule {}
