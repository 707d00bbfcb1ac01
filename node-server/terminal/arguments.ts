/** The command line of the two terminal programs (docs/language.md). */

import type { Consistency } from '../../core/wire/api.ts';
import { readDuration } from '../../core/shell/duration.ts';
import { UsageError } from '../../core/shell/index.ts';
import type { Flags } from '../flags.ts';
import { readCommandLine } from '../flags.ts';
import { urlOf } from '../ws-transport.ts';

export interface TerminalArguments {
  /** Where to connect. The first address that answers is used. */
  readonly addresses: readonly string[];
  /** The commands of `-e`, in order. If it is empty, commands are read from standard input. */
  readonly commands: readonly string[];
  readonly namespace: string | null;
  readonly keepGoing: boolean;
  readonly mode: 'text' | 'json' | 'raw';
  readonly consistency: Consistency;
  /** 0 leaves it to the client. */
  readonly timeoutMs: number;
  readonly clientId: string | null;
}

export type ParsedArguments =
  | { readonly kind: 'run'; readonly arguments: TerminalArguments }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

export type ProgramKind = 'client' | 'admin';

const bothFlags = {
  help: { kind: 'plain', short: 'h' },
  version: { kind: 'plain' },
  e: { kind: 'value', short: 'e' },
  k: { kind: 'plain', short: 'k' },
  json: { kind: 'plain' },
  raw: { kind: 'plain' },
  timeout: { kind: 'value' },
} as const satisfies Flags;
const clientFlags = {
  ...bothFlags,
  ns: { kind: 'value' },
  read: { kind: 'value' },
  'client-id': { kind: 'value' },
} as const satisfies Flags;

const flagsOf: Readonly<Record<ProgramKind, Partial<typeof clientFlags> & typeof bothFlags>> = {
  client: clientFlags,
  admin: bothFlags,
};

/** @throws UsageError that names what is wrong. */
export function parseArguments(kind: ProgramKind, argv: readonly string[]): ParsedArguments {
  const commands: string[] = [];
  let namespace: string | null = null;
  let keepGoing = false;
  let mode: TerminalArguments['mode'] = 'text';
  let consistency: Consistency = { kind: 'linearizable' };
  let timeoutMs = 0;
  let clientId: string | null = null;

  const { words, given } = readCommandLine<typeof clientFlags>(argv, flagsOf[kind]);
  for (const { name, value } of given) {
    switch (name) {
      case 'help':
      case 'version':
        return { kind: name };
      case 'e':
        commands.push(value);
        break;
      case 'k':
        keepGoing = true;
        break;
      case 'json':
      case 'raw':
        if (mode !== 'text' && mode !== name) throw new UsageError('--json and --raw exclude each other');
        mode = name;
        break;
      case 'timeout':
        timeoutMs = readDuration(value);
        break;
      case 'ns':
        namespace = value;
        break;
      case 'read':
        consistency = readConsistency(value);
        break;
      case 'client-id':
        clientId = value;
        if (clientId === '' || new TextEncoder().encode(clientId).length > maxClientIdBytes) {
          throw new UsageError(`--client-id is 1 to ${maxClientIdBytes} bytes`);
        }
        break;
    }
  }
  const [address, another] = words;
  if (another !== undefined) {
    throw new UsageError(`one ADDRESS, not ${address ?? ''} and ${another}; commands go after -e`);
  }
  if (address === undefined) throw new UsageError('ADDRESS is missing');
  const addresses = address.split(',').filter((one) => one !== '');
  for (const one of addresses) if (!isAddress(one)) throw new UsageError(`${one} is neither HOST:PORT nor a ws:// URL`);
  if (addresses.length === 0) throw new UsageError('ADDRESS is empty');
  return {
    kind: 'run',
    arguments: { addresses, commands, namespace, keepGoing, mode, consistency, timeoutMs, clientId },
  };
}

const maxClientIdBytes = 128;

function isAddress(address: string): boolean {
  if (/^wss?:\/\//i.test(address)) return urlOf(address) !== null;
  const [, port] = /^(?:\[[0-9A-Fa-f:.]+\]|[^\s:/?#@]+):(\d{1,5})$/.exec(address) ?? [];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

function readConsistency(text: string): Consistency {
  if (text === 'linearizable' || text === 'local') return { kind: text };
  const op = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(op)) throw new UsageError('--read is linearizable, local or the number of an op');
  return { kind: 'atLeast', op };
}

/** What `-h` prints. */
export function usageText(kind: ProgramKind, name: string): string {
  const both = `  -e COMMAND       run COMMAND and leave; may be given more than once
  -k               go on after a command that failed
  --json           one JSON object for each command
  --raw            the value and nothing else
  --timeout D      how long a command may take: 500ms, 2s, 1m`;
  const client = `  --ns NAME        enter this namespace first
  --read HOW       reads are linearizable (the default), local, or at least as new as op OP
  --client-id ID   a ClientID that no other client has in its namespaces`;
  return `Usage: ${name} ADDRESS [flags]

ADDRESS is HOST:PORT or a ws:// or wss:// URL of the ${kind === 'client' ? 'API' : 'admin'} interface of a node. Several addresses,
separated by commas, are tried until one answers. Without -e, commands come from a prompt, or, when standard
input is not a terminal, from its lines.

${both}
${kind === 'client' ? `${client}\n` : ''}  -h, --help       this text
  --version        the version

'${name} ADDRESS -e help' lists the commands.
Exit status: 0 done, 1 failed, 2 usage, 3 a guard failed, 4 not found, 5 unavailable or timed out, 6 not allowed,
7 lock lost, 130 interrupted.
`;
}
