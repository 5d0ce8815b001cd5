// The list of all processes: the node sorts and searches, the page shows a part.
import { by_id, duration, element, number, process_link, set_text, short_module, short_number } from './text.js';

const page_size = 50;
const reachable = 10_000;

const columns = [
  { name: 'Process', of: 'name' },
  { name: 'Module', of: 'module' },
  { name: 'Status', of: 'status' },
  { name: 'Mailbox', of: 'mailbox', sort: 'mailbox', number: true },
  { name: 'Busy/s', of: 'busy', sort: 'busy', number: true, title: 'Reductions a second since the last look' },
  { name: 'Reductions', of: 'reductions', sort: 'reductions', number: true },
  { name: 'Uptime', of: 'age', sort: 'age', number: true },
];
const orders = { mailbox: 'Mailbox', busy: 'Busy', reductions: 'Reductions', age: 'Uptime', pid: 'Pid' };

export class List {
  #on_watch;
  #sort = 'mailbox';
  #ascending = false;
  #offset = 0;
  #rows = []; // { row, cells, pid }
  #active = 0; // the row that Tab reaches
  #held = false;
  #matched = 0;

  /** `on_watch()` when another part is wanted. */
  constructor(on_watch) {
    this.#on_watch = on_watch;
    this.#make_head();
    by_id('find').addEventListener('input', () => this.#go({ offset: 0 }));
    by_id('find').addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown') this.#focus(0, event);
    });
    by_id('list-back').addEventListener('click', () => this.#go({ offset: this.#offset - page_size }));
    by_id('list-on').addEventListener('click', () => this.#go({ offset: this.#offset + page_size }));
    by_id('hold').addEventListener('click', () => this.#hold(!this.#held));
    by_id('list-rows').addEventListener('keydown', (event) => this.#key(event));
    by_id('list-rows').addEventListener('focusin', (event) => this.#reach(this.#rows.findIndex(({ row }) => row.contains(event.target))));
    for (const [value, text] of Object.entries(orders)) {
      const option = element('option', '', text);
      option.value = value;
      by_id('sort').append(option);
    }
    by_id('sort').addEventListener('change', () => this.#order(by_id('sort').value));
  }

  query() {
    return { filter: by_id('find').value.trim(), sort: this.#sort, ascending: this.#ascending, offset: this.#offset, limit: page_size };
  }

  show(list) {
    if (this.#held) return;
    if (list.sort !== this.#sort || list.ascending !== this.#ascending || list.offset !== this.#offset) return; // an earlier part
    this.#matched = list.matched;
    if (list.rows.length === 0 && list.offset > 0) { // what was here is gone
      this.#go({ offset: 0 });
      return;
    }
    while (this.#rows.length > list.rows.length) this.#rows.pop().row.remove();
    while (this.#rows.length < list.rows.length) this.#rows.push(this.#make_row());
    list.rows.forEach((process, n) => this.#fill(this.#rows[n], process));
    this.#reach(Math.min(this.#active, this.#rows.length - 1));
    this.#tell(list);
  }

  #tell({ matched, total, offset, rows }) {
    const empty = by_id('list-empty');
    empty.hidden = rows.length > 0;
    set_text(empty, `None of ${number(total)} processes matches.`);
    const end = offset + rows.length;
    const beyond = matched > reachable && end >= reachable ? `; the first ${number(reachable)} can be reached, search for the others` : '';
    set_text(by_id('list-range'), rows.length ? `${number(offset + 1)}–${number(end)} of ${number(matched)}${beyond}` : '');
    by_id('list-back').disabled = offset === 0;
    by_id('list-on').disabled = end >= Math.min(matched, reachable);
    // Said when a search is answered, not each time the number changes by one.
    if (this.#asked !== by_id('find').value) {
      this.#asked = by_id('find').value;
      set_text(by_id('list-found'), this.#asked ? `${number(matched)} processes found` : '');
    }
  }
  #asked = '';

  #go({ offset }) {
    this.#offset = Math.max(0, Math.min(offset, reachable - page_size));
    this.#hold(false);
    this.#on_watch();
  }

  #hold(on) {
    this.#held = on;
    by_id('hold').setAttribute('aria-pressed', String(on));
    by_id('list').classList.toggle('held', on);
  }

  #order(sort) {
    this.#ascending = sort === this.#sort ? !this.#ascending : sort === 'pid';
    this.#sort = sort;
    by_id('sort').value = sort;
    this.#mark_head();
    this.#go({ offset: 0 });
  }

  #make_head() {
    const row = document.querySelector('#list thead tr');
    for (const { name, sort, of, number: right, title } of columns) {
      const cell = element('th', `${of}${right ? ' number' : ''}`, sort ? '' : name);
      cell.scope = 'col';
      if (sort) {
        const button = element('button', 'sorter', name);
        button.type = 'button';
        button.dataset.sort = sort;
        if (title) button.title = title;
        button.addEventListener('click', () => this.#order(sort));
        cell.append(button);
      }
      row.append(cell);
    }
    this.#mark_head();
  }

  #mark_head() {
    for (const button of document.querySelectorAll('#list .sorter')) {
      const chosen = button.dataset.sort === this.#sort;
      if (chosen) button.parentElement.setAttribute('aria-sort', this.#ascending ? 'ascending' : 'descending');
      else button.parentElement.removeAttribute('aria-sort');
    }
  }

  #make_row() {
    const row = element('tr');
    const cells = {};
    for (const { of, name, number: right } of columns) {
      cells[of] = element(of === 'name' ? 'th' : 'td', `${of}${right ? ' number' : ''}`);
      cells[of].dataset.label = name;
      row.append(cells[of]);
    }
    cells.name.scope = 'row';
    const kind = element('span', 'kind');
    const link = process_link('<0.0.0>', '', 'name');
    link.tabIndex = -1;
    const pid = element('span', 'pid');
    const line = element('div', 'line');
    line.append(kind, link, pid);
    cells.name.append(line);
    row.addEventListener('click', (event) => { if (!event.target.closest('a')) link.click(); });
    by_id('list-rows').append(row);
    return { row, cells, kind, link, pid };
  }

  #fill({ row, cells, kind, link, pid }, process) {
    row.dataset.pid = process.pid;
    row.dataset.name = process.name;
    kind.className = `kind ${process.kind}`;
    kind.title = process.kind;
    set_text(link, process.name || short_module(process.module) || process.pid);
    const href = `#process/${process.pid.slice(1, -1)}`;
    if (link.getAttribute('href') !== href) link.setAttribute('href', href);
    set_text(pid, process.pid);
    set_text(cells.module, short_module(process.module) || process.kind);
    set_text(cells.status, process.status);
    cells.status.dataset.status = process.status;
    set_text(cells.mailbox, short_number(process.mailbox));
    cells.mailbox.classList.toggle('high', process.mailbox >= 1000);
    set_text(cells.busy, short_number(process.busy));
    set_text(cells.reductions, short_number(process.reductions));
    set_text(cells.age, duration(process.age));
  }

  // --- keys ---

  #reach(index) {
    if (this.#rows[this.#active]) this.#rows[this.#active].link.tabIndex = -1;
    this.#active = Math.max(0, index);
    if (this.#rows[this.#active]) this.#rows[this.#active].link.tabIndex = 0;
  }

  #focus(index, event) {
    if (!this.#rows[index]) return;
    event.preventDefault();
    this.#rows[index].link.focus();
  }

  #key(event) {
    const last = this.#rows.length - 1;
    const to = { ArrowDown: this.#active + 1, ArrowUp: this.#active - 1, Home: 0, End: last }[event.key];
    if (to !== undefined) this.#focus(to, event);
    else if (event.key === 'PageDown' && !by_id('list-on').disabled) by_id('list-on').click();
    else if (event.key === 'PageUp' && !by_id('list-back').disabled) by_id('list-back').click();
    else return;
    event.preventDefault();
  }
}
