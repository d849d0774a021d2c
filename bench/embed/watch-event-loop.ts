import { monitorEventLoopDelay } from "node:perf_hooks";

export interface EventLoopDelay {
  /** Longest time between two turns, including the effect of other processes. */
  maxMs: number;
  /** Most CPU time of this thread between two turns: the delay that it caused itself. */
  maxOwnMs: number;
}

/** Watches this process's event loop until disposal. */
export function watchEventLoop(): Disposable & { read(): EventLoopDelay } {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let before = threadCpuMs();
  let maxOwnMs = 0;
  const timer = setInterval(() => {
    const now = threadCpuMs();
    maxOwnMs = Math.max(maxOwnMs, now - before);
    before = now;
  }, 1);
  return {
    read: () => ({ maxMs: delay.max / 1e6, maxOwnMs }),
    [Symbol.dispose]() {
      clearInterval(timer);
      delay.disable();
    },
  };
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
