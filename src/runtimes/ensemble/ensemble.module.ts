import { Module } from '@nestjs/common';
import { EnsembleRuntime } from './ensemble.runtime.js';

/** Ensembles: models whose requests run through other models of the server. */
@Module({ providers: [EnsembleRuntime] })
export class EnsembleModule {}
