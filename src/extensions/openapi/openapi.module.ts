import { Module } from '@nestjs/common';
import { Extension } from '../../protocol/extension.decorator.js';
import { OpenapiRestController } from './openapi.rest.controller.js';
import { OpenapiService } from './openapi.service.js';

/** The OpenAPI document of the routes that are really there, whichever modules brought them. */
@Extension()
@Module({ controllers: [OpenapiRestController], providers: [OpenapiService] })
export class OpenapiModule {}
