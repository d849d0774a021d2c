export { examine } from "./examine.ts";
export type { Finding, Verdict } from "./finding.ts";
