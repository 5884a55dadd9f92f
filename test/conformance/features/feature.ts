/** What the reference of the protocol lists, who has it, and the tests that hold ours. */

export interface Proof {
  /** The file of the test, from the root of the project. */
  readonly file: string;
  /** The title of the test; of one in a table, as it reads there or with its case filled in. */
  readonly title: string;
}

export interface Feature {
  readonly what: string;
  /** A letter for each of OIP, Triton, MLServer, KServe, Seldon and aiSSEMBLE who has it. */
  readonly who: string;
  /** Empty where we have not got it. */
  readonly proofs: readonly Proof[];
  /** Why we have not got it. */
  readonly reason?: string;
}

export interface Chapter {
  /** The section of the reference that its features come from. */
  readonly section: string;
  readonly title: string;
  readonly features: readonly Feature[];
}

export const chapter = (section: string, title: string, features: readonly Feature[]): Chapter => {
  return { section, title, features };
};

/** A feature that we have, with what proves it. */
export const yes = (what: string, who: string, ...proofs: readonly (readonly Proof[])[]): Feature => {
  return { what, who, proofs: proofs.flat() };
};

/** A feature that we have not got. */
export const no = (what: string, who: string, reason: string): Feature => ({ what, who, proofs: [], reason });

/** Names tests of a file. */
export const testsOf =
  (file: string) =>
  (...titles: readonly string[]): readonly Proof[] =>
    titles.map((title) => ({ file, title }));
