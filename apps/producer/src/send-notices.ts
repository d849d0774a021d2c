import { messageOf } from "@reembed/core";
import { type Attempt, deliverNotice, noticeConditions, type Webhook } from "@reembed/migration/notices";
import { type Logger, repeatEvery } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";

export interface NoticeOptions {
  database: Database;
  webhook: Webhook;
  maxQuarantinedShare: number;
  /** How often conditions are compared with what was noticed, and how often due notices are looked for. */
  watchEveryMs: number;
  sendEveryMs: number;
  log: Logger;
}

/**
 * Notices what a person must know, and sends it, beside the ticks: a receiver that hangs, and a tick that fails, keep nobody
 * from anything else. Any number of producers may do it.
 */
export function sendNotices(options: NoticeOptions): AsyncDisposable {
  const { database, webhook, maxQuarantinedShare, log } = options;
  const stopping = new AbortController();
  const watch = async () => {
    const written = await noticeConditions(database, { maxQuarantinedShare, url: webhook.url });
    if (written > 0) log.debug({ written }, "notices written");
  };
  const send = async () => {
    while (!stopping.signal.aborted) {
      const attempt = await deliverNotice(database, webhook, stopping.signal);
      if (attempt === undefined) return;
      logAttempt(log, attempt);
    }
  };
  const onError = (what: string) => (error: unknown) => {
    if (!stopping.signal.aborted) log.warn({ error: messageOf(error) }, what);
  };
  const watching = repeatEvery(options.watchEveryMs, watch, onError("conditions for the webhook cannot be read"));
  const sending = repeatEvery(options.sendEveryMs, send, onError("the webhook's notices wait"));
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await sending[Symbol.asyncDispose]();
      await watching[Symbol.asyncDispose]();
    },
  };
}

function logAttempt(log: Logger, { notice: { id, kind, attempts }, error, givenUp }: Attempt): void {
  if (error === undefined) log.info({ id, kind, attempts }, "webhook delivered");
  else log.warn({ id, kind, attempts, error }, givenUp ? "webhook given up" : "webhook failed; it is tried again");
}
