import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { describeError, DragomanError, hasCode } from '../base/errors.ts';
import { type Account, LATE_ANSWERS, REUPLOAD_OUTCOMES } from './account.ts';
import { contentSchema } from './content.ts';
import { DEMO_GROUP, demoScenario } from './demo-scenario.ts';
import { mediaFault } from './media-fault.ts';
import { scenarioStep } from './scenario.ts';
import type { Simulator } from './simulator.ts';

const MAX_BODY_BYTES = 64 * 1024 * 1024;

const phone = z.string().regex(/^\d{5,15}$/, 'expected digits with the country code');
const name = z.string().min(1);
const addressing = z.enum(['pn', 'lid']).optional();
const bot = z.object({ phone: phone.optional() });
/** Answers with what becomes JSON. */
type Route = (simulator: Simulator, input: unknown) => unknown;

const route =
  <S extends z.ZodType>(schema: S, run: (simulator: Simulator, input: z.infer<S>) => unknown): Route =>
  (simulator, input) => {
    const result = schema.safeParse(input);
    if (!result.success) throw new DragomanError('frame_invalid', z.prettifyError(result.error));
    return run(simulator, result.data);
  };

const troubles = (act: (account: Account) => void): Route =>
  route(bot, (simulator, input) => act(simulator.account(input.phone)));

/**
 * The control endpoints. A GET takes its input from the query, a POST from a JSON body; the answer is JSON.
 * Wherever `phone` names a bot's account, leaving it out means the first one.
 */
const routes: Record<string, Route> = {
  /** Where a gateway connects to: see endpoint.ts. */
  'GET /endpoint.json': route(z.object({}), ({ endpoint }) => endpoint),
  /** What happened since `after`, a `seq`: see event-log.ts. */
  'GET /events.json': route(z.object({ after: z.coerce.number().default(0) }), ({ events }, { after }) =>
    events.since(after),
  ),
  'GET /media-requests.json': route(z.object({}), ({ media }) => media.requests),

  /** Pairs the bot that shows this QR code; `phone` left out: with the first account that has no bot. */
  'POST /scan': route(z.object({ qr: z.string(), phone: phone.optional() }), async (simulator, input) => ({
    phone: await simulator.scan(input.qr, input.phone),
  })),
  /** Types the pairing code of a bot into the phone that it asked. */
  'POST /pairing-code': route(z.object({ phone, code: z.string() }), (simulator, input) =>
    simulator.typePairingCode(input.phone, input.code),
  ),

  'POST /people': route(z.object({ name, phone: phone.optional(), addressing }), (simulator, input) => {
    const { identity } = simulator.person(input.name, input);
    return identity;
  }),
  'POST /groups': route(
    z.object({ name, members: z.array(name), bots: z.array(phone).optional(), addressing }),
    (simulator, input) => ({ jid: simulator.group(input.name, input.members, input).jid }),
  ),
  /** `{from, text}`, `{from, in: group, image: bytes or base64, caption, fault}`, …: see content.ts. */
  'POST /send': route(
    z.intersection(
      z.object({
        from: name,
        in: name.optional(),
        bot: phone.optional(),
        id: name.optional(),
        writtenAt: z.number().optional(),
        garbled: z.boolean().optional(),
        nonsense: z.boolean().optional(),
        addressing,
        tellsOtherName: z.boolean().optional(),
      }),
      contentSchema,
    ),
    (simulator, input) => simulator.say(input.from, input, input),
  ),
  /** Plays a script: see scenario.ts. */
  'POST /play': route(z.object({ steps: z.array(scenarioStep) }), (simulator, { steps }) =>
    simulator.play(steps),
  ),
  'POST /demo': route(bot, (simulator, input) => {
    simulator.group(DEMO_GROUP.name, DEMO_GROUP.members, {
      bots: [simulator.account(input.phone).identity.phone],
    });
    return simulator.play(demoScenario);
  }),

  'POST /drop': troubles((account) => account.drop()),
  'POST /freeze': troubles((account) => account.freeze()),
  'POST /replace': troubles((account) => account.replace()),
  'POST /log-out': troubles((account) => account.logOut()),
  /** Answers the texts of bots that went `unanswered`. */
  'POST /answer-late': route(bot.extend({ by: z.enum(LATE_ANSWERS) }), (simulator, input) =>
    simulator.account(input.phone).answerLate(input.by),
  ),
  'POST /end-stream': route(bot.extend({ code: z.number().int() }), (simulator, input) =>
    simulator.account(input.phone).endStream(input.code),
  ),
  /** `{"with": "reset"}`, an HTTP status, or null to let bots connect again. */
  'POST /refuse': route(
    z.object({ with: z.union([z.literal('reset'), z.number().int().min(400).max(599), z.null()]) }),
    (simulator, input) => {
      simulator.refusal = input.with;
    },
  ),
  /** The switches of an account: see account.ts. */
  'POST /account': route(
    bot.extend({
      phoneOnline: z.boolean().optional(),
      reuploadOutcome: z.enum(REUPLOAD_OUTCOMES).optional(),
      reuploadDelayMs: z.number().nonnegative().optional(),
      receiptDelayMs: z.number().nonnegative().optional(),
      outgoingFault: z
        .union([z.literal(['lost', 'unanswered']), z.number().int().positive()])
        .nullable()
        .optional(),
      loginFailure: z.number().int().nullable().optional(),
    }),
    (simulator, { phone: number, ...switches }) => {
      Object.assign(simulator.account(number), switches);
    },
  ),
  /** Changes how a medium is served from now on; null: as it is. */
  'POST /media-fault': route(
    z.object({ path: z.string(), fault: mediaFault.nullable() }),
    ({ media }, input) => media.setFault(input.path, input.fault),
  ),
};

/** Answers a request to the control endpoints. */
export async function answerControlRequest(
  simulator: Simulator,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const found = routes[`${request.method} ${url.pathname}`];
    if (!found) throw new DragomanError('not_found', `expected a control endpoint, got ${url.pathname}`);
    // A browser says which page a request comes from: no page is to drive the simulator.
    if (request.headers.origin) throw new DragomanError('frame_invalid', 'expected a request of no web page');
    const input = request.method === 'GET' ? Object.fromEntries(url.searchParams) : await readJson(request);
    const result = await found(simulator, input);
    reply(response, 200, result ?? {});
  } catch (error) {
    reply(response, statusOf(error), { error: describeError(error) });
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES)
      throw new DragomanError('frame_invalid', `expected at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (length === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw new DragomanError('frame_invalid', 'expected JSON', { cause: error });
  }
}

function statusOf(error: unknown): number {
  if (hasCode(error, 'not_found')) return 404;
  if (hasCode(error, 'already_in_use')) return 409;
  if (hasCode(error, 'deadline_exceeded')) return 504;
  return error instanceof DragomanError ? 400 : 500;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
