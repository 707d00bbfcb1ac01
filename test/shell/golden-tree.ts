/** Golden sessions with namespaces, the tree as a whole, transactions, lines of several commands and watches. */

import type { GoldenSession } from './transcript.ts';

export const treeSessions: readonly GoldenSession[] = [
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
a guard begins with one of version, created, modified, exists, absent, type, value, size, member, held, owner, not "wrong". Usage: txn { if GUARD; do COMMAND; else COMMAND }
haret> txn { do ls
Invalid Input. Type 'help' for commands
the } of the transaction is missing; it is a word of its own. Usage: txn { if GUARD; do COMMAND; else COMMAND }
haret> txn { do enter test-ns }
Invalid Input. Type 'help' for commands
enter cannot be part of a transaction. Usage: txn { if GUARD; do COMMAND; else COMMAND }
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
