import { Module } from '@nestjs/common';
import { DigitReaderModel } from './digit-reader/digit-reader.model.js';
import { DoublerModel } from './doubler/doubler.model.js';

/** Your models: add a class here, and it is served. */
@Module({ providers: [DoublerModel, DigitReaderModel] })
export class ModelsModule {}
