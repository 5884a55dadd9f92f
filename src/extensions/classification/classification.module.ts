import { Module } from '@nestjs/common';
import { Extension } from '../../protocol/extension.decorator.js';
import { ClassificationStage } from './classification.stage.js';

/** The largest values of an output with the names of their classes, in place of the output. */
@Extension('classification')
@Module({ providers: [ClassificationStage] })
export class ClassificationModule {}
