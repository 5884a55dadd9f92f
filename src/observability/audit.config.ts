import { Text } from '../config/keys.js';

/** The record of who changed what, and who was denied. */
export class AuditConfig {
  @Text('Where audit records go, one JSON object to a line: stdout, off, or a file that they are appended to.')
  readonly AUDIT_LOG: string = 'stdout';
}
