// The reports: crashes, what supervisors did, kills and starts; the newest first.
import { by_id, element, process_link, time_element } from './text.js';
import { what_happened } from './timeline.js';

const kept = 300;

export class Reports {
  #successors = new Map(); // pid -> the one that a restart put in its place

  successor(pid) { return this.#successors.get(pid); }

  add(reports) {
    const list = by_id('reports');
    for (const report of reports) {
      if (report.new_pid && report.pid) this.#successors.set(report.pid, report.new_pid);
      list.prepend(this.#item(report));
    }
    while (list.childElementCount > kept) list.lastElementChild.remove();
    while (this.#successors.size > 4 * kept) this.#successors.delete(this.#successors.keys().next().value);
    by_id('no-reports').hidden = list.childElementCount > 0;
  }

  /** Opens one report and shows it. */
  open(seq) {
    const item = document.getElementById(`report-${seq}`);
    if (!item) return;
    item.querySelector('details').open = true;
    item.scrollIntoView({ block: 'center' });
    item.querySelector('summary').focus({ preventScroll: true });
  }

  #item(report) {
    const item = element('li', `report ${report.kind} ${report.action ?? ''}`);
    item.id = `report-${report.seq}`;
    const head = element('div', 'report-head');
    head.append(element('span', 'report-name', report.name ?? report.pid ?? report.kind),
      element('span', 'report-what', report.kind === 'progress' ? 'started' : what_happened(report)), time_element(report.at));
    item.append(head);
    const line = element('p', 'facts');
    const add = (...nodes) => { if (line.childNodes.length) line.append(' · '); line.append(...nodes); };
    if (report.reason) add(`reason ${report.reason}`);
    if (report.supervisor) add(`by ${report.supervisor}`);
    if (report.pid) add(process_link(report.pid, report.pid), ...(report.new_pid ? [' → ', process_link(report.new_pid, report.new_pid)] : []));
    item.append(line);
    const box = element('details');
    box.append(element('summary', 'small', 'Full report'), element('pre', 'report-text', report.text));
    item.append(box);
    return item;
  }
}
