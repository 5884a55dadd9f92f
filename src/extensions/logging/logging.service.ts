import { Injectable } from '@nestjs/common';
import { EVERY_MODEL, ModelAccess } from '../../core/inference/model-access.js';
import { ServerLog } from '../../core/logging/server-log.js';
import type { CallContext } from '../../protocol/call/call-context.js';
import { type GivenLogSettings, readLogChange, type WrongKind } from './log-change.js';

/** Sets what the server logs, for both wires. */
@Injectable()
export class LoggingService {
  constructor(
    private readonly log: ServerLog,
    private readonly access: ModelAccess,
  ) {}

  /**
   * Changes the settings that are given; answers with all that hold then. Throws `permission-denied` where the caller
   * has no right to logging on all models, `invalid-argument` for values that cannot be, `unimplemented` for the file,
   * which only the operator chooses; nothing is changed then.
   */
  async update(call: CallContext, given: GivenLogSettings, wrongKind: WrongKind) {
    call.onlyLooks = given.length === 0;
    if (given.length > 0) await this.access.check(call, 'logging', EVERY_MODEL);
    this.log.change(readLogChange(given, wrongKind));
    const { info, warning, error, verboseLevel, format } = this.log.settings;
    return {
      // The server logs to its standard streams, and leaves files to who runs it.
      log_file: '',
      log_info: info,
      log_warning: warning,
      log_error: error,
      log_verbose_level: verboseLevel,
      log_format: format,
    };
  }
}
