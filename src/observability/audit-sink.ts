import { createWriteStream, openSync, type WriteStream } from 'node:fs';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { ConfigurationError } from '../config/configuration-error.js';
import { AuditConfig } from './audit.config.js';

/** Beyond this a sink that does not take what it is given loses records, which is logged, instead of memory. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

/** Where audit records are appended, a line each; a sink that fails costs no request. */
@Injectable()
export class AuditSink implements OnApplicationShutdown {
  private readonly logger = new Logger('Audit');
  private readonly stream: NodeJS.WritableStream | undefined;
  private readonly file: WriteStream | undefined;
  private failing = false;

  constructor({ AUDIT_LOG }: AuditConfig) {
    if (AUDIT_LOG !== 'stdout' && AUDIT_LOG !== 'off') {
      this.file = openFile(AUDIT_LOG);
      this.file.on('error', (failure) => this.lost(failure.message));
    }
    this.stream = AUDIT_LOG === 'stdout' ? process.stdout : this.file;
  }

  append(line: string): void {
    if (this.stream === undefined) return;
    if (this.file !== undefined && this.file.writableLength > MAX_BUFFERED_BYTES) this.lost('it takes no more');
    else this.stream.write(`${line}\n`);
  }

  /** Waits until all records are written. */
  async onApplicationShutdown(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.file === undefined || this.file.destroyed) resolve();
      else this.file.once('close', resolve).end();
    });
  }

  private lost(reason: string): void {
    if (this.failing) return;
    this.failing = true;
    this.logger.error({ message: 'audit records are lost from here on', reason });
  }
}

/** Opened at once, so that a path that cannot be written ends the start; readable by the server's own user alone. */
function openFile(path: string): WriteStream {
  try {
    return createWriteStream(path, { fd: openSync(path, 'a', 0o600) });
  } catch (failure) {
    throw new ConfigurationError([`AUDIT_LOG="${path}": ${(failure as Error).message}`]);
  }
}
