// Restarts over time, a lane for each supervisor, and as a list.
import { by_id, element, process_link, time_element } from './text.js';
import { svg } from './plot.js';

const span = 600_000;
const width = 600;
const lane_height = 22;
const most_lanes = 8;
const most_items = 30;

export const happened = {
  kill: 'killed from the console',
  crash: 'crashed',
  restarted: 'restarted',
  gave_up: 'gave up',
  terminated: 'terminated',
  removed: 'ended',
};
export const what_happened = (report) => happened[report.action ?? report.kind] ?? report.kind;

/** Of all reports, what supervisors did about the end of a child. */
export const is_restart = ({ action }) => action === 'restarted' || action === 'gave_up' || action === 'terminated' || action === 'removed';

export class Timeline {
  #events = []; // newest first
  #shown = null;

  add(reports) {
    const fresh = reports.filter(is_restart);
    if (fresh.length === 0 && this.#shown !== null) return;
    this.#events = [...fresh.reverse(), ...this.#events].slice(0, 500);
    this.#list();
  }

  draw(now) {
    const recent = this.#events.filter(({ at }) => now - at <= span);
    const lanes = [...new Set(recent.map(({ supervisor }) => supervisor ?? 'the root'))].slice(0, most_lanes);
    const counts = new Map();
    for (const { supervisor } of recent) counts.set(supervisor ?? 'the root', (counts.get(supervisor ?? 'the root') ?? 0) + 1);
    const rows = lanes.map((name) => {
      const row = element('div', 'lane');
      const head = element('span', 'lane-name', name);
      head.append(element('span', 'count', String(counts.get(name))));
      const drawing = svg('svg', { viewBox: `0 0 ${width} ${lane_height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
      drawing.append(svg('line', { x1: 0, x2: width, y1: lane_height / 2, y2: lane_height / 2, class: 'grid' }));
      for (const { at, action } of recent.filter(({ supervisor }) => (supervisor ?? 'the root') === name)) {
        const x = width - ((now - at) / span) * width;
        drawing.append(svg('line', { x1: x, x2: x, y1: 3, y2: lane_height - 3, class: `mark ${action}` }));
      }
      row.append(head, drawing);
      return row;
    });
    this.lanes.replaceChildren(...rows);
  }

  constructor() {
    this.lanes = element('div', 'lanes');
    this.lanes.setAttribute('aria-hidden', 'true'); // the list says the same
    this.list = element('ol', 'restarts');
    this.empty = element('p', 'soft empty', 'Nothing has been restarted since the node was started.');
    by_id('timeline').append(this.lanes, this.list, this.empty);
  }

  #list() {
    this.#shown = this.#events.slice(0, most_items);
    this.empty.hidden = this.#shown.length > 0;
    this.list.replaceChildren(...this.#shown.map((report) => {
      const item = element('li', `restart ${report.action}`);
      const name = report.name ?? report.pid ?? 'a process';
      const current = report.new_pid ?? null;
      const who = element('span', 'restart-who');
      who.append(current ? process_link(current, name) : element('span', '', name));
      const what = `${what_happened(report)}${report.supervisor ? ` by ${report.supervisor}` : ''}`;
      const why = report.reason ? `reason ${report.reason}` : '';
      const link = element('a', 'small', 'Report');
      link.href = `#reports/${report.seq}`;
      link.setAttribute('aria-label', `Report on ${name}`);
      item.append(time_element(report.at), who, element('span', 'restart-what', what), element('span', 'restart-why soft small', why), link);
      return item;
    }));
  }
}
