import { readFileSync } from "node:fs";

/** The version of Reembed: that of the clone or the package which this file belongs to. */
export const version: string = JSON.parse(
  readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
).version;
