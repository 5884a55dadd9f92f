import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ConfigurationWarnings } from './configuration-warnings.js';
import { type Environment, type ParsedSections, parseSections } from './parse-sections.js';
import type { SectionClass } from './section.js';

export interface ConfigurationOptions {
  /** Read instead of the process's environment and the `.env` file of the working directory. */
  readonly environment?: Environment;
}

/** Reads and checks the environment: the only room that knows where settings come from. */
@Module({})
export class ConfigurationModule {
  /**
   * Parses all sections at once, and provides each by its class, to every module. A variable of the process wins over
   * `.env`; nothing is written back to the process's environment.
   *
   * Building the application fails with one `ConfigurationError` that lists every problem.
   */
  static forRoot(sections: readonly SectionClass[], { environment }: ConfigurationOptions = {}): DynamicModule {
    let parsed: ParsedSections | undefined;
    const reading = ConfigModule.forRoot({
      ignoreEnvFile: environment !== undefined,
      validatePredefined: environment === undefined,
      skipProcessEnv: true,
      validate: (variables) => {
        parsed = parseSections(sections, environment ?? (variables as Environment));
        return {};
      },
    });
    // Nest awaits the import, but later: a rejection must not count as unhandled until then.
    reading.catch(() => undefined);
    return {
      module: ConfigurationModule,
      global: true,
      imports: [reading],
      providers: [
        ...sections.map((section) => ({ provide: section, useFactory: () => parsed?.instances.get(section) })),
        { provide: ConfigurationWarnings, useFactory: () => new ConfigurationWarnings(parsed?.warnings ?? []) },
      ],
      exports: [...sections],
    };
  }
}
