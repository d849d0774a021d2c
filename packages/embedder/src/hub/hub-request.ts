import { type Model, messageOf, ReembedError } from "@reembed/core";

/** The repository that a model is pulled from. */
export interface ModelSource {
  model: Model;
  /** `endpoint` without a slash at its end. */
  hub: { endpoint: string; token: string | undefined };
  signal: AbortSignal | undefined;
}

/** A failure that may pass: the network's, or the hub's own. */
export class TransientHubError extends ReembedError {}

/**
 * Asks the hub for one address, following redirects.
 * @returns A response of 2xx, or of 416 to a request for a range.
 * @throws ReembedError `model_forbidden`, `model_unknown` or `hub_failed`; TransientHubError `hub_unreachable` or
 * `hub_failed`.
 */
export async function requestHub(
  source: ModelSource,
  url: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const { hub, signal } = source;
  // A mirror's listing may continue on another host, which has no business with the token. On redirects fetch drops it.
  const trusted = hub.token !== undefined && new URL(url).origin === new URL(hub.endpoint).origin;
  const authorization = trusted ? { authorization: `Bearer ${hub.token}` } : {};
  const init = { headers: { ...headers, ...authorization }, signal: signal ?? null };
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw unreachable(source, cause);
  });
  if (response.ok || response.status === 416) return response;
  await response.body?.cancel();
  throw refusal(source, url, response.status);
}

export function unreachable({ hub, model }: ModelSource, cause: unknown): TransientHubError {
  // "fetch failed" says nothing; what failed is its cause.
  const reason = messageOf(cause instanceof Error && cause.cause !== undefined ? cause.cause : cause);
  return new TransientHubError("hub_unreachable", `No usable answer came from ${hub.endpoint}: ${reason}`, {
    cause,
    remedy:
      "Set HF_ENDPOINT to a mirror of the hub, or HTTPS_PROXY and NODE_USE_ENV_PROXY=1 behind a proxy, or copy the " +
      `files by hand: config.json, tokenizer.json, and onnx/model.onnx or model.safetensors, of ${model.id} into ` +
      `MODELS_DIR/${model.id}/.`,
  });
}

function refusal({ hub, model }: ModelSource, url: string, status: number): ReembedError {
  const { pathname } = new URL(url);
  const terms = `A gated model's terms are accepted at ${hub.endpoint}/${model.id}.`;
  if (status === 401 || status === 403) {
    return new ReembedError("model_forbidden", `${hub.endpoint} refused access to ${model.id} (${status}).`, {
      remedy:
        hub.token === undefined
          ? // The hub answers 401, not 404, when a stranger asks for a repository that does not exist.
            `Set HF_TOKEN to a token that may read it, if the repository exists. ${terms}`
          : `HF_TOKEN is set, but is not valid or may not read it. ${terms}`,
    });
  }
  if (status === 404) {
    const message = `${hub.endpoint} has no ${model.id} at revision ${model.revision} (404 for ${pathname}).`;
    return new ReembedError("model_unknown", message, { remedy: "If HF_ENDPOINT is a mirror, it may lack it." });
  }
  const message = `${hub.endpoint} answered ${status} for ${pathname}.`;
  const mayPass = status >= 500 || status === 429 || status === 408;
  if (!mayPass) return new ReembedError("hub_failed", message, { remedy: "Check HF_ENDPOINT." });
  return new TransientHubError("hub_failed", message, { remedy: "Pull again later; what was fetched is kept." });
}
