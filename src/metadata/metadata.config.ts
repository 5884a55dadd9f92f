import { Text } from '../config/keys.js';

/** What the server says of itself. */
export class MetadataConfig {
  @Text("The server's name in its metadata; Triton's own clients expect triton.")
  readonly SERVER_NAME: string = 'nest-inference-server';
}
