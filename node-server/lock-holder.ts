/**
 * Which process has a data directory, as its lock says in one short line, and whether this process can tell that the
 * holder is alive.
 */

import * as fs from 'node:fs';
import * as os from 'node:os';

/**
 * Where a process runs: a boot of a kernel, and a namespace of process ids in it. Null where the system does not say.
 */
export interface Place {
  readonly boot: string | null;
  readonly pids: string | null;
  readonly host: string;
}

export interface Holder extends Place {
  /** Names this holding of the lock and its other files. */
  readonly token: string;
  readonly pid: number;
  /** The start of the process in ticks since boot, which tells it from a later process with the same id. */
  readonly began: string | null;
  /** True when it listens on a socket beside the lock. */
  readonly listens: boolean;
}

const format = '1';
/** A link's target of up to this many bytes needs no block of its own, so a lock can be taken on a full disk. */
const shortBytes = 59;

export function placeHere(): Place {
  return {
    boot: read('/proc/sys/kernel/random/boot_id')?.replaceAll('-', '').slice(0, 8) ?? null,
    pids: link('/proc/self/ns/pid')?.replace(/\D/g, '') ?? null,
    host: os.hostname(),
  };
}

export function encodeHolder({ token, pid, began, boot, pids, listens, host }: Holder): string {
  const fields = [format, token, String(pid), began ?? '-', boot ?? '-', pids ?? '-', listens ? 's' : '-'];
  const text = fields.join(' ');
  return `${text} ${printable(host).slice(0, Math.max(4, shortBytes - text.length - 1))}`;
}

/** Null for what is not a lock of this release. */
export function decodeHolder(text: string): Holder | null {
  const fields = text.split(' ');
  const [version, token, pid, began, boot, pids, listens, host] = fields;
  if (fields.length !== 8 || version !== format || !/^[0-9a-f]+$/.test(token!) || !/^\d+$/.test(pid!)) return null;
  const known = (field: string): string | null => (field === '-' ? null : field);
  return {
    token: token!,
    pid: Number(pid),
    began: known(began!),
    boot: known(boot!),
    pids: known(pids!),
    listens: listens === 's',
    host: host!,
  };
}

/** Same kernel and same boot: a socket of the holder can be asked here. */
export function sameKernel(holder: Place, here: Place): boolean {
  return holder.boot !== null && holder.boot === here.boot;
}

/** Process ids mean the same to both. If the system gives neither boots nor namespaces, the host name decides. */
export function samePids(holder: Place, here: Place): boolean {
  if (holder.boot === null && here.boot === null) return printable(here.host).startsWith(printable(holder.host));
  return sameKernel(holder, here) && holder.pids !== null && holder.pids === here.pids;
}

function printable(host: string): string {
  return host.replace(/[^\w.-]/g, '_');
}

/** What the process table says of a holder whose ids mean the same here; null when it does not say. */
export function lives(holder: Holder): boolean | null {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  // If the table belongs to another namespace, as in a container without one of its own, its ids mean other processes.
  if (holder.began !== null && link('/proc/self') === String(process.pid)) {
    const now = beginningOf(String(holder.pid));
    if (now !== null) return now === holder.began;
  }
  // We know already that this process does not hold the lock. So if the id is ours, an earlier process had it.
  return holder.pid === process.pid ? false : holder.began === null ? true : null;
}

/** @param process its id, or `self`. */
export function beginningOf(process: string): string | null {
  const stat = read(`/proc/${process}/stat`);
  // The program's name is in parentheses and may contain spaces. The 22nd field of the whole line is the start.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

function read(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}

function link(file: string): string | null {
  try {
    return fs.readlinkSync(file);
  } catch {
    return null;
  }
}
