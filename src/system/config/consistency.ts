import type { z } from 'zod';
import { isLoopback } from '../../base/loopback.ts';
import { type PoolConfig, poolProblems } from '../../jobs/pools.ts';
import { ACTOR_NAMES } from './bot-settings.ts';
import { LOCAL_GATEWAY } from './atoms.ts';

/** As much of a configuration as its parts must agree on. */
interface Agreeing {
  readonly pools: readonly PoolConfig[];
  readonly processedBy: 'backend' | 'workers';
  readonly store?: string | undefined;
  readonly http: { readonly enabled: boolean; readonly host: string; readonly token?: string | undefined };
  readonly bots: readonly { readonly id: string; readonly gateway: string }[];
  readonly gateways: readonly { readonly id: string; readonly token: string }[];
}

interface Check {
  /** What it looks at. The first is the one to blame. */
  readonly sections: readonly [keyof Agreeing, ...(keyof Agreeing)[]];
  readonly problems: (settings: Agreeing) => readonly string[];
}

const CHECKS: readonly Check[] = [
  { sections: ['pools'], problems: ({ pools }) => poolProblems(pools) },
  {
    sections: ['processedBy', 'store'],
    problems: ({ processedBy, store }) =>
      processedBy === 'backend' || store?.startsWith('mongodb') === true
        ? []
        : ["workers need store: mongodb://…; on SQLite the workers are the backend's children"],
  },
  {
    sections: ['http'],
    problems: ({ http }) =>
      !http.enabled || http.token !== undefined || isLoopback(http.host)
        ? []
        : [
            'expected http.token: without one only this machine may call, so http.host must be 127.0.0.1, ::1 or localhost',
          ],
  },
  {
    sections: ['bots'],
    problems: ({ bots }) => [
      ...repeated(bots.map(({ id }) => id)).map((id) => `bot ${id} is there twice`),
      ...bots
        .filter(({ id }) => ACTOR_NAMES.has(id))
        .map(({ id }) => `expected another id than ${id}, which Dragoman uses itself`),
    ],
  },
  {
    sections: ['gateways'],
    problems: ({ gateways }) => [
      ...repeated([LOCAL_GATEWAY, ...gateways.map(({ id }) => id)]).map((id) =>
        id === LOCAL_GATEWAY ? `${id} is this process's own` : `gateway ${id} is there twice`,
      ),
      ...(repeated(gateways.map(({ token }) => token)).length > 0
        ? ['two gateways have the same token']
        : []),
    ],
  },
  {
    sections: ['bots', 'gateways'],
    problems({ bots, gateways }) {
      const known = new Set([LOCAL_GATEWAY, ...gateways.map(({ id }) => id)]);
      return bots
        .filter(({ gateway }) => !known.has(gateway))
        .map(({ id, gateway }) => `bot ${id} names the unknown gateway ${gateway}`);
    },
  },
];

/** Refuses a configuration whose settings are sound one by one and wrong together. */
export const consistent = <Schema extends z.ZodType<Agreeing>>(schema: Schema): Schema =>
  CHECKS.reduce(
    (checked, { sections, problems }) =>
      checked.superRefine((settings, context) => {
        const [blamed] = sections;
        for (const message of problems(settings)) {
          context.addIssue({ code: 'custom', path: [blamed], message });
        }
      }, whenSound(sections)),
    schema,
  );

/** What several settings get wrong together is told beside what is wrong elsewhere, not only once that is right. */
function whenSound(sections: readonly string[]): z.core.$ZodSuperRefineParams {
  return {
    when: ({ value, issues }) =>
      typeof value === 'object' &&
      value !== null &&
      !issues.some(({ code, path }) => code !== 'custom' && sections.includes(String(path?.[0]))),
  };
}

/** Those that are there more than once. */
const repeated = (names: readonly string[]): readonly string[] => [
  ...new Set(names.filter((name, index) => names.indexOf(name) !== index)),
];
