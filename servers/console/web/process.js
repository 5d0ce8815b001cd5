// The page of one process.
import { Plot } from './plot.js';
import { pretty } from './term.js';
import { Trace } from './trace.js';
import { by_id, bytes, duration, element, number, process_link, set_text, short_module, short_number } from './text.js';

const stuck_after = 2000; // ms
const points_kept = 300;

const facts = [
  ['Status', 'status', ({ status }) => status],
  ['Mailbox', 'mailbox', ({ mailbox }) => `${number(mailbox)} waiting`],
  ['Busy', 'busy', ({ busy }) => `${short_number(busy)} reductions/s`],
  ['Reductions', 'reductions', ({ reductions }) => short_number(reductions)],
  ['Uptime', 'age', ({ age }) => duration(age)],
  ['Restarts of its place', 'restarts', ({ restarts }) => number(restarts)],
  ['Behaviour', 'kind', ({ kind }) => kind],
  ['Module', 'module', ({ module }) => short_module(module)],
  ['Memory', 'memory', ({ inside }) => bytes(inside?.memory)],
  ['Traps exits', 'trap_exit', ({ inside }) => (inside ? (inside.trap_exit ? 'yes' : 'no') : '')],
  ['Priority', 'priority', ({ inside }) => inside?.priority ?? ''],
];

const ties = [
  ['Links', 'links', 'Linked to nobody.'],
  ['Monitors', 'monitors', 'Watches nobody.'],
  ['Monitored by', 'monitored_by', 'Watched by nobody.'],
];

export class Process {
  pid = null;

  #feed;
  #kill;
  #successor;
  #points = [];
  #running = null; // the reductions that it had when it was first seen to run with them, and when that was
  #shows_state = true;
  #parts = {};

  /** `kill(pid, name)` asks first; `successor(pid)` gives the pid that a restart has put in its place, if it is known. */
  constructor(feed, kill, successor) {
    this.#feed = feed;
    this.#kill = kill;
    this.#successor = successor;
    this.trace = new Trace((pid, on) => feed.trace(pid, on));
    this.#build(by_id('view-process'));
    feed.addEventListener('state', ({ detail }) => this.#show_state(detail));
    feed.addEventListener('trace', ({ detail }) => this.trace.show(detail));
    feed.addEventListener('connection', () => {
      if (feed.state === 'live') return;
      this.trace.lost();
      this.#parts.read.disabled = false;
    });
  }

  /** Looks at another process from now on; null: at none. */
  look_at(pid) {
    if (pid === this.pid) return;
    this.pid = pid;
    this.#points = [];
    this.#running = null;
    this.trace.reset(pid);
    const p = this.#parts;
    set_text(p.title, pid ?? '');
    set_text(p.pid, '');
    p.state.replaceChildren();
    p.state_hint.hidden = false;
    p.read.disabled = false;
    p.notice.hidden = true;
    p.body.classList.add('loading');
    p.body.classList.remove('gone');
  }

  show(process, at, shows_state) {
    if (process.pid !== this.pid) return;
    this.#shows_state = shows_state;
    const p = this.#parts;
    p.body.classList.remove('loading');
    p.body.classList.toggle('gone', !process.alive);
    p.kill.hidden = !process.alive;
    if (!process.alive) {
      this.#tell_gone();
      return;
    }
    set_text(p.title, process.name || short_module(process.module) || process.pid);
    p.kind.className = `kind ${process.kind}`;
    set_text(p.pid, process.pid);
    for (const [, key, text] of facts) this.#fact(key, text(process));
    p.facts.status.dataset.status = process.status;
    p.facts.mailbox.classList.toggle('high', process.mailbox >= 1000);
    this.#tell_stuck(process, at);
    this.#show_ancestors(process.ancestors);
    this.#show_ties(process.inside);
    this.#show_messages(process);
    this.#show_plots(process, at);
    this.#allow(process);
  }

  read_state() {
    const p = this.#parts;
    if (p.read.disabled || p.read.hidden || !this.#feed.read_state(this.pid)) return;
    p.read.disabled = true;
    set_text(p.state_hint, 'Asking…');
    p.state_hint.hidden = false;
  }

  kill() { if (!this.#parts.kill.hidden) this.#kill(this.pid, this.#parts.title.textContent); }

  // --- showing ---

  #fact(key, text) {
    const cell = this.#parts.facts[key];
    set_text(cell, text);
    cell.parentElement.hidden = text === '';
  }

  #tell_gone() {
    const p = this.#parts;
    p.notice.hidden = false;
    p.notice.className = 'notice gone-notice';
    const next = this.#successor(this.pid);
    const text = next ? 'This process has ended. In its place now stands ' : 'This process has ended.';
    if (p.notice.dataset.text === text + next) return;
    p.notice.dataset.text = text + next;
    p.notice.replaceChildren(text, ...(next ? [process_link(next, next), '.'] : []));
  }

  /** It runs and spends nothing: it computes, or it is blocked. Or it does not even say who it is. */
  #tell_stuck({ status, reductions, silent }, at) {
    if (status !== 'running' || this.#running?.reductions !== reductions) this.#running = { reductions, since: at };
    const ran = at - this.#running.since;
    const { notice } = this.#parts;
    notice.className = 'notice';
    delete notice.dataset.text;
    notice.hidden = ran < stuck_after && silent < stuck_after;
    if (ran >= stuck_after) {
      set_text(notice, `It has been running for ${duration(ran)} without a pause: it computes, or its code blocks. What it is sent waits.`);
    } else if (silent >= stuck_after) {
      set_text(notice, `It has not answered for ${duration(silent)}. What is shown of its mailbox and ties is from before that.`);
    }
  }

  #show_ancestors(ancestors) {
    const { ancestors: list } = this.#parts;
    const text = ancestors.map(({ pid, name }) => `${pid}${name}`).join();
    if (list.dataset.text === text) return;
    list.dataset.text = text;
    list.replaceChildren(...ancestors.toReversed().map(({ pid, name }) => {
      const item = element('li');
      item.append(process_link(pid, name || pid));
      return item;
    }));
  }

  #show_ties(inside) {
    for (const [, key, nobody] of ties) {
      const list = this.#parts.ties[key];
      const text = JSON.stringify(inside?.[key] ?? null);
      if (list.dataset.text === text) continue;
      list.dataset.text = text;
      if (!inside) {
        list.replaceChildren(element('li', 'soft', 'Not known yet.'));
        continue;
      }
      const { some, count } = inside[key];
      const items = some.map(({ pid, name }) => {
        const item = element('li');
        item.append(process_link(pid, name || pid));
        if (name) item.append(' ', element('span', 'pid', pid));
        return item;
      });
      if (count > some.length) items.push(element('li', 'soft', `and ${number(count - some.length)} more`));
      list.replaceChildren(...(items.length > 0 ? items : [element('li', 'soft', nobody)]));
    }
  }

