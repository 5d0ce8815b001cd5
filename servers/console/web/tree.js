// The table of processes. Rows are kept by the key of their place, and only what changed is written.
import { element, number, pid_path, process_link, set_text, short_module, short_number } from './text.js';

const page = 100;
const most = 2000;
const mark_for = 4000;

export class Tree {
  /** Keys of supervisors whose children are wanted, and how many. */
  open = new Set(['root']);
  limits = {};

  #body;
  #on_watch;
  #on_kill;
  #rows = new Map();   // key -> { row, cells…, pid, process }
  #depths = new Map();
  #filtering = false;
  #reached = null;
  #known = new Set();  // supervisors seen once, which are not opened again by themselves
  #killed = new Set(); // pids

  /** `on_watch()` when .open or .limits changed; `on_kill(pid, name)` asks, kills, and gives a promise: null if
   *  it is not to be, else what went wrong, or an empty text. */
  constructor(body, on_watch, on_kill) {
    this.#body = body;
    this.#on_watch = on_watch;
    this.#on_kill = on_kill;
    body.addEventListener('keydown', (event) => this.#key(event));
    body.addEventListener('focusin', (event) => this.#reach(event.target.closest('tr')));
  }

  show({ processes }, filtering) {
    this.#filtering = filtering;
    this.#depths.clear();
    const shown = new Map();
    const shown_children = new Map();
    for (const process of processes) {
      shown.set(process.key, process);
      shown_children.set(process.parent, (shown_children.get(process.parent) ?? 0) + 1);
      this.#depths.set(process.key, process.parent === null ? 1 : (this.#depths.get(process.parent) ?? 0) + 1);
    }
    this.#open_new(processes);
    for (const [key, entry] of this.#rows) {
      if (shown.has(key) || shown.has(entry.more_of)) continue;
      entry.row.remove();
      this.#rows.delete(key);
    }
    this.#place(processes, shown_children);
    if (!this.#reached?.isConnected) this.#reach(this.#body.firstElementChild);
  }

  /** Tab comes to one row of all, the one where one was last. */
  #reach(row) {
    if (this.#reached) this.#reached.tabIndex = -1;
    this.#reached = row;
    if (row) row.tabIndex = 0;
  }

  /** The first two floors stand open from the start. */
  #open_new(processes) {
    let added = false;
    for (const { key, children } of processes) {
      if (children === undefined || this.#known.has(key)) continue;
      this.#known.add(key);
      if (this.#depths.get(key) > 2 || this.open.has(key)) continue;
      this.open.add(key);
      added = true;
    }
    if (added) this.#on_watch();
  }

  #place(processes, shown_children) {
    let at = this.#body.firstElementChild;
    const put = (row) => {
      if (row === at) at = at.nextElementSibling;
      else this.#body.insertBefore(row, at);
    };
    const ends = []; // open supervisors around the present row: their 'show more' comes after their last child
    const close_down_to = (depth) => {
      while (ends.length > 0 && this.#depths.get(ends.at(-1).key) >= depth) {
        const { key, children } = ends.pop();
        const count = shown_children.get(key) ?? 0;
        const partly = count > 0 && count < children && !this.#filtering;
        if (partly) put(this.#more_row(key, count, children));
        else this.#remove(`${key} more`, (row) => { if (row === at) at = at.nextElementSibling; });
      }
    };
    for (const process of processes) {
      close_down_to(this.#depths.get(process.key));
      put(this.#row(process));
      if (process.children !== undefined) ends.push(process);
    }
    close_down_to(0);
  }

  #remove(key, before) {
    const entry = this.#rows.get(key);
    if (!entry) return;
    before(entry.row);
    entry.row.remove();
    this.#rows.delete(key);
  }

  #more_row(key, count, children) {
    let entry = this.#rows.get(`${key} more`);
    if (!entry) {
      entry = this.#make_more(key);
      this.#rows.set(`${key} more`, entry);
    }
    entry.cell.className = `depth-${Math.min(8, this.#depths.get(key) + 1)}`;
    const end = count < most ? '' : ': filter to find others';
    set_text(entry.text, `${number(count)} of ${number(children)} shown${end}`);
    entry.button.hidden = count >= most;
    entry.count = count;
    return entry.row;
  }

  #make_more(key) {
    const row = element('tr', 'more');
    const cell = element('td');
    cell.colSpan = 7;
    const text = element('span');
    const button = element('button', 'quiet', 'Show more');
    button.type = 'button';
    const entry = { row, cell, text, button, more_of: key, count: 0 };
    button.addEventListener('click', () => {
      this.limits[key] = Math.min(most, Math.max(entry.count, this.limits[key] ?? page) + 2 * page);
      this.#on_watch();
    });
    cell.append(text, button);
    row.append(cell);
    return entry;
  }

  #row(process) {
    let entry = this.#rows.get(process.key);
    if (!entry) {
      entry = this.#make(process.key);
      this.#rows.set(process.key, entry);
    }
    this.#fill(entry, process);
    return entry.row;
  }

  #make(key) {
    const row = element('tr');
    const entry = { row, pid: undefined };
    row.dataset.key = key;
    row.tabIndex = -1;
    const first = element('td', 'process');
    const line = element('div', 'line');
    entry.first = first;
    entry.toggle = element('button', 'toggle');
    entry.toggle.type = 'button';
    entry.toggle.addEventListener('click', () => this.#toggle(key));
    entry.kind = element('span', 'kind');
    entry.kind.setAttribute('aria-hidden', 'true');
    entry.name = process_link('<0.0.0>', '', 'name');
    entry.name.tabIndex = -1;
    entry.pid_text = element('span', 'pid');
    entry.count = element('span', 'count');
    line.append(entry.toggle, entry.kind, entry.name, entry.pid_text, entry.count);
    first.append(line);
    row.append(first);
    for (const [name, class_name] of [['module', 'module'], ['status', 'status'], ['mailbox', 'number'],
      ['reductions', 'number wide'], ['restarts', 'number']]) {
      entry[name] = element('td', class_name);
      entry[name].dataset.of = name;
      row.append(entry[name]);
    }
    entry.kill = element('button', 'kill-button', 'Kill');
    entry.kill.type = 'button';
    entry.kill.addEventListener('click', () => this.#kill(entry));
    const last = element('td', 'do');
    last.append(entry.kill);
    row.append(last);
    return entry;
  }

  #fill(entry, process) {
    const { row } = entry;
    const depth = this.#depths.get(process.key);
    entry.process = process;
    entry.first.className = `process depth-${Math.min(depth, 8)}`;
    row.setAttribute('aria-level', String(depth));
    this.#fill_toggle(entry, process);
    entry.kind.className = `kind ${process.kind}`;
    entry.kind.title = process.kind;
    row.dataset.name = process.name;
    row.dataset.pid = process.pid ?? '';
    set_text(entry.name, process.name);
    if (process.pid) entry.name.href = `#process/${pid_path(process.pid)}`;
    else entry.name.removeAttribute('href');
    set_text(entry.pid_text, process.pid ?? '');
    set_text(entry.module, short_module(process.module));
    entry.module.title = process.module ?? '';
    set_text(entry.status, process.status ?? '');
    entry.status.dataset.status = process.status ?? '';
    set_text(entry.mailbox, process.mailbox === undefined ? '' : short_number(process.mailbox));
    entry.mailbox.classList.toggle('high', process.mailbox >= 1000);
    set_text(entry.reductions, process.reductions === undefined ? '' : short_number(process.reductions));
    set_text(entry.restarts, process.restarts === undefined ? '' : number(process.restarts));
    entry.restarts.classList.toggle('some', process.restarts > 0);
    this.#fill_kill(entry, process);
  }

  #fill_toggle(entry, { key, children }) {
    const branch = children !== undefined;
    const is_open = this.#filtering || this.open.has(key);
    entry.toggle.hidden = !branch;
    if (branch) {
      entry.row.setAttribute('aria-expanded', String(is_open));
      entry.toggle.setAttribute('aria-label', `${is_open ? 'Close' : 'Open'} ${entry.name.textContent}`);
    }
    entry.toggle.disabled = this.#filtering;
    set_text(entry.count, branch ? number(children) : '');
  }

  #fill_kill(entry, { pid, name }) {
    const label = `Kill ${name} ${pid}`;
    if (entry.kill.getAttribute('aria-label') !== label) entry.kill.setAttribute('aria-label', label);
    entry.kill.hidden = pid === null;
    entry.kill.disabled = this.#killed.has(pid);
    if (entry.pid !== undefined && entry.pid !== pid) this.#mark(entry.row, 'reborn');
    entry.pid = pid;
    entry.row.classList.toggle('killed', this.#killed.has(pid));
  }

  async #kill(entry) {
    const { pid, name } = entry.process;
    if (!pid || this.#killed.has(pid)) return;
    const problem = await this.#on_kill(pid, name, () => this.#mark_killed(entry, pid));
    if (problem === null) return;
    if (problem === '') {
      setTimeout(() => this.#killed.delete(pid), 10 * mark_for);
      return;
    }
    this.#killed.delete(pid);
    entry.row.classList.remove('killed');
    entry.kill.disabled = false;
  }

  #mark_killed(entry, pid) {
    this.#killed.add(pid);
    entry.kill.disabled = true;
    entry.row.classList.add('killed');
  }

  /** A mark that goes away by itself. */
  #mark(row, name) {
    row.classList.remove(name);
    void row.offsetWidth; // starts its animation again
    row.classList.add(name);
    setTimeout(() => row.classList.remove(name), mark_for);
  }

