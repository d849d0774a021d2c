/** Progress: the share of the present phase, if known, and the seconds since the phase began. */
export interface Progress {
  phase: string;
  share: number | null;
  seconds: number | null;
}

export interface ProgressLine extends Disposable {
  /** Writes a separate line. */
  step(text: string): void;
  show(progress: Progress): void;
}
