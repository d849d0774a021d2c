import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { belowBasePath } from "./base-path.ts";
import { createHttpServer } from "./http-server.ts";

test.each([
  ["/a/b/", 200, "/"],
  ["/a/b/login?next=%2Fa%2Fb", 200, "/login?next=%2Fa%2Fb"],
  // From a proxy that removes the path.
  ["/login", 200, "/login"],
  ["/", 200, "/"],
  ["/a/bc", 200, "/a/bc"],
  ["/a/b//elsewhere/", 200, "//elsewhere/"],
  ["/a/b", 308, "/a/b/"],
  ["/a/b?q=1", 308, "/a/b/?q=1"],
])("below /a/b, %s is answered with %d and %s", async (path, status, expected) => {
  const server = createHttpServer(
    belowBasePath("/a/b", (request, response) => response.end(request.url)),
    () => {},
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    redirect: "manual",
    headers: { connection: "close" },
  });
  const told = status === 200 ? await response.text() : response.headers.get("location");
  expect([response.status, told]).toEqual([status, expected]);
});
