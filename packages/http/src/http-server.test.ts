import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { createHttpServer } from "./http-server.ts";

/** A server that answers with the target that it received. `send` writes raw bytes and returns the whole answer. */
async function start(answer = (target: string): string => target) {
  const errors: unknown[] = [];
  const server = createHttpServer(
    ({ url = "" }, response) => response.end(answer(url)),
    (error) => errors.push(error),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const send = async (bytes: string): Promise<string> => {
    const socket = connect(port, "127.0.0.1");
    socket.end(bytes);
    return await text(socket);
  };
  const get = (target: string) => send(`GET ${target} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n`);
  return { errors, get, send, server };
}

test.each([
  ["//", "//"],
  ["//evil.example/x?y", "//evil.example/x?y"],
  ["/%D1%8F?%", "/%D1%8F?%"],
  ["http://there:80/path?query", "/path?query"],
  ["HTTPS://there", "/"],
])("the target %s is the path %s", async (target, path) => {
  const { get } = await start();
  const answer = await get(target);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer.split("\r\n")).toContain(path);
});

test.each(["*", "there:80", "http://[", "http://:99999", "/%", "/%ff", "/a%00", "/?reason=%00"])(
  "the target %s is refused as a bad request",
  async (target) => {
    const { get, errors } = await start();
    expect(await get(target)).toMatch(/^HTTP\/1\.1 400 /);
    expect(errors).toEqual([]);
  },
);

test("an error of a handler is reported and answered with a 500 that does not quote it, and the next request is answered", async () => {
  const { get, errors } = await start((target) => {
    if (target === "/bad") throw new Error("a secret");
    return "good";
  });
  const refused = await get("/bad");
  expect(refused).toMatch(/^HTTP\/1\.1 500 /);
  expect(refused).not.toContain("secret");
  expect(errors).toEqual([new Error("a secret")]);
  expect(await get("/")).toMatch(/good/);
});

test("bytes that are not HTTP are a bad request, and an error of the listening socket is reported", async () => {
  const { send, errors, server } = await start();
  expect(await send("\x16\x03\x01\x02")).toMatch(/^HTTP\/1\.1 400 /);
  server.emit("error", new Error("accept EMFILE"));
  expect(errors).toEqual([new Error("accept EMFILE")]);
});
