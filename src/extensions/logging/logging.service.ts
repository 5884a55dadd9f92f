import { Injectable } from '@nestjs/common';
import { ServerLog } from '../../core/logging/server-log.js';
import type { CallContext } from '../../protocol/call/call-context.js';
import { type GivenLogSettings, readLogChange, type WrongKind } from './log-change.js';

/** Sets what the server logs, for both wires. */
@Injectable()
export class LoggingService {
  constructor(private readonly log: ServerLog) {}

  /**
   * Changes the settings that are given; answers with all that hold then. Throws `invalid-argument` for values that
   * cannot be, `unimplemented` for the file, which only the operator chooses; nothing is changed then.
   */
  update(call: CallContext, given: GivenLogSettings, wrongKind: WrongKind) {
    call.onlyLooks = given.length === 0;
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
