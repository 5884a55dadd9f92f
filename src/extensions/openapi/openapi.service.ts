import { Injectable } from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { CallAuthenticator } from '../../protocol/call/call-authenticator.js';
import { routesOf } from '../../protocol/rest/rest-server.js';
import { findHandlers } from './find-handlers.js';
import { writeDocument } from './write-document.js';

/** Writes the document when it is first asked for: by then every route is registered. */
@Injectable()
export class OpenapiService {
  private written: string | undefined;

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly modules: ModulesContainer,
    private readonly authenticator: CallAuthenticator,
  ) {}

  get document(): string {
    const { host, modules, authenticator } = this;
    this.written ??= JSON.stringify(
      writeDocument(routesOf(host.httpAdapter.getInstance<object>()), findHandlers(modules), authenticator.required),
    );
    return this.written;
  }
}
