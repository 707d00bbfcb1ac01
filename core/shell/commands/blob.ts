/** Commands for blobs: the value, its size, and conditional puts. */

import type { LeafFamily } from '../table.ts';
import { atMostOne, equals, ifVersion, number, path, value } from './arguments.ts';

export const blobFamily: LeafFamily<'blob'> = {
  title: 'Blobs',
  value: { of: 'of a blob', plural: 'blobs' },
  commands: {
    blobPut: [
      {
        words: ['blob', 'put'],
        family: 'blob',
        needs: 'namespace',
        arguments: [path, value],
        flags: [ifVersion, { long: 'if-absent', about: 'only when no node is at PATH; makes the blob' }],
        summary: 'Store VALUE in the blob at PATH.',
        details: ['Without --if-absent the blob must exist: `create blob PATH` makes it.'],
        examples: [
          'blob put /some/blob hello',
          'blob put /config {"x":1} --if-version 3',
          'blob put /picture @cat.png',
        ],
        operation: (bound) => {
          atMostOne([
            ['if-version', bound.has('if-version')],
            ['if-absent', bound.has('if-absent')],
          ]);
          return {
            kind: 'blobPut',
            path: bound.text('PATH'),
            value: bound.bytes('VALUE'),
            ifVersion: bound.numberOr('if-version', null),
            ifAbsent: bound.has('if-absent'),
          };
        },
      },
    ],
    blobGet: [
      {
        words: ['blob', 'get'],
        family: 'blob',
        needs: 'namespace',
        arguments: [path],
        flags: [],
        summary: 'Print the value of the blob at PATH.',
        operation: (bound) => ({ kind: 'blobGet', path: bound.text('PATH') }),
      },
    ],
    blobSize: [
      {
        words: ['blob', 'size'],
        family: 'blob',
        needs: 'namespace',
        arguments: [path],
        flags: [],
        summary: 'Print the bytes of the blob at PATH.',
        operation: (bound) => ({ kind: 'blobSize', path: bound.text('PATH') }),
      },
    ],
    blobCas: [
      {
        words: ['blob', 'cas'],
        family: 'blob',
        needs: 'namespace',
        arguments: [path, { name: 'EXPECTED', kind: 'value' }, value],
        flags: [],
        summary: 'Store VALUE when the blob at PATH holds EXPECTED.',
        examples: ['blob cas /turn alice bob'],
        operation: (bound) => ({
          kind: 'blobCas',
          path: bound.text('PATH'),
          expected: bound.bytes('EXPECTED'),
          value: bound.bytes('VALUE'),
        }),
      },
    ],
  },
  guards: {
    blobValue: {
      word: 'value',
      arguments: [path, equals, value],
      about: 'the value of a blob',
      guard: (bound) => ({ kind: 'blobValue', path: bound.text('PATH'), value: bound.bytes('VALUE') }),
    },
    blobSize: {
      word: 'size',
      arguments: [path, equals, number],
      about: 'the bytes of a blob',
      guard: (bound) => ({ kind: 'blobSize', path: bound.text('PATH'), size: bound.number('N') }),
    },
  },
};
