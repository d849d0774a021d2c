import { ReembedError } from "@reembed/core";

interface Server {
  endpoint: string;
  apiKey?: string | undefined;
  servedModel?: string | undefined;
  variables: string;
  model: { id: string };
}

const answerMs = 5_000;
const shown = 10;

/**
 * The error to throw for a refusal. If the server lists its models (`GET {endpoint}/models`) and the requested one is not
 * among them, the error names them; otherwise it is the refusal itself.
 */
export async function withListedModels(refusal: ReembedError, server: Server): Promise<ReembedError> {
  const { endpoint, variables, servedModel = server.model.id } = server;
  const names = await listModels(server).catch((): string[] => []);
  if (names.length === 0 || names.includes(servedModel)) return refusal;
  const others = names.length > shown ? ` and ${names.length - shown} others` : "";
  const known = `${names.slice(0, shown).join(", ")}${others}`;
  return new ReembedError(
    "embedding_server_refuses",
    `The embedding server at ${new URL(endpoint).origin} does not have ${servedModel}. It has ${known}.`,
    {
      exitCode: 2,
      cause: refusal,
      remedy: `Set ${variables}_ENDPOINT_MODEL to the server's name for the model.`,
    },
  );
}

async function listModels({ endpoint, apiKey }: Server): Promise<string[]> {
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/models`;
  const response = await fetch(url, {
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    signal: AbortSignal.timeout(answerMs),
  });
  const { data } = (await response.json()) as { data?: unknown };
  const entries: unknown[] = Array.isArray(data) ? data : [];
  const ids = entries.map((entry) => (entry as { id?: unknown } | null)?.id);
  // These names go into messages and logs, so only short printable ones are accepted.
  return ids.filter((id): id is string => typeof id === "string" && /^[!-~]{1,100}$/.test(id));
}