  #show_messages({ inside, mailbox }) {
    const { messages } = this.#parts;
    const types = inside?.messages ?? [];
    const text = JSON.stringify([types, mailbox > types.length]);
    if (messages.dataset.text === text) return;
    messages.dataset.text = text;
    const items = types.map((type) => {
      const item = element('li');
      item.append(element('code', '', type));
      return item;
    });
    if (items.length > 0 && mailbox > types.length) items.push(element('li', 'soft', 'and so on'));
    messages.replaceChildren(...(items.length > 0 ? items : [element('li', 'soft', inside ? 'None waits.' : 'Not known yet.')]));
  }

  #show_plots({ mailbox, reductions, busy }, at) {
    const last = this.#points.at(-1);
    const seconds = last ? (at - last.at) / 1000 : 0;
    if (last && seconds <= 0) return;
    const rate = last ? Math.max(0, (reductions - last.reductions) / seconds) : busy;
    this.#points = [...this.#points, { at, mailbox, reductions, rate }].slice(-points_kept);
    this.#parts.mailbox_plot.show(this.#points.map((p) => ({ at: p.at, values: [p.mailbox] })), at);
    this.#parts.busy_plot.show(this.#points.map((p) => ({ at: p.at, values: [p.rate] })), at);
  }

  #allow({ has_state, kind }) {
    const p = this.#parts;
    p.read.hidden = !has_state;
    this.trace.button.hidden = !this.#shows_state;
    if (p.state.childElementCount > 0 || p.read.disabled) return;
    p.state_hint.hidden = false;
    const reason = !this.#shows_state ? 'This node does not show states and messages: it was started so, as they may hold secrets.'
      : kind === 'process' ? 'A plain process keeps its state to itself. Those of behaviours can be asked.'
        : 'It is asked when you say so: it has to stop for it, and make a term of all its state.';
    set_text(p.state_hint, reason);
    if (!this.#shows_state) set_text(this.trace.hint, reason);
  }

  #show_state({ pid, text, problem }) {
    if (pid !== this.pid) return;
    const p = this.#parts;
    p.read.disabled = false;
    set_text(p.read, 'Read it again');
    p.state_hint.hidden = problem === undefined;
    set_text(p.state_hint, problem ?? '');
    p.state_hint.classList.toggle('problem', problem !== undefined);
    if (problem !== undefined) return;
    p.state.replaceChildren(element('code', '', pretty(text)));
  }

  // --- building ---

  #build(into) {
    const p = this.#parts;
    const head = element('div', 'process-head');
    const back = element('a', 'quiet back', 'All processes');
    back.href = '#processes';
    const titles = element('div', 'process-titles');
    p.title = element('h2');
    p.title.id = 'process-title';
    p.title.tabIndex = -1;
    p.kind = element('span', 'kind');
    p.pid = element('span', 'pid');
    p.kill = element('button', 'danger', 'Kill');
    p.kill.id = 'process-kill';
    p.kill.type = 'button';
    p.kill.addEventListener('click', () => this.kill());
    titles.append(p.kind, p.title, p.pid);
    head.append(back, titles, p.kill);
    p.notice = element('p', 'notice');
    p.notice.id = 'process-notice';
    p.notice.setAttribute('role', 'status');
    p.notice.hidden = true;
    p.body = element('div', 'process-body loading');
    const left = element('div', 'column');
    left.append(this.#build_facts(), this.#build_ties());
    p.body.append(left, this.#build_plots(), this.#build_state(), this.trace.node);
    into.append(head, p.notice, p.body);
  }

  #pane(title, id, ...children) {
    const pane = element('section', `pane ${id}`);
    const heading = element('h3', '', title);
    heading.id = `${id}-title`;
    pane.setAttribute('aria-labelledby', heading.id);
    const head = element('div', 'pane-head');
    head.append(heading);
    pane.append(head, ...children);
    return { pane, head };
  }

  #build_facts() {
    const p = this.#parts;
    p.facts = {};
    const list = element('dl', 'facts-list');
    for (const [name, key] of facts) {
      const row = element('div');
      p.facts[key] = element('dd');
      p.facts[key].dataset.of = key;
      row.append(element('dt', '', name), p.facts[key]);
      list.append(row);
    }
    p.ancestors = element('ol', 'ancestors');
    p.ancestors.setAttribute('aria-label', 'Started by, from the top');
    return this.#pane('Now', 'now', p.ancestors, list).pane;
  }

  #build_plots() {
    const p = this.#parts;
    p.mailbox_plot = new Plot({ title: 'Mailbox', format: short_number, least: 10, span: 300_000 });
    p.busy_plot = new Plot({ title: 'Reductions per second', format: short_number, least: 10, span: 300_000 });
    const plots = element('div', 'plots');
    plots.append(p.mailbox_plot.node, p.busy_plot.node);
    return plots;
  }

  #build_ties() {
    const p = this.#parts;
    p.ties = {};
    const columns = element('div', 'ties');
    for (const [name, key] of ties) {
      const column = element('div');
      p.ties[key] = element('ul', '');
      p.ties[key].dataset.of = key;
      column.append(element('h4', '', name), p.ties[key]);
      columns.append(column);
    }
    p.messages = element('ol', 'messages');
    p.messages.dataset.of = 'messages';
    const waiting = element('div');
    waiting.append(element('h4', '', 'First in its mailbox'), p.messages);
    columns.prepend(waiting);
    return this.#pane('Mailbox and ties', 'ties-pane', columns).pane;
  }

  #build_state() {
    const p = this.#parts;
    p.state = element('pre', 'state');
    p.state.id = 'state';
    p.state.tabIndex = 0;
    p.state.setAttribute('aria-label', 'State');
    p.state_hint = element('p', 'soft empty');
    p.state_hint.id = 'state-hint';
    p.state_hint.setAttribute('role', 'status');
    p.read = element('button', 'quiet', 'Read the state');
    p.read.id = 'read-state';
    p.read.type = 'button';
    p.read.addEventListener('click', () => this.read_state());
    const { pane, head } = this.#pane('State', 'state-pane', p.state_hint, p.state);
    head.append(p.read);
    return pane;
  }
}
