/**
 * The peer's side of a measurement: on each request of the parent lets `lives` jobs live, `inFlight` at a time.
 * `live`: adds one job and resolves when it has been carried out and is durably gone.
 */
export function serveLives(live) {
  const serve = async ({ lives, inFlight }) => {
    let begun = 0;
    const lane = async () => {
      while (begun < lives) {
        begun += 1;
        await live(jobData(begun));
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
    process.send('done');
  };
  process.on('message', (request) => void serve(request));
  process.on('disconnect', () => process.exit());
  process.send('ready');
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
