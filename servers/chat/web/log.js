// The list of messages of the open conversation.
import { is_room } from './model.js';

const shown_messages = 300;
const same_group = 5 * 60_000;

const time_of_day = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

/** An element with a class and text; text is never taken for HTML. */
export function element(tag, class_name = '', text = '') {
  const made = document.createElement(tag);
  if (class_name) made.className = class_name;
  if (text) made.textContent = text;
  return made;
}

/** A coloured circle with the first letter of a name. */
export function avatar(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 997;
  const circle = element('span', `avatar hue-${sum % 8}`, is_room(name) ? '#' : name[0].toUpperCase());
  circle.setAttribute('aria-hidden', 'true');
  return circle;
}

/** [state, text] of an own message. */
function mark_of(message) {
  if (message.state !== 'sent') return message.state === 'failed' ? ['failed', 'Not sent'] : ['sending', 'Sending…'];
  const here = message.by.length;
  if (here === 0) return ['sent', 'Sent'];
  if (!is_room(message.to) || here >= (message.recipients ?? here)) return ['delivered', 'Delivered'];
  return ['sent', `Delivered to ${here} of ${message.recipients}`];
}

export class Log {
  #list;
  #newest;
  #send_again;
  #me = '';
  #last = null;
  #items = new Map();

  constructor(list, newest, send_again) {
    this.#list = list;
    this.#newest = newest;
    this.#send_again = send_again;
    newest.addEventListener('click', () => this.#to_end());
    list.addEventListener('scroll', () => { if (this.#at_end()) newest.hidden = true; });
    new ResizeObserver(() => { if (newest.hidden) this.#to_end(); }).observe(list);
  }

  /** Shows a whole conversation; the reader stays at its end. */
  show(me, messages) {
    this.#me = me;
    this.#last = null;
    this.#items.clear();
    // What is there already is not news to a screen reader.
    this.#list.setAttribute('aria-live', 'off');
    this.#list.replaceChildren();
    for (const message of messages.slice(-shown_messages)) this.#append(message);
    this.#to_end();
    setTimeout(() => this.#list.setAttribute('aria-live', 'polite'));
  }

  add(message) {
    const follow = message.from === this.#me || this.#at_end();
    this.#append(message);
    while (this.#list.childElementCount > 2 * shown_messages) this.#list.firstElementChild.remove();
    if (follow) this.#to_end();
    else this.#newest.hidden = false;
  }

  update(message) {
    const item = this.#items.get(message);
    if (item) this.#mark(item, message);
  }

  #append(message) {
    const last = this.#last;
    const new_day = !last || new Date(last.at).toDateString() !== new Date(message.at).toDateString();
    if (new_day) this.#list.append(element('div', 'day', day.format(message.at)));
    const grouped = !new_day && last.from === message.from && message.at - last.at < same_group;
    const item = this.#item(message, grouped);
    this.#list.append(item);
    this.#items.set(message, item);
    this.#last = message;
  }

  #item(message, grouped) {
    const own = message.from === this.#me;
    const item = element('div', `message${own ? ' own' : ''}${grouped ? ' grouped' : ''}`);
    item.dataset.id = message.id;
    item.dataset.from = message.from;
    if (!own) item.append(avatar(message.from));
    const bubble = element('div', 'bubble');
    bubble.append(element('span', own || grouped ? 'hidden' : 'author', own ? 'You' : message.from));
    bubble.append(element('p', 'text', message.text));
    const foot = element('div', 'foot');
    const time = element('time', '', time_of_day.format(message.at));
    time.dateTime = new Date(message.at).toISOString();
    foot.append(time);
    if (own) foot.append(element('span', 'mark'));
    bubble.append(foot);
    item.append(bubble);
    if (own) this.#mark(item, message);
    return item;
  }

  #mark(item, message) {
    const [state, text] = mark_of(message);
    item.dataset.state = state;
    const mark = item.querySelector('.mark');
    mark.textContent = state === 'failed' && message.problem ? `${text}: ${message.problem}` : text;
    if (state !== 'failed' || item.querySelector('.again')) return;
    const again = element('button', 'again', 'Send again');
    again.type = 'button';
    again.addEventListener('click', () => this.#send_again(message));
    item.querySelector('.foot').append(again);
  }

  #at_end() {
    return this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 48;
  }

  #to_end() {
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#newest.hidden = true;
  }
}
