import type { Config } from "@reembed/config";
import type { Profile } from "@reembed/core";
import type { Logger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import type { ChunkSource } from "@reembed/store/schema";

export interface AdoptOptions {
  database: Database;
  config: Config;
  profile: Profile;
  /** Without `chunks`, `chooseChunks` decides whether the candidate embeds the table's rows or cuts documents anew. */
  wanted: ChunkSource;
  /** Number of vectors that are embedded again and compared before any is copied. */
  sample: number;
  /** Adopts the table without its vectors. */
  reembed: boolean;
  device: string;
  /** Told the id that copying has come to, and the last one. */
  onProgress: (done: number, total: number) => void;
  log: Logger;
}
