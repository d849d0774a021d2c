import type { Check } from "./context.ts";
import { type Finding, ok, problem } from "./finding.ts";

const leastNode = 24;

export const checkNode: Check = () => [judgeNode(process.versions.node)];

export function judgeNode(version: string): Finding {
  if (Number.parseInt(version, 10) >= leastNode) return ok("Node", version);
  return problem(
    "Node",
    `${version}; ${leastNode} or newer is needed`,
    `Install Node ${leastNode}, or run \`npm ci\`.`,
  );
}
