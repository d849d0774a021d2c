import { expect, test } from "vitest";
import { runReembed } from "./run-reembed.ts";

test("reembed dashboard refuses an address that others can reach, without a password, with exit code 2", async () => {
  const { code, stdout, stderr } = await runReembed(["dashboard", "--host", "0.0.0.0", "--port", "0"]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("error: The dashboard does not listen on 0.0.0.0 without a password");
  expect(stderr).toContain("Set DASHBOARD_PASSWORD");
});

test.for(["70000", "-1", "http"])("reembed dashboard --port %s is wrong usage", async (port) => {
  const { code, stderr } = await runReembed(["dashboard", `--port=${port}`]);
  expect(code).toBe(2);
  expect(stderr).toContain("It must be a whole number from 0 to 65535.");
});
