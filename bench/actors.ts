/** The actors' kit: what a message costs beside comedy alone and beside a promise chain, and what an actor weighs. */
import { createSystem } from 'comedy';
import type { ActorDefinition } from '../src/actors/kit/actor.ts';
import { ActorSystem } from '../src/actors/kit/system.ts';
import { systemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/log.ts';
import { run as weighCorrespondents } from './correspondents.ts';
import { heapAfterCollection } from './heap.ts';
import { measure, printTable, row } from './measure.ts';

const ONE_BY_ONE = 50_000;
const IN_FLIGHT = 100;
const ROUNDS_IN_FLIGHT = 2_000;
const PARENTS = 100;
const CHILDREN = 1_000;

interface Counter {
  add(amount: number): number;
}

const counter: ActorDefinition<Counter, undefined> = {
  kind: 'counter',
  create() {
    let count = 0;
    return { handlers: { add: (amount) => (count += amount) } };
  },
};

/** The least that runs one handler at a time: a chain of promises. */
function promiseChain(): (amount: number) => Promise<number> {
  let count = 0;
  let last: Promise<unknown> = Promise.resolve();
  return (amount) => {
    const next = last.then(() => (count += amount));
    last = next;
    return next;
  };
}

const startSystem = () =>
  ActorSystem.start({
    clock: systemClock(),
    log: silentLogger,
    onEscalation: (error) => {
      throw error;
    },
  });

async function oneByOne(ask: (amount: number) => PromiseLike<unknown>): Promise<void> {
  for (let sent = 0; sent < ONE_BY_ONE; sent += 1) await ask(1);
}

async function inFlight(ask: (amount: number) => PromiseLike<unknown>): Promise<void> {
  for (let round = 0; round < ROUNDS_IN_FLIGHT; round += 1) {
    await Promise.all(Array.from({ length: IN_FLIGHT }, () => ask(1)));
  }
}

async function measureMessages(): Promise<void> {
  const system = await startSystem();
  const ref = await system.spawn(counter, 'counter', undefined);
  const comedy = createSystem({ config: {}, logger: silentLogger });
  let count = 0;
  const root = await comedy.rootActor();
  const actor = await root.createChild({ add: (amount: number) => (count += amount) }, { name: 'counter' });
  const subjects = [
    { name: 'promise chain', ask: promiseChain() },
    { name: 'comedy alone', ask: (amount: number) => actor.sendAndReceive('add', amount) },
    { name: 'kit', ask: (amount: number) => ref.ask('add', amount) },
  ];
  const rowsOf = (
    operations: number,
    play: (ask: (amount: number) => PromiseLike<unknown>) => Promise<void>,
  ) => subjects.map(({ name, ask }) => row({ name, operations, prepare: () => ask, run: play }));

  console.log('asks one by one');
  printTable(await measure(rowsOf(ONE_BY_ONE, oneByOne)), 'comedy alone');
  console.log(`\nasks, ${IN_FLIGHT} in flight`);
  printTable(await measure(rowsOf(ROUNDS_IN_FLIGHT * IN_FLIGHT, inFlight)), 'comedy alone');
  await system.stop();
  await comedy.destroy();
}

interface Nursery {
  fill(children: number): Promise<void>;
}

const nursery: ActorDefinition<Nursery, undefined> = {
  kind: 'nursery',
  create: (context) => ({
    handlers: {
      fill: async (children) => {
        for (let place = 0; place < children; place += 1) {
          await context.spawn(counter, `${place}`, undefined);
        }
      },
    },
  }),
};

async function timed(what: string, work: () => unknown): Promise<void> {
  const startedAt = performance.now();
  await work();
  console.log(`${what}: ${Math.round(performance.now() - startedAt)} ms`);
}

async function measureActors(): Promise<void> {
  const actors = PARENTS * CHILDREN;
  const before = heapAfterCollection();
  const system = await startSystem();
  console.log(`\n${actors.toLocaleString('en')} idle actors under ${PARENTS} parents`);
  await timed('spawn all', async () => {
    for (let place = 0; place < PARENTS; place += 1) {
      const parent = await system.spawn(nursery, `${place}`, undefined);
      await parent.ask('fill', CHILDREN);
    }
  });
  console.log(`heap per actor: ${Math.round((heapAfterCollection() - before) / actors)} bytes`);
  await timed('inspect all', () => system.inspect());
  await timed('stop all', () => system.stop());
}

export async function run(): Promise<void> {
  await measureMessages();
  await measureActors();
  console.log();
  await weighCorrespondents();
}
