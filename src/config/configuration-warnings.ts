import { Logger, type OnModuleInit } from '@nestjs/common';

/** Logs once what looks misspelled in the environment. */
export class ConfigurationWarnings implements OnModuleInit {
  private readonly logger = new Logger('Configuration');

  constructor(readonly warnings: readonly string[]) {}

  onModuleInit(): void {
    for (const warning of this.warnings) this.logger.warn(warning);
  }
}
