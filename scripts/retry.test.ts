import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const library = join(import.meta.dirname, "retry.sh");

/** Retries a command that fails this often, without the pauses. */
function retryOf(failures: number) {
  const script = `set -euo pipefail
    . "$1"
    sleep() { :; }
    tries=0
    fetch() { tries=$((tries + 1)); [ "$tries" -gt "$2" ]; }
    retry fetch packages "$2" || { echo "gave up after $tries"; exit 7; }
    echo "fetched by $tries"`;
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script, "bash", library, `${failures}`], {
    encoding: "utf8",
  });
  return { status, stdout, told: stderr.trimEnd().split("\n").filter(Boolean) };
}

test.each([
  [0, 0, "fetched by 1"],
  [2, 0, "fetched by 3"],
  [3, 0, "fetched by 4"],
  [4, 7, "gave up after 4"],
])("what fails %i times ends with %i: %s", (failures, status, said) => {
  const told = Array.from({ length: Math.min(failures, 3) }, (_, attempt) => {
    return `"fetch packages ${failures}" failed; it is tried again in ${10 * (attempt + 1)} s.`;
  });
  expect(retryOf(failures)).toEqual({ status, stdout: `${said}\n`, told });
});
