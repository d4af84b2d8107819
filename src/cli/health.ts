import { type ConfigSources, loadConfig } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';
import { beingHere, type FoundPulse, judge, type PulseName, pulsesIn } from './pulse.ts';
import { duration } from './table.ts';

/**
 * `dragoman health`: whether the processes of that name, on this machine and this data folder, do their work: there is one,
 * and none of them hangs. `pid`: of this one alone. Returns the exit code.
 */
export function health(
  sources: ConfigSources,
  name: PulseName,
  { pid, json }: { readonly pid?: number | undefined; readonly json?: boolean | undefined },
): number {
  const { dataFolder } = loadConfig(sources);
  const pulses = pulsesIn(dataFolder, name, Date.now());
  const { state, judged } = judge(
    pid === undefined ? pulses : pulses.filter((each) => each.pid === pid),
    name,
    beingHere().host,
  );
  if (json === true) console.log(JSON.stringify({ process: name, state, processes: judged.map(inSeconds) }));
  else if (state === 'none') console.log(`dragoman ${name} does not run ${where(dataFolder, pulses)}`);
  else for (const each of judged) console.log(`dragoman ${name} ${inWords(each)}`);
  return state === 'alive' ? EXIT.ok : EXIT.failed;
}

function where(dataFolder: string, pulses: readonly FoundPulse[]): string {
  const others = new Set(pulses.filter(({ state }) => state === 'alive').map(({ host }) => host));
  others.delete(beingHere().host);
  if (others.size === 0) return `on ${dataFolder}`;
  return `on this machine (${beingHere().host}), on ${dataFolder}: only on ${[...others].join(', ')}`;
}

const inSeconds = ({ ageMs, ...pulse }: FoundPulse) => ({ ...pulse, ageSeconds: Math.round(ageMs / 1_000) });

const inWords = ({ pid, state, ageMs }: FoundPulse): string =>
  `(process ${pid}): ${state === 'late' ? 'hangs, ' : ''}last sign of life ${duration(ageMs)} ago`;
