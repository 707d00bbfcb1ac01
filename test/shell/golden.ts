/**
 * Sessions with their exact output, as language §1 and §2 print it: `goldenSessions` runs against anything that takes lines and gives
 * text, be it a tree in memory, a cluster of processes or the web terminal. Each begins on a connection of its own, in a
 * namespace `test-ns` that is empty.
 */

export interface GoldenSession {
  readonly name: string;
  /** Lines that begin with the prompt are typed; what follows each is its whole output. */
  readonly transcript: string;
}

export interface GoldenStep {
  readonly line: string;
  readonly output: string;
}

const prompt = 'haret> ';

/** The lines of a transcript with their outputs. */
export function stepsOf(session: GoldenSession): readonly GoldenStep[] {
  const steps: { line: string; output: string }[] = [];
  for (const row of session.transcript.replace(/^\n/, '').replace(/\n$/, '').split('\n')) {
    if (row.startsWith(prompt)) steps.push({ line: row.slice(prompt.length), output: '' });
    else steps.at(-1)!.output += `${row}\n`;
  }
  return steps;
}

/** Takes out what differs from cluster to cluster: epoch, view and op, and where the primary is. */
export function normalise(output: string): string {
  return output
    .replace(/Epoch = \d+, View = \d+/g, 'Epoch = E, View = V')
    .replace(/^(Client registered|Finished Redirecting)\. Primary = name: .*$/gm, 'ENTERED')
    .replace(/^((?:created|modified): +)\d+/gm, '$1OP')
    .replace(/^\d+ (created|deleted|put|pushed|popped|inserted|removed|counted|snapshot)/gm, 'OP $1')
    .replace(/"epoch":\d+,"view":\d+,/g, '"epoch":E,"view":V,')
    .replace(/"op":\d+/g, '"op":OP');
}

/** Runs a session and gives the transcript that came of it, to be compared with {@link expectedTranscript}. */
export async function runGolden(session: GoldenSession, run: (line: string) => Promise<string>): Promise<string> {
  let transcript = '';
  for (const { line } of stepsOf(session)) transcript += `${prompt}${line}\n${normalise(await run(line))}`;
  return transcript;
}

export function expectedTranscript(session: GoldenSession): string {
  return stepsOf(session)
    .map(({ line, output }) => `${prompt}${line}\n${output}`)
    .join('');
}

