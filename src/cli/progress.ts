import cliProgress from 'cli-progress';

export interface ProgressBar {
  step(): void;
  end(): void;
}

/** Shows how far long work is, on standard error; nothing where no person watches, or programs read. */
export function progressBar(title: string, total: number, quiet: boolean): ProgressBar {
  const bar = new cliProgress.SingleBar(
    { format: `${title} {bar} {value}/{total}, {eta_formatted} left`, hideCursor: true, noTTYOutput: false },
    cliProgress.Presets.shades_classic,
  );
  const isShown = !quiet && total > 1 && process.stderr.isTTY;
  if (isShown) bar.start(total, 0);
  return {
    step: () => {
      if (isShown) bar.increment();
    },
    end: () => {
      if (isShown) bar.stop();
    },
  };
}
