import type { ChunkSource, RegisteredProfile } from "@reembed/store";
import type { DoctorContext } from "./context.ts";

/** Where the application keeps vectors of a profile: those of an adopted chunking are the baseline's. */
export function adoptedVectors(
  { config }: Pick<DoctorContext, "config">,
  { name, source }: Pick<RegisteredProfile, "name" | "source">,
): ChunkSource | null {
  return name === config.baseline.name ? source : null;
}
