const SERIAL = 1;
const CHECKSUM_OFFSET = 22;
const FIRST_PAGE = 0x02;
const LAST_PAGE = 0x04;
/** One 20 ms frame of silence at 48 kHz. */
const SILENT_FRAME = Buffer.from([0xf8, 0xff, 0xfe]);
const SAMPLES_PER_FRAME = 960;

/** The shortest voice note: 20 ms of silence, as RFC 3533 (Ogg) and RFC 7845 (Opus in Ogg) want it. */
export function oggOpusSilence(): Buffer {
  const vendor = Buffer.from('dragoman');
  const tags = Buffer.concat([Buffer.from('OpusTags'), uint32(vendor.length), vendor, uint32(0)]);
  return Buffer.concat([
    page(0, FIRST_PAGE, 0, identificationHeader()),
    page(1, 0, 0, tags),
    page(2, LAST_PAGE, SAMPLES_PER_FRAME, SILENT_FRAME),
  ]);
}

/** Version 1, one channel, no pre-skip, 48 kHz, no gain, mapping family 0. */
function identificationHeader(): Buffer {
  return Buffer.concat([Buffer.from('OpusHead'), Buffer.from([1, 1, 0, 0]), uint32(48_000), Buffer.alloc(3)]);
}

/** A page with one packet of less than 255 bytes. */
function page(sequence: number, flags: number, granule: number, packet: Buffer): Buffer {
  const position = Buffer.alloc(8);
  position.writeBigUInt64LE(BigInt(granule));
  const bytes = Buffer.concat([
    Buffer.from('OggS'),
    Buffer.from([0, flags]),
    position,
    uint32(SERIAL),
    uint32(sequence),
    uint32(0),
    Buffer.from([1, packet.length]),
    packet,
  ]);
  bytes.writeUInt32LE(checksum(bytes), CHECKSUM_OFFSET);
  return bytes;
}

/** CRC-32 with polynomial 0x04c11db7, not reflected, starting from 0 (RFC 3533, section 6). */
function checksum(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  }
  return crc >>> 0;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
