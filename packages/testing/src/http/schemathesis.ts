import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const folder = process.env.SCHEMATHESIS ?? "";

/** Why Schemathesis cannot be run; undefined if it can. */
export const schemathesisUnavailable =
  folder === ""
    ? "python3 -m venv FOLDER, FOLDER/bin/pip install schemathesis, and set SCHEMATHESIS=FOLDER"
    : undefined;

/**
 * Has Schemathesis read a server's /openapi.json and send what it makes of it. What a schema allows may be refused, such as a
 * profile that does not exist.
 * @param options.token Sent as `Authorization: Bearer …`.
 * @param options.without Checks of Schemathesis that are left out.
 * @throws Error with its report if an answer is not as described.
 */
export async function runSchemathesis(
  origin: string,
  { token, without = [] }: { token?: string; without?: readonly string[] } = {},
): Promise<void> {
  const checks = ["--checks", "all", "--exclude-checks", ["positive_data_acceptance", ...without].join()];
  const bounds = ["--phases", "examples,coverage,fuzzing", "--max-examples", "50", "--seed", "1", "--no-color"];
  // Its check of requests without a key takes off only a header of this very name.
  const headers = token === undefined ? [] : ["--header", `Authorization: Bearer ${token}`];
  const program = join(folder, "bin/schemathesis");
  try {
    // It keeps what it has found in the folder that it runs in.
    await promisify(execFile)(program, ["run", `${origin}/openapi.json`, ...checks, ...bounds, ...headers], {
      cwd: folder,
    });
  } catch (error) {
    throw new Error(`Schemathesis: ${(error as { stdout?: string }).stdout ?? ""}`, { cause: error });
  }
}
