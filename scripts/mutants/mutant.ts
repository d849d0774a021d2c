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

/** Lists of the same file are joined: if a later one replaced the earlier, nobody would run those faults any more. */
export function joinMutants(...lists: readonly Mutants[]): Mutants {
  const joined: Record<string, readonly Mutant[]> = {};
  for (const [file, mutants] of lists.flatMap((list) => Object.entries(list))) {
    joined[file] = [...(joined[file] ?? []), ...mutants];
  }
  return joined;
}
