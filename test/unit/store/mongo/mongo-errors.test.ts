import { Writable } from 'node:stream';
import {
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoServerError,
  MongoTopologyClosedError,
} from 'mongodb';
import { describe, expect, test } from 'vitest';
import { describeError, DragomanError } from '../../../../src/base/errors.ts';
import {
  isTransient,
  isUnknownCommit,
  openingFailure,
  storeFailure,
} from '../../../../src/store/mongo/mongo-errors.ts';
import { createLogger } from '../../../../src/system/logger.ts';

const serverError = (code: number, ...errorLabels: readonly string[]): MongoServerError =>
  new MongoServerError({ message: `code ${code}`, code, errorLabels: [...errorLabels] });

const socketError = Object.assign(new Error('write ECONNRESET'), { code: 'ECONNRESET', syscall: 'write' });

const codeOf = (error: unknown): unknown => (error instanceof DragomanError ? error.code : error);

describe('what callers are told', () => {
  test.for([
    ['a broken connection', new MongoNetworkError('connection 7 closed')],
    ['a socket error that the driver passes on', socketError],
    ['a closed client', new MongoTopologyClosedError('Topology is closed')],
    ['a server that stepped down', serverError(10_107, 'RetryableWriteError')],
    ['a full disk', serverError(14_031)],
    ['a call that took too long', new DragomanError('deadline_exceeded', 'expected an end')],
  ] as const)('%s makes the store unavailable, with its cause', ([, cause]) => {
    const failure = storeFailure(cause);
    expect(codeOf(failure)).toBe('store_unavailable');
    expect(failure instanceof Error && failure.cause).toBe(cause);
  });

  test('a key that is there already although it was looked for breaks an invariant', () => {
    expect(codeOf(storeFailure(serverError(11_000)))).toBe('invariant_broken');
  });

  test('which key that is, and not whose', () => {
    const number = '491555@s.whatsapp.net';
    const refused = new MongoServerError({
      message: `Plan executor error :: caused by :: E11000 duplicate key error collection: dragoman.queues index: chat_id_1 dup key: { correspondent_id: "${number}", id: 7 }`,
      code: 11_000,
      keyValue: { correspondent_id: number, id: 7 },
    });
    const lines: string[] = [];
    const destination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    });
    const error = storeFailure(refused);
    createLogger({ level: 'info', pretty: false, destination }).error({ err: error }, describeError(error));
    expect(lines.join()).toContain('collection: dragoman.queues index: chat_id_1');
    expect(lines.join()).not.toContain(number);
  });

  test('a bug stays what it is', () => {
    const bugs = [
      new TypeError('x'),
      serverError(2),
      serverError(10_334),
      new MongoInvalidArgumentError('x'),
    ];
    for (const bug of bugs) expect(storeFailure(bug)).toBe(bug);
  });

  test('an error of the store itself passes', () => {
    const fenced = new DragomanError('fenced', 'x');
    expect(storeFailure(fenced)).toBe(fenced);
  });

  test('a user whom the server refuses is told to look at the configuration', () => {
    for (const code of [13, 18])
      expect(codeOf(openingFailure('MongoDB', serverError(code)))).toBe('config_invalid');
  });
});

describe('what is tried again', () => {
  test.for([
    ['a conflict with another transaction', serverError(112, 'TransientTransactionError'), true, false],
    ['a commit that may have happened', serverError(64, 'UnknownTransactionCommitResult'), false, true],
    ['a broken connection that the driver has not labelled', new MongoNetworkError('closed'), true, true],
    ['a socket error that the driver passes on', socketError, true, true],
    ['a statement that is wrong', serverError(2), false, false],
    ['a failure of the driver itself', new TypeError('x'), false, true],
  ] as const)('%s', ([, error, isStatementRunAgain, isCommitRepeated]) => {
    expect([isTransient(error), isUnknownCommit(error)]).toEqual([isStatementRunAgain, isCommitRepeated]);
  });
});
