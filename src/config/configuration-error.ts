/** Everything that is wrong with the configuration, one problem to a line; the server does not start. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly #problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.#problems = problems;
    // Where it was found helps nobody; without a trace, the problems stand alone wherever the error is printed.
    this.stack = `${this.name}: ${this.message}`;
  }

  get problems(): readonly string[] {
    return this.#problems;
  }
}
