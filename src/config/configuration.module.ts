import { type DynamicModule, Module } from '@nestjs/common';
import type { Configuration } from './configuration.js';
import { ConfigurationWarnings } from './configuration-warnings.js';
import { FileWatcher } from './file-watcher.js';

/** Provides what was read of the environment: the only room that knows where settings come from. */
@Module({})
export class ConfigurationModule {
  /** Provides each section by its class, to every module. */
  static forRoot(configuration: Configuration): DynamicModule {
    return {
      module: ConfigurationModule,
      global: true,
      imports: [configuration.reader],
      providers: [
        ...configuration.sections.map((section) => ({ provide: section, useValue: configuration.get(section) })),
        { provide: ConfigurationWarnings, useValue: new ConfigurationWarnings(configuration.warnings) },
        FileWatcher,
      ],
      exports: [...configuration.sections, FileWatcher],
    };
  }
}
