import { type ConfigSources, loadConfig } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';
import { type PulseName, pulseState } from './pulse.ts';

/** `dragoman health`: whether the process of that name, on this data folder, does its work. Returns the exit code. */
export function health(sources: ConfigSources, name: PulseName, asJson: boolean): number {
  const { dataFolder } = loadConfig(sources);
  const state = pulseState(dataFolder, name, Date.now());
  const age = state.kind === 'none' ? null : Math.round(state.ageMs / 1_000);
  if (asJson) console.log(JSON.stringify({ process: name, state: state.kind, ageSeconds: age }));
  else if (age === null) console.log(`dragoman ${name} does not run on ${dataFolder}`);
  else console.log(`dragoman ${name}: last sign of life ${age} s ago`);
  return state.kind === 'alive' ? EXIT.ok : EXIT.failed;
}
