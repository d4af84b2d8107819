/**
 * The peer's side of a measurement: on each request of the parent lets `lives` jobs live. `inFlight` of them are added at
 * a time; in a `flow` each of these adds the next as soon as its job is durable, otherwise once its job has ended.
 * `begin`: adds a job; `added` resolves when it is durable, `ended` when it has been carried out and is durably gone.
 */
export function serveLives(begin) {
  const serve = async ({ lives, inFlight, isFlow }) => {
    let begun = 0;
    const endings = [];
    const lane = async () => {
      while (begun < lives) {
        begun += 1;
        const { added, ended } = begin(jobData(begun));
        endings.push(ended);
        await (isFlow ? added : ended);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
    await Promise.all(endings);
    process.send('done');
  };
  process.on('message', (request) => void serve(request));
  process.on('disconnect', () => process.exit());
  process.send('ready');
}

/** Tells of each job's end, by its guid. */
export class Endings {
  #waiting = new Map();

  of(guid) {
    return new Promise((resolve) => this.#waiting.set(guid, resolve));
  }

  tell(guid) {
    this.#waiting.get(guid)?.();
    this.#waiting.delete(guid);
  }
}

/** What a medium's job holds at least, 275 bytes. */
const jobData = (n) => ({
  bot: `bot-${n % 8}`,
  chat: `5511999${String(n).padStart(6, '0')}@s.whatsapp.net`,
  guid: crypto.randomUUID(),
  mime: 'image/jpeg',
  bytes: 123_456,
  sha256: '0123456789abcdef'.repeat(4),
});
