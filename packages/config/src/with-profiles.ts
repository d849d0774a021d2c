import { type Profile, profiles } from "@reembed/core";
import { resolveChosen } from "./chosen-profiles.ts";
import type { Settings } from "./config.ts";
import { unknownProfile } from "./unknown-profile.ts";

/** The environment with the profiles that it chose. */
export interface Config extends Settings {
  /** The profiles that there are, by name. */
  profiles: ReadonlyMap<string, Profile>;
  baseline: Profile;
  candidate: Profile;
}

/** The profiles that a database knows, and the models of those that have vectors; by default, the catalogue's alone. */
interface Known {
  profiles: ReadonlyMap<string, Profile>;
  registered: ReadonlyMap<string, Profile["model"]>;
}

/**
 * Resolves the chosen profiles among those that there are. Where a profile has vectors, the model that they come from
 * counts: another version's catalogue may describe the model otherwise.
 * @throws ReembedError `profile_unknown` or `profile_invalid` (exit code 2).
 */
export function withProfiles(settings: Settings, known: Known = { profiles, registered: new Map() }): Config {
  const withModel = (profile: Profile): Profile => ({
    ...profile,
    model: known.registered.get(profile.name) ?? profile.model,
  });
  const all = new Map([...known.profiles].map(([name, profile]) => [name, withModel(profile)]));
  const { baseline, candidate } = resolveChosen(settings.chosen, all);
  return { ...settings, profiles: all, baseline: withModel(baseline), candidate: withModel(candidate) };
}

/** The configured profile of this name: baseline or candidate with overrides, or another known one. */
export function configuredProfile(config: Config, name: string): Profile {
  const configured = [config.candidate, config.baseline].find((profile) => profile.name === name);
  const profile = configured ?? config.profiles.get(name);
  if (profile !== undefined) return profile;
  throw unknownProfile(name, [config.baseline.name, config.candidate.name, ...config.profiles.keys()]);
}

/** Baseline and candidate; only one if the same profile is both, because everything is on one model. */
export function activeProfiles({ baseline, candidate }: Pick<Config, "baseline" | "candidate">): Profile[] {
  return baseline.name === candidate.name ? [candidate] : [baseline, candidate];
}
