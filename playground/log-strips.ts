/**
 * The logs: a strip for each replica with one cell for each op, filled when it is committed, so that a user sees which
 * replica lacks what.
 */

import type { NodePicture } from './cluster/frame.ts';

/** Five strips take only a little more space than three. */
const rowHeights = { few: 22, many: 18 };
const labelWidth = 56;
const cell = { width: 13, height: 14, gap: 3 };
const scaleHeight = 18;

export class LogStrips {
  readonly #canvas: HTMLCanvasElement;
  #nodes: readonly NodePicture[] = [];
  #drawn = '';
  #colours: { text: string; committed: string; prepared: string; kept: string; down: string } | null = null;
  #font = '';

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#redraw()).observe(canvas.parentElement ?? canvas);
  }

  readColours(): void {
    const style = getComputedStyle(this.#canvas);
    const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    this.#colours = {
      text: of('quiet'),
      committed: of('committed'),
      prepared: of('prepare'),
      kept: of('link'),
      down: of('faint'),
    };
    this.#font = `12px ${style.getPropertyValue('--mono')}`;
    this.#redraw();
  }

  update(nodes: readonly NodePicture[]): void {
    const key = nodes
      .map(
        ({ state, replica }) => `${replica?.name} ${state} ${replica?.head} ${replica?.commit} ${replica?.isPrimary}`,
      )
      .join();
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#nodes = nodes;
    this.#redraw();
  }

  #redraw(): void {
    const context = this.#canvas.getContext('2d');
    if (context === null) return;
    if (this.#colours === null) {
      this.readColours();
      return;
    }
    const colours = this.#colours;
    const rows = this.#nodes.filter((node) => node.replica !== null);
    const width = this.#canvas.parentElement?.clientWidth ?? 0;
    const rowHeight = rows.length > 3 ? rowHeights.many : rowHeights.few;
    const height = rows.length * rowHeight + scaleHeight;
    const ratio = window.devicePixelRatio;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#canvas.style.height = `${height}px`;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = this.#font;
    context.textBaseline = 'middle';
    const cells = Math.max(1, Math.floor((width - labelWidth - 8) / (cell.width + cell.gap)));
    const last = Math.max(0, ...rows.map((node) => node.replica!.head));
    // The strip moves by quarters, so that a cell keeps its place for a while.
    const quarter = Math.max(1, Math.floor(cells / 4));
    const first = Math.max(1, Math.ceil((last - cells + 1) / quarter) * quarter + 1);
    rows.forEach((node, row) => {
      const { name, head, commit } = node.replica!;
      const y = row * rowHeight + rowHeight / 2;
      const down = node.state === 'down';
      context.fillStyle = colours.text;
      context.textAlign = 'left';
      context.fillText(name, 0, y);
      for (let op = first; op < first + cells; op++) {
        const x = labelWidth + (op - first) * (cell.width + cell.gap);
        const top = y - cell.height / 2;
        if (op > head) {
          context.fillStyle = colours.kept;
          context.fillRect(x + cell.width / 2 - 1, y - 1, 2, 2);
        } else if (op <= commit) {
          context.fillStyle = down ? colours.down : colours.committed;
          context.fillRect(x, top, cell.width, cell.height);
        } else {
          context.strokeStyle = down ? colours.down : colours.prepared;
          context.lineWidth = 2;
          context.strokeRect(x + 1, top + 1, cell.width - 2, cell.height - 2);
        }
      }
    });
    this.#scale(context, first, cells, rows.length * rowHeight, colours.text);
    this.#canvas.setAttribute(
      'aria-label',
      rows.map(({ replica }) => `${replica!.name}: op ${replica!.head}, committed ${replica!.commit}`).join('; '),
    );
  }

  /** Numbers under every tenth op. */
  #scale(context: CanvasRenderingContext2D, first: number, cells: number, top: number, colour: string): void {
    context.fillStyle = colour;
    context.textAlign = 'center';
    for (let op = Math.ceil(first / 10) * 10; op < first + cells; op += 10) {
      const x = labelWidth + (op - first) * (cell.width + cell.gap) + cell.width / 2;
      context.fillText(String(op), x, top + scaleHeight / 2);
    }
  }
}
