import type { RegisteredProfile } from "@reembed/store/profiles";
import type { AdoptedSource } from "@reembed/store/schema";
import type { DoctorContext } from "./context.ts";

/** Where the application's own vectors of a profile are: those of an adopted chunking belong to the baseline. */
export function adoptedVectors(
  { config }: Pick<DoctorContext, "config">,
  { name, source }: Pick<RegisteredProfile, "name" | "source">,
): AdoptedSource | null {
  return name === config.baseline.name ? source : null;
}
