// The trace of a process: what it sends and receives, as it comes, the latest first.
import { element, process_link, time_of_day } from './text.js';

const kept = 300;
const arrows = { send: '→', 'send to the dead': '→', receive: '←' };

export class Trace {
  on = false;

  #pid = null;
  #count = 0;

  /** `ask(pid, on)` gives false if there is no connection. */
  constructor(ask) {
    this.ask = ask;
    this.node = element('section', 'pane trace');
    this.node.setAttribute('aria-labelledby', 'trace-title');
    const head = element('div', 'pane-head');
    const title = element('h3', '', 'Trace');
    title.id = 'trace-title';
    this.button = element('button', 'quiet', 'Start the trace');
    this.button.type = 'button';
    this.button.id = 'trace-button';
    this.button.addEventListener('click', () => this.toggle());
    this.state = element('span', 'soft small');
    this.state.setAttribute('role', 'status');
    head.append(title, this.button, this.state);
    this.list = element('ol', 'events');
    this.list.tabIndex = 0;
    this.list.setAttribute('aria-labelledby', 'trace-title');
    this.hint = element('p', 'soft empty', 'Messages that it sends and receives, processes that it starts, links and its end. '
      + 'At most 100 a second are looked at; it ends when you leave this page, at the latest after five minutes.');
    this.node.append(head, this.hint, this.list);
  }

  /** Another process is looked at: the node has ended the trace by itself. */
  reset(pid) {
    this.#pid = pid;
    this.#count = 0;
    this.list.replaceChildren();
    this.#become(false, '');
  }

  /** The connection is new, and the node knows nothing of an earlier trace. */
  lost() { if (this.on) this.#become(false, 'The connection was lost, and the trace with it.'); }

  toggle() {
    if (this.button.disabled || !this.ask(this.#pid, !this.on)) return;
    if (this.on) this.#become(false, 'Stopped.');
    else this.#become(true, 'Waiting for events…');
  }

  show({ pid, events, paused, ended }) {
    if (pid !== this.#pid) return;
    this.list.prepend(...events.toReversed().map((event) => this.#item(event)));
    while (this.list.childElementCount > kept) this.list.lastElementChild.remove();
    this.#count += events.length;
    this.hint.hidden = this.#count > 0;
    if (ended) this.#become(false, ended === 'stopped' ? 'Stopped.' : `${ended[0].toUpperCase()}${ended.slice(1)}${ended.endsWith('.') ? '' : '.'}`);
    else if (paused) this.state.textContent = 'There was more than 100 events in a second: the rest is left out.';
    else if (events.length > 0) this.state.textContent = 'Running.';
  }

  #become(on, text) {
    this.on = on;
    this.button.textContent = on ? 'Stop the trace' : 'Start the trace';
    this.button.setAttribute('aria-pressed', String(on));
    this.state.textContent = text;
    this.hint.hidden = on || this.#count > 0;
  }

  #item({ at, what, other, content }) {
    const item = element('li', `event ${what.replaceAll(' ', '-')}`);
    const head = element('span', 'event-head');
    head.append(element('time', 'soft small', time_of_day(at)), element('span', 'event-what', `${arrows[what] ?? '·'} ${what}`));
    if (other) head.append(process_link(other.pid, other.name || other.pid, 'small'));
    item.append(head);
    if (content) item.append(element('code', 'event-content', content));
    return item;
  }
}
