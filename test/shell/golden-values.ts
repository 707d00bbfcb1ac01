/** Golden sessions with the types of nodes that have values: blobs, queues, sets and counters. */

import type { GoldenSession } from './transcript.ts';

export const valueSessions: readonly GoldenSession[] = [
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
];
