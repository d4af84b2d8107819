import type { AnswerFrame, QuestionFrame, WithoutVersion } from '../protocol/frames.ts';
import type { DeadLetter } from './dead-letters.ts';
import type { Journal } from './journal.ts';

type Answer = WithoutVersion<AnswerFrame>;

/** What a gateway answers from its journal. */
export function answerTo(question: QuestionFrame, journal: Journal): Answer {
  const { request_id } = question;
  switch (question.type) {
    case 'media.holds':
      return {
        type: 'media.held',
        guids: [...journal.media.held(question.guids)],
        unacked: journal.frames.backlog().frames,
        request_id,
      };
    case 'letters.list': {
      const { after = 0, limit } = question;
      // One more than is asked for tells whether there is another page.
      const found = journal.deadLetters.list({ after, limit: limit + 1 });
      const letters = found.slice(0, limit);
      const next = found.length > limit ? letters.at(-1)?.seq : undefined;
      return {
        type: 'letters.listed',
        request_id: question.request_id,
        letters: letters.map(onTheWire),
        next,
      };
    }
    case 'letters.retry': {
      const retry = journal.deadLetters.retry(question.letter_seq);
      return {
        type: 'letters.retried',
        request_id: question.request_id,
        outcome: retry.kind,
        ...(retry.kind === 'retried' && { waits_as: retry.seq }),
        ...(retry.kind === 'hopeless' && { reason: retry.reason }),
      };
    }
  }
}

const onTheWire = ({ botId: bot_id, diedAt: died_at, ...letter }: DeadLetter) => ({
  ...letter,
  bot_id,
  died_at,
});
