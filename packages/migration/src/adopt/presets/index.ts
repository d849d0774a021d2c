import { applicationPresets } from "./applications.ts";
import { frameworkPresets } from "./frameworks.ts";
import { langchainPresets } from "./langchain.ts";
import type { Preset } from "./preset.ts";
import { templatePresets } from "./templates.ts";

export type { Preset } from "./preset.ts";

/** In the order in which a table is compared with them: those that several tables fit come last. */
export const presets: readonly Preset[] = [
  ...applicationPresets,
  ...frameworkPresets,
  ...langchainPresets,
  ...templatePresets,
];
