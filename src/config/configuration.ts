import type { DynamicModule } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { type Environment, type ParsedSections, parseSections } from './parse-sections.js';
import type { SectionClass } from './section.js';

export interface ConfigurationOptions {
  /** Read instead of the process's environment and the `.env` file of the working directory. */
  readonly environment?: Environment | undefined;
}

/** All sections, read and checked before anything else of the server exists. */
export class Configuration {
  private constructor(
    readonly sections: readonly SectionClass[],
    private readonly parsed: ParsedSections,
    /** The module of `@nestjs/config` that did the reading. */
    readonly reader: DynamicModule,
  ) {}

  /**
   * Reads every section at once. A variable of the process wins over `.env`; nothing is written back to the
   * process's environment. Throws one `ConfigurationError` that lists every problem.
   */
  static async read(
    sections: readonly SectionClass[],
    { environment }: ConfigurationOptions = {},
  ): Promise<Configuration> {
    let parsed: ParsedSections = { instances: new Map(), warnings: [] };
    const reader = await ConfigModule.forRoot({
      ignoreEnvFile: environment !== undefined,
      validatePredefined: environment === undefined,
      skipProcessEnv: true,
      validate: (variables) => {
        parsed = parseSections(sections, environment ?? (variables as Environment));
        return {};
      },
    });
    return new Configuration(sections, parsed, reader);
  }

  get<T extends object>(section: new () => T): T {
    const instance = this.parsed.instances.get(section);
    if (instance === undefined) throw new TypeError(`${section.name} is not among the sections that were read`);
    return instance as T;
  }

  /** Keys that are probably misspelled. */
  get warnings(): readonly string[] {
    return this.parsed.warnings;
  }
}
