import { formatDuration, formatShare } from "@reembed/core";
import type { Progress, ProgressLine } from "@reembed/migration/index";

const lineEveryMs = 10_000;

/** Writes a build's progress to stderr: in place on a terminal, otherwise a line every ten seconds and for each phase. */
export function progressLine(): ProgressLine {
  const { stderr } = process;
  let shown = { phase: "", at: Number.NEGATIVE_INFINITY };
  let open = false;
  const close = () => {
    if (open) stderr.write("\n");
    open = false;
  };
  return {
    step(text) {
      close();
      stderr.write(`${text}\n`);
    },
    show(progress) {
      const text = describeProgress(progress);
      if (stderr.isTTY) {
        stderr.write(`\r\x1b[K${text}`);
        open = true;
      } else if (progress.phase !== shown.phase || performance.now() - shown.at >= lineEveryMs) {
        stderr.write(`${text}\n`);
        shown = { phase: progress.phase, at: performance.now() };
      }
    },
    [Symbol.dispose]: close,
  };
}

/** `building index: loading tuples, 42.0 %, about 3 min left`. */
export function describeProgress(progress: Progress): string {
  const { phase, share } = progress;
  const left = secondsLeft(progress);
  return [
    phase,
    ...(share === null ? [] : [formatShare(share)]),
    ...(left === null ? [] : [`about ${formatDuration(left)} left`]),
  ].join(", ");
}

/** Seconds until the present phase ends, which takes most of the time; null if unknown. */
export function secondsLeft({ share, seconds }: Progress): number | null {
  return share === null || share <= 0 || seconds === null ? null : Math.round((seconds * (1 - share)) / share);
}