  #toggle(key) {
    if (this.#filtering) return;
    if (this.open.has(key)) this.open.delete(key);
    else this.open.add(key);
    this.#on_watch();
    const entry = this.#rows.get(key);
    if (entry) this.#fill_toggle(entry, entry.process);
  }

  /** Arrows walk the rows, as in any tree; Enter looks at the process; the buttons are reached by Tab. */
  #key(event) {
    const row = event.target.closest('tr');
    const key = row?.dataset.key;
    const entry = this.#rows.get(key);
    const to = {
      ArrowDown: () => this.#next(row, 'nextElementSibling'),
      ArrowUp: () => this.#next(row, 'previousElementSibling'),
      Home: () => this.#body.firstElementChild,
      End: () => this.#last(),
    }[event.key];
    if (to) {
      to()?.focus();
    } else if (event.key === 'ArrowRight' && entry?.process.children && !this.open.has(key)) {
      this.#toggle(key);
    } else if (event.key === 'ArrowLeft' && this.open.has(key)) {
      this.#toggle(key);
    } else if (event.key === 'ArrowLeft' && entry?.process.parent) {
      this.#rows.get(entry.process.parent)?.row.focus();
    } else if (event.key === 'Enter' && event.target === row && entry?.process.pid) {
      entry.name.click();
    } else if (event.key === 'Delete' && entry?.process.pid) {
      this.#kill(entry);
    } else {
      return;
    }
    event.preventDefault();
  }

  #last() {
    const last = this.#body.lastElementChild;
    return last?.dataset.key ? last : this.#next(last, 'previousElementSibling');
  }

  /** The next row of a process in that direction: those of 'show more' are passed by. */
  #next(row, direction) {
    let next = row?.[direction] ?? null;
    while (next && !next.dataset.key) next = next[direction];
    return next;
  }
}