export const goldenSessions: readonly GoldenSession[] = [
  {
    name: "the session of haret's README",
    transcript: `
haret> list-namespaces
test-ns

haret> enter test-ns
ENTERED
haret> ls
/
Epoch = E, View = V, Client Request Num = 2
haret> create set /some/other/node
Ok
Epoch = E, View = V, Client Request Num = 3
haret> set insert /some/other/node hi
true
Version = 1 Epoch = E, View = V, Client Request Num = 4
haret> set contains /some/other/node hi
true
Version = 1 Epoch = E, View = V, Client Request Num = 5
haret> set contains /some/other/node h
false
Version = 1 Epoch = E, View = V, Client Request Num = 6
haret> create set /some/set
Ok
Epoch = E, View = V, Client Request Num = 7
haret> set insert /some/set blah
true
Version = 1 Epoch = E, View = V, Client Request Num = 8
haret> set intersection /some/set /some/other/node
Epoch = E, View = V, Client Request Num = 9
haret> set union /some/set /some/other/node
blah
hi
Epoch = E, View = V, Client Request Num = 10
haret> ls
/
/some
/some/other
/some/other/node
/some/set
Epoch = E, View = V, Client Request Num = 11
`,
  },
  {
    name: 'before a namespace is entered',
    transcript: `
haret> blob get /a
This command must be run inside a namespace. Please call \`enter <namespace_id>\`.
haret> ls
This command must be run inside a namespace. Please call \`enter <namespace_id>\`.
haret> enter nowhere
Unknown namespace
haret> blob get
This command must be run inside a namespace. Please call \`enter <namespace_id>\`.
haret> bogus
Invalid Input. Type 'help' for commands
haret> enter test-ns
ENTERED
haret> exists /
true
Version = 0 Epoch = E, View = V, Client Request Num = 2
`,
  },
  {
    name: 'blobs',
    transcript: `
haret> enter test-ns
ENTERED
haret> create blob /b
Ok
Epoch = E, View = V, Client Request Num = 1
haret> blob put /b {"x":1}
Ok
Version = 1 Epoch = E, View = V, Client Request Num = 2
haret> blob get /b
{"x":1}
Version = 1 Epoch = E, View = V, Client Request Num = 3
haret> blob put /b "hello world"
Ok
Version = 2 Epoch = E, View = V, Client Request Num = 4
haret> blob get /b
hello world
Version = 2 Epoch = E, View = V, Client Request Num = 5
haret> blob size /b
11
Version = 2 Epoch = E, View = V, Client Request Num = 6
haret> blob put /b 'single # quoted ; "x"'
Ok
Version = 3 Epoch = E, View = V, Client Request Num = 7
haret> blob get /b
single # quoted ; "x"
Version = 3 Epoch = E, View = V, Client Request Num = 8
haret> blob put /b hex:ff00
Ok
Version = 4 Epoch = E, View = V, Client Request Num = 9
haret> blob get /b
[255, 0]
Version = 4 Epoch = E, View = V, Client Request Num = 10
haret> blob put /b b64:aGk=
Ok
Version = 5 Epoch = E, View = V, Client Request Num = 11
haret> blob get /b
hi
Version = 5 Epoch = E, View = V, Client Request Num = 12
haret> blob put /b "b64:aGk="
Ok
Version = 6 Epoch = E, View = V, Client Request Num = 13
haret> blob get /b
b64:aGk=
Version = 6 Epoch = E, View = V, Client Request Num = 14
haret> blob put /b x --if-version 2
Error: Cas Failed
Epoch = E, View = V, Client Request Num = 15
haret> blob put /b x --if-version 6
Ok
Version = 7 Epoch = E, View = V, Client Request Num = 16
haret> blob put /b y --if-absent
Error: Cas Failed
Epoch = E, View = V, Client Request Num = 17
haret> blob put /fresh y --if-absent
Ok
Version = 0 Epoch = E, View = V, Client Request Num = 18
haret> blob cas /b y z
Error: Cas Failed
Epoch = E, View = V, Client Request Num = 19
haret> blob cas /b x z
Ok
Version = 8 Epoch = E, View = V, Client Request Num = 20
haret> blob get /b
z
Version = 8 Epoch = E, View = V, Client Request Num = 21
haret> blob get /nope
Error: Path Does not exist: /nope
Epoch = E, View = V, Client Request Num = 22
haret> create blob /b
Error: Path Already exists: /b
Epoch = E, View = V, Client Request Num = 23
haret> blob get /
Error: Wrong type
Epoch = E, View = V, Client Request Num = 24
`,
  },
  {
    name: 'queues',
    transcript: `
haret> enter test-ns
ENTERED
haret> create queue /q
Ok
Epoch = E, View = V, Client Request Num = 1
haret> queue pop /q

Version = 0 Epoch = E, View = V, Client Request Num = 2
haret> queue push /q a
Ok
Version = 1 Epoch = E, View = V, Client Request Num = 3
haret> queue push /q b
Ok
Version = 2 Epoch = E, View = V, Client Request Num = 4
haret> queue push /q c
Ok
Version = 3 Epoch = E, View = V, Client Request Num = 5
haret> queue front /q
a
Version = 3 Epoch = E, View = V, Client Request Num = 6
haret> queue back /q
c
Version = 3 Epoch = E, View = V, Client Request Num = 7
haret> queue len /q
3
Version = 3 Epoch = E, View = V, Client Request Num = 8
haret> queue list /q
a
b
c
Epoch = E, View = V, Client Request Num = 9
haret> queue list /q --limit 2
a
b
There is more: --from 2
Epoch = E, View = V, Client Request Num = 10
haret> queue list /q --from 2
c
Epoch = E, View = V, Client Request Num = 11
haret> queue pop /q
a
Version = 4 Epoch = E, View = V, Client Request Num = 12
haret> queue len /q
2
Version = 4 Epoch = E, View = V, Client Request Num = 13
haret> set insert /q x
Error: Wrong type
Epoch = E, View = V, Client Request Num = 14
`,
  },
  {
    name: 'sets',
    transcript: `
haret> enter test-ns
ENTERED
haret> create set /a
Ok
Epoch = E, View = V, Client Request Num = 1
haret> create set /b
Ok
Epoch = E, View = V, Client Request Num = 2
haret> set insert /a x
true
Version = 1 Epoch = E, View = V, Client Request Num = 3
haret> set insert /a x
false
Version = 1 Epoch = E, View = V, Client Request Num = 4
haret> set insert /a y
true
Version = 2 Epoch = E, View = V, Client Request Num = 5
haret> set insert /b y
true
Version = 1 Epoch = E, View = V, Client Request Num = 6
haret> set insert /b z
true
Version = 2 Epoch = E, View = V, Client Request Num = 7
haret> set members /a
x
y
Epoch = E, View = V, Client Request Num = 8
haret> set size /a
2
Version = 2 Epoch = E, View = V, Client Request Num = 9
haret> set union /a /b
x
y
z
Epoch = E, View = V, Client Request Num = 10
haret> set intersection /a /b
y
Epoch = E, View = V, Client Request Num = 11
haret> set intersection /a /a
x
y
Epoch = E, View = V, Client Request Num = 12
haret> set difference /a /b
x
Epoch = E, View = V, Client Request Num = 13
haret> set difference /b /a
z
Epoch = E, View = V, Client Request Num = 14
haret> set symmetric-difference /a /b
x
z
Epoch = E, View = V, Client Request Num = 15
haret> set subset /a /b
false
Epoch = E, View = V, Client Request Num = 16
haret> set subset /a --member x --member y --member z
true
Epoch = E, View = V, Client Request Num = 17
haret> set superset /a --member x
true
Epoch = E, View = V, Client Request Num = 18
haret> set remove /a x
true
Version = 3 Epoch = E, View = V, Client Request Num = 19
haret> set remove /a x
false
Version = 3 Epoch = E, View = V, Client Request Num = 20
haret> set contains /a x
false
Version = 3 Epoch = E, View = V, Client Request Num = 21
haret> set union /a /nope
Error: Path Does not exist: /nope
Epoch = E, View = V, Client Request Num = 22
`,
  },
  {
    name: 'counters',
    transcript: `
haret> enter test-ns
ENTERED
haret> counter incr /c
Error: Path Does not exist: /c
Epoch = E, View = V, Client Request Num = 1
haret> create counter /c --value 5
Ok
Epoch = E, View = V, Client Request Num = 2
haret> counter get /c
5
Version = 0 Epoch = E, View = V, Client Request Num = 3
haret> counter incr /c
6
Version = 1 Epoch = E, View = V, Client Request Num = 4
haret> counter incr /c 10
16
Version = 2 Epoch = E, View = V, Client Request Num = 5
haret> counter decr /c 20
-4
Version = 3 Epoch = E, View = V, Client Request Num = 6
haret> counter incr /c -1
-5
Version = 4 Epoch = E, View = V, Client Request Num = 7
haret> counter incr /c much
Invalid Input. Type 'help' for commands
N is a whole number, not "much". Usage: counter incr PATH [N]
haret> counter incr /c 9007199254740991
9007199254740986
Version = 5 Epoch = E, View = V, Client Request Num = 8
`,
  },
  {
    name: 'the tree',
    transcript: `
haret> enter test-ns
ENTERED
haret> create blob /some/blob --value hello
Ok
Epoch = E, View = V, Client Request Num = 1
haret> create directory /some/empty
Ok
Epoch = E, View = V, Client Request Num = 2
haret> create queue /some/deep/queue
Ok
Epoch = E, View = V, Client Request Num = 3
haret> ls
/
/some
/some/blob
/some/deep
/some/deep/queue
/some/empty
Epoch = E, View = V, Client Request Num = 4
haret> ls /some
blob
deep
empty
Version = 2 Epoch = E, View = V, Client Request Num = 5
haret> ls /some -l
blob       0  0  9  blob
directory  0  1  4  deep
directory  0  0  5  empty
Version = 2 Epoch = E, View = V, Client Request Num = 6
haret> ls -lR
directory  2  3  4  /some
blob       0  0  9  /some/blob
directory  0  1  4  /some/deep
queue      0  0  5  /some/deep/queue
directory  0  0  5  /some/empty
Version = 3 Epoch = E, View = V, Client Request Num = 9
haret> ls --limit 2
/
/some
There is more: --after /some
Epoch = E, View = V, Client Request Num = 10
haret> ls --limit 2 --after /some/blob
/some/deep
/some/deep/queue
There is more: --after /some/deep/queue
Epoch = E, View = V, Client Request Num = 11
haret> ls /some --limit 1 --after deep
empty
Version = 2 Epoch = E, View = V, Client Request Num = 12
haret> tree
/
└── some
    ├── blob
    ├── deep
    │   └── queue
    └── empty
Epoch = E, View = V, Client Request Num = 13
haret> stat /some
path:           /some
type:           directory
version:        2
created:        OP (op)
modified:       OP (op)
children:       3
bytes:          4
subtree bytes:  27
subtree nodes:  5
Version = 2 Epoch = E, View = V, Client Request Num = 14
haret> exists /some/blob
true
Version = 0 Epoch = E, View = V, Client Request Num = 15
haret> exists /some/nothing
false
Epoch = E, View = V, Client Request Num = 16
haret> rm /some
Error: Directory is not empty: /some
Epoch = E, View = V, Client Request Num = 17
haret> rm /some/blob --if-version 7
Error: Cas Failed
Epoch = E, View = V, Client Request Num = 18
haret> rm /some/blob
Ok
Epoch = E, View = V, Client Request Num = 19
haret> rm /some -r
Ok
Epoch = E, View = V, Client Request Num = 20
haret> ls
/
Epoch = E, View = V, Client Request Num = 21
haret> rm /
Error: Cannot delete root
Epoch = E, View = V, Client Request Num = 22
haret> ls relative
Error: Paths must be absolute
Epoch = E, View = V, Client Request Num = 23
haret> create blob /d//e
Error: Path is malformatted /d//e: it has an empty part
Epoch = E, View = V, Client Request Num = 24
haret> create blob /a/../b
Error: Path is malformatted /a/../b: it has the part ..
Epoch = E, View = V, Client Request Num = 25
`,
  },
  {
    name: 'transactions',
    transcript: `
haret> enter test-ns
ENTERED
haret> create blob /a --value 1
Ok
Epoch = E, View = V, Client Request Num = 1
haret> txn { if version /a = 0; if absent /b; do blob put /a 2; do create blob /b --value x; else blob get /a }
Ok
Ok
Epoch = E, View = V, Client Request Num = 2
haret> blob get /a
2
Version = 1 Epoch = E, View = V, Client Request Num = 3
haret> txn { if version /a = 0; if absent /b; do blob put /a 3; else blob get /a; else blob get /b }
2
x
Epoch = E, View = V, Client Request Num = 4
haret> txn { if value /a = 1 ; do blob put /a 4 }
Error: Cas Failed
Epoch = E, View = V, Client Request Num = 5
haret> txn { do blob put /a "4;"; do blob get /a; do blob get /nope }
Error: Path Does not exist: /nope
Epoch = E, View = V, Client Request Num = 6
haret> blob get /a
2
Version = 1 Epoch = E, View = V, Client Request Num = 7
haret> txn { do blob put /a "x y;"; do blob get /a }
Ok
x y;
Epoch = E, View = V, Client Request Num = 8
haret> txn { if wrong /a; do blob get /a }
Invalid Input. Type 'help' for commands
a guard begins with one of version, created, modified, exists, absent, type, value, size, member, held, not "wrong". Usage: txn { if GUARD; do COMMAND; else COMMAND }
haret> txn { do ls
Invalid Input. Type 'help' for commands
the } of the transaction is missing; it is a word of its own. Usage: txn { if GUARD; do COMMAND; else COMMAND }
haret> txn { do enter test-ns }
Invalid Input. Type 'help' for commands
enter cannot stand in a transaction. Usage: txn { if GUARD; do COMMAND; else COMMAND }
haret> explain txn { if exists /a; do blob get /a }
txn is the operation transaction
linearizable read: does not go through the log; the primary answers after a round to a quorum
body: 13 bytes
{"kind":"transaction","guards":[{"kind":"exists","path":"/a"}],"then":[{"kind":"blobGet","path":"/a"}],"otherwise":[]}
haret> explain blob put /a hello
blob put is the operation blobPut
write: goes through the log and is done once, on a quorum
body: 13 bytes
{"kind":"blobPut","path":"/a","value":"hello","ifVersion":null,"ifAbsent":false}
`,
  },
  {
    name: 'several commands on a line',
    transcript: `
haret> enter test-ns ; create blob /a --value v ; blob get /a
ENTERED
Ok
Epoch = E, View = V, Client Request Num = 1
v
Version = 0 Epoch = E, View = V, Client Request Num = 2
haret> blob get /a ; blob get /nope
v
Version = 0 Epoch = E, View = V, Client Request Num = 3
Error: Path Does not exist: /nope
Epoch = E, View = V, Client Request Num = 4
haret> blob put /a v;
Ok
Version = 1 Epoch = E, View = V, Client Request Num = 5
haret> blob get /a
v;
Version = 1 Epoch = E, View = V, Client Request Num = 6
haret> # blob get /a
haret>   # blob get /a
haret> blob put /a # --if-version 1
Ok
Version = 2 Epoch = E, View = V, Client Request Num = 7
haret> blob get /a
#
Version = 2 Epoch = E, View = V, Client Request Num = 8
`,
  },
  {
    name: 'a watch from the beginning, its transaction under one op',
    transcript: `
haret> enter test-ns
ENTERED
haret> create counter /watched/n
Ok
Epoch = E, View = V, Client Request Num = 1
haret> txn { do counter incr /watched/n 4; do create blob /watched/b --value hi }
4
Ok
Epoch = E, View = V, Client Request Num = 2
haret> rm /watched -r
Ok
Epoch = E, View = V, Client Request Num = 3
haret> watch /watched -R --from 0 --values --count 3
OP created directory /watched (version 0)
OP created counter /watched/n (version 0) 0
OP counted /watched/n (version 1) 4
OP created blob /watched/b (version 0) hi
OP deleted /watched (version 2)
haret> watch /watched --from yesterday
Invalid Input. Type 'help' for commands
--from is now, snapshot or an op number, not "yesterday". Usage: watch PATH [-R] [--once] [--count N] [--from now|snapshot|OP] [--values] [--fold] [-b] [-- COMMAND ...]
haret> unwatch 9
Error: There is no watch 9
`,
  },
];
