// The first view: the node's figures, now and over time, restarts, and the longest mailboxes.
import { Plot } from './plot.js';
import { Timeline } from './timeline.js';
import { by_id, bytes, duration, element, number, process_link, set_text, short_number } from './text.js';

const kept = 600;
const most_lines = 8;
const percent = (value) => `${Math.round(value / 10)}%`;

export class Overview {
  #points = [];
  #plots = null;
  #timeline = new Timeline();

  show_node(node) {
    set_text(by_id('node'), node.name);
    set_text(by_id('uptime'), duration(node.uptime));
    set_text(by_id('processes'), number(node.processes));
    set_text(by_id('run_queue'), number(node.run_queue));
    set_text(by_id('memory'), bytes(node.memory));
    set_text(by_id('messages_per_s'), short_number(node.messages_per_s));
    set_text(by_id('restarts'), number(node.restarts));
  }

  /** Points come whatever is looked at; they are drawn only where they are seen. */
  add(points, reports) {
    // A node that was started again, with a clock that is behind, begins a new line.
    if (points.length > 0 && points[0].at <= (this.#points.at(-1)?.at ?? 0)) this.#points = [];
    this.#points = [...this.#points, ...points].slice(-kept);
    this.#timeline.add(reports);
  }

  draw(at) {
    if (this.#points.length === 0) return;
    this.#plots ??= this.#make_plots(this.#points.at(-1).busy.length);
    const now = Math.max(at, this.#points.at(-1).at);
    for (const { plot, values } of this.#plots) plot.show(this.#points.map((p) => ({ at: p.at, values: values(p) })), now);
    this.#timeline.draw(now);
  }

  show_longest({ rows }) {
    const waiting = rows.filter(({ mailbox }) => mailbox > 0);
    if (waiting.length === 0) {
      by_id('longest').replaceChildren(element('li', 'soft', 'No process has messages waiting.'));
      return;
    }
    by_id('longest').replaceChildren(...waiting.map((process) => {
      const item = element('li');
      item.append(process_link(process.pid, process.name || process.module || process.pid), element('span', 'pid', process.pid),
        element('span', 'number', `${number(process.mailbox)} waiting`));
      return item;
    }));
  }

  #make_plots(cores) {
    const by_core = cores <= most_lines;
    const names = Array.from({ length: cores }, (_, n) => `core ${n}`);
    const few = (values) => (by_core ? values : [values.reduce((sum, value) => sum + value, 0) / cores, Math.max(...values)]);
    const series = by_core ? (cores === 1 ? [''] : names) : ['mean', 'most'];
    const made = [
      { plot: new Plot({ title: 'Messages per second', format: short_number, least: 10 }), values: (p) => [p.messages] },
      { plot: new Plot({ title: 'Processes', format: short_number, least: 10 }), values: (p) => [p.processes] },
      { plot: new Plot({ title: 'Memory', format: bytes, least: 1 << 20, binary: true }), values: (p) => [p.memory] },
      { plot: new Plot({ title: 'Reductions per second', format: short_number, least: 10 }), values: (p) => [p.reductions] },
      { plot: new Plot({ title: 'Core utilisation', format: percent, series, top: 1000 }), values: (p) => few(p.busy) },
      { plot: new Plot({ title: 'Run queue', format: short_number, series, least: 5 }), values: (p) => few(p.queues) },
    ];
    by_id('plots').append(...made.map(({ plot }) => plot.node));
    return made;
  }
}
