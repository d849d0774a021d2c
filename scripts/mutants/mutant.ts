/** A small fault, and the test that must notice it. */
export interface Mutant {
  /** What the fault does. */
  name: string;
  /** Occurs exactly once in the file. */
  text: string;
  replacement: string;
  /** A test file; without it, the simulation. */
  noticedBy?: string;
}

/** By the file that they are put into. */
export type Mutants = Readonly<Record<string, readonly Mutant[]>>;
