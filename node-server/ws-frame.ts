/**
 * Frames as a server writes them (RFC 6455 §5.2): unmasked, so that one buffer serves every socket that gets the same
 * frame. ws writes header and payload as two buffers, which costs each socket an allocation and a gathering write.
 */

import type { Frame } from '../core/base/ports.ts';

/** Copying more than this after its header costs more than it saves. */
const maxCopiedBytes = 16 * 1024;
const wholeText = 0x81;
const wholeBinary = 0x82;

// A thousand watches are told the same frame, so it is asked for a thousand times in a row.
let lastFrame: Frame | null = null;
let lastWire: Buffer | null = null;

/** `frame` with its header, as bytes that many sockets may share. Null for a frame that is better left to ws. */
export function wireOf(frame: Frame): Buffer | null {
  if (frame === lastFrame) return lastWire;
  lastFrame = frame;
  lastWire = write(frame);
  return lastWire;
}

/** A frame is not asked for again in a later turn. */
export function forgetWire(): void {
  lastFrame = null;
  lastWire = null;
}

function write(frame: Frame): Buffer | null {
  // A character takes at most three bytes. Most texts need one for each.
  if (frame.length > maxCopiedBytes) return null;
  const length = typeof frame === 'string' ? Buffer.byteLength(frame) : frame.length;
  const header = length < 126 ? 2 : 4;
  const wire = Buffer.allocUnsafe(header + length);
  if (header === 2) {
    wire[1] = length;
  } else {
    wire[1] = 126;
    wire.writeUInt16BE(length, 2);
  }
  if (typeof frame === 'string') {
    wire[0] = wholeText;
    wire.write(frame, header);
  } else {
    wire[0] = wholeBinary;
    wire.set(frame, header);
  }
  return wire;
}
