/** A chunk as a framework gets it from its splitter. */
export interface FrameworkChunk {
  /** From 1. */
  number: number;
  document: string;
  /** From 0, in the document. */
  position: number;
  text: string;
}

export interface Statement {
  text: string;
  values: unknown[];
}

/** A framework's table, as it creates it with vectors of 312 dimensions, and the statements with which it writes to it. */
export interface FrameworkTable {
  /** The preset for it. */
  preset: string;
  /** Its full name as SQL writes it. */
  table: string;
  create: string;
  /** Stores a chunk under the id that `idOf` gives, and replaces it where the framework does that. */
  write(chunk: FrameworkChunk, vector: readonly number[]): Statement[];
  /** Changes a chunk that is stored. Frameworks that cannot do so delete and write it. */
  rewrite(chunk: FrameworkChunk, vector: readonly number[]): Statement[];
  remove(chunk: FrameworkChunk): Statement[];
  /** What the framework gives to its model. */
  embedded(chunk: FrameworkChunk): string;
  /** What its metadata say of a chunk, by the parts of a preset. */
  says(chunk: FrameworkChunk): { id: string; document: string; position?: number; title?: string };
}

export const dimensions = 312;

/** The uuid of a chunk. */
export function uuidOf({ number }: Pick<FrameworkChunk, "number">): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

export function vectorText(vector: readonly number[]): string {
  return `[${vector.join()}]`;
}

export function titleOf(document: string): string {
  return `About ${document}`;
}
