/** Mutants of the store: which segments may be removed, and where a log continues (protocol §2). */

import type { Mutant } from './mutant.ts';

const segments = 'core/store/segments.ts';
const writer = 'core/store/log-writer.ts';
const scan = 'core/store/scan.ts';
const format = 'core/store/format.ts';
const recovery = 'core/store/recovery.ts';

const anyAge = {
  file: scan,
  find: 'if (head === null || head.sequence <= last) {',
  replace: 'if (head === null) {',
};
const anySegment = {
  file: format,
  find: 'if (view.getUint32(32, true) !== segment || view.getUint32(36, true) !== offset) return null;',
  replace: 'if (view.getUint32(36, true) !== offset) return null;',
};

export const storeSurvivors: readonly Mutant[] = [
  {
    scenario: 'V11',
    name: 'a segment with a live entry may be removed',
    by: 'lives',
    edits: [
      {
        file: segments,
        find: 'segment.number < oldest && segment.liveEntries > 0',
        replace: 'segment.number < oldest && segment.liveEntries > 1',
      },
    ],
  },
  {
    scenario: 'V11',
    name: 'segments are removed before the batch that says so is durable',
    by: 'lives',
    edits: [
      {
        file: writer,
        find: '    this.#disk.write(name, offset, [bytes], true, (error) => {',
        // Not with a manifest: copying what is old would never end.
        replace:
          '    if (!manifest && parts.length > 0) this.#segments.removeBelow(oldest);\n    this.#disk.write(name, offset, [bytes], true, (error) => {',
      },
    ],
  },
  {
    scenario: 'V28',
    name: 'leftovers of a cut tail are read',
    by: 'lives',
    equivalent:
      'a batch is written only when the one before it is durable, so that at most one is torn, and what follows it is written over its head',
    edits: [anyAge],
  },
  {
    scenario: 'V28',
    name: "leftovers of a segment's earlier life are read when nothing newer is below them",
    by: 'lives',
    equivalent: 'their numbers are below those of the segments before, and what is numbered lower is passed over',
    edits: [anySegment],
  },
  {
    scenario: 'V28',
    name: "leftovers of a segment's earlier life are read",
    by: 'lives',
    edits: [anyAge, anySegment],
  },
  {
    scenario: 'V28',
    name: 'the log continues after a torn batch',
    by: 'lives',
    equivalent:
      'an opening batch names the last whole one before it by its distance: whatever lies between is torn, in its place or behind it',
    edits: [
      {
        file: recovery,
        find: 'const resume = this.#tornAt ?? this.#end;',
        replace: 'const resume = this.#end;',
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'the log continues in the same segment after damage',
    by: 'lives',
    damage: 'rot',
    edits: [
      {
        file: recovery,
        find: 'resumeAt: damaged || this.#lost + this.#named > 0 ? null : resume,',
        replace: 'resumeAt: resume,',
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'a log is trusted because an earlier start still had the parts that are now lost',
    by: 'lives',
    damage: 'rot',
    edits: [
      { file: recovery, find: 'const judged = opening && !state.headProven;', replace: 'const judged = opening;' },
    ],
  },
  {
    scenario: 'V29',
    name: 'a stray file counts among the segments',
    by: 'lives',
    edits: [
      {
        file: segments,
        find: 'if (this.#table.get(number)?.name === name) this.#table.delete(number);',
        replace: '',
      },
    ],
  },
  {
    scenario: 'V29',
    name: 'the number of a stray file is given to a segment',
    by: 'lives',
    edits: [{ file: segments, find: '    this.#taken.add(number);\n', replace: '' }],
  },
  {
    scenario: 'V29',
    name: 'a stray file that is shorter than its name says was cut',
    by: 'lives',
    edits: [
      {
        file: 'core/store/segment-files.ts',
        find: '(number === next && !isCut(file))',
        replace: 'number === next',
      },
    ],
  },
  {
    scenario: 'V29',
    name: 'of two files with one number the first one is the segment',
    by: 'lives',
    edits: [
      {
        file: recovery,
        find: 'if (this.#segments.get(number)?.name !== name) this.#segments.add(number, name, size);',
        replace: '',
      },
    ],
  },
  {
    scenario: 'V29',
    name: 'a stray file far below what the log needs counts among its segments',
    by: 'lives',
    edits: [
      {
        file: 'core/store/segment-files.ts',
        find: 'const begunOnce = number >= lowest && number <= begun && !passedBy;',
        replace: 'const begunOnce = number <= begun && !passedBy;',
      },
    ],
  },
];
