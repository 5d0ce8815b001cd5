// The chat page: what is on the screen and what keys do. See PROTOCOL.md for what goes over the wire.
import { Connection } from './connection.js';
import { Log, avatar, element } from './log.js';
import { Model, is_room, name_rule, room_rule, text_problem } from './model.js';

const listed = 200;
const count_from = 3500;
const notice_for = 8000;
const by_id = (id) => document.getElementById(id);

const url = new URL('ws', location.href);
url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';

let open = null; // the open conversation
const looking_at = (key) => key === open && document.visibilityState === 'visible';
const model = new Model(sessionStorage, looking_at);
const connection = new Connection(url.href, () => model.hello());
const log = new Log(by_id('log'), by_id('newest'), (message) => { model.send_again(message); show_log(); });
model.attach(connection);

// --- signing in and out -------------------------------------------------------------------------------------------

function enter() {
  by_id('signin').hidden = true;
  by_id('app').hidden = false;
  by_id('me').textContent = model.user;
  connection.start();
  redraw();
}

by_id('signin-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = by_id('name').value.trim();
  if (!name_rule.test(name)) {
    by_id('name-error').textContent = 'Please use 1 to 32 letters, digits, dots, dashes or underscores.';
    by_id('name').focus();
    return;
  }
  by_id('name-error').textContent = '';
  model.user = name;
  enter();
});

by_id('signout').addEventListener('click', () => {
  connection.stop();
  model.sign_out();
  location.reload();
});

// --- the connection ------------------------------------------------------------------------------------------------

const state_texts = { connecting: 'Connecting…', online: 'Connected', waiting: 'Reconnecting…', stopped: 'Signed out' };

connection.addEventListener('state', () => {
  const { state } = connection;
  const sign = by_id('connection');
  sign.dataset.state = state;
  sign.textContent = state_texts[state];
  by_id('banner').hidden = state !== 'waiting' || connection.delay < 1000;
  by_id('banner-text').textContent = `No connection. Next try in ${Math.ceil(connection.delay / 1000)} s.`;
  if (state === 'stopped' && connection.problem) {
    model.sign_out();
    by_id('app').hidden = true;
    by_id('signin').hidden = false;
    by_id('name').value = model.user;
    by_id('name-error').textContent = connection.problem;
  }
});

by_id('retry').addEventListener('click', () => connection.retry());

// --- the lists -----------------------------------------------------------------------------------------------------

const plural = (count, one) => `${count} ${one}${count === 1 ? '' : 's'}`;
const find_text = () => by_id('find').value.trim();
const by_name = (a, b) => (a < b ? -1 : 1);

function entry(key, detail, state) {
  const conversation = model.conversations.get(key);
  const item = element('li');
  const button = element('button', `entry ${state}`);
  button.type = 'button';
  button.dataset.key = key;
  if (key === open) button.setAttribute('aria-current', 'true');
  const names = element('span', 'names');
  names.append(element('span', 'name', key), element('span', 'detail', detail));
  button.append(avatar(key), names);
  if (conversation?.unread) {
    const badge = element('span', 'badge', conversation.unread > 99 ? '99+' : String(conversation.unread));
    badge.append(element('span', 'hidden', ' unread'));
    button.append(badge);
  }
  item.append(button);
  return item;
}

function fill(list, keys, make, none) {
  const wanted = find_text().toLowerCase();
  const found = keys.filter((key) => key.toLowerCase().includes(wanted));
  const items = found.slice(0, listed).map(make);
  if (found.length > listed) items.push(element('li', 'none', `and ${found.length - listed} more: type to find them`));
  if (found.length === 0) items.push(element('li', 'none', wanted ? 'None found.' : none));
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  list.replaceChildren(...items);
  if (focused) [...list.querySelectorAll('button')].find((button) => button.dataset.key === focused)?.focus();
}

function redraw_rooms() {
  const rooms = [...model.rooms.keys()].sort((a, b) => {
    const [first, second] = [model.rooms.get(a).joined, model.rooms.get(b).joined];
    return first === second ? by_name(a, b) : Number(second) - Number(first);
  });
  fill(by_id('rooms'), rooms, (key) => {
    const { members, joined } = model.rooms.get(key);
    return entry(key, plural(members, 'member') + (joined ? '' : ' · not joined'), joined ? 'joined' : 'unjoined');
  }, 'No rooms yet. Type #name above to open one.');
}

function redraw_people() {
  const others = new Set(model.online);
  for (const key of model.conversations.keys()) if (!is_room(key)) others.add(key);
  others.delete(model.user);
  const people = [...others].sort((a, b) => {
    const [first, second] = [model.online.has(a), model.online.has(b)];
    return first === second ? by_name(a, b) : Number(second) - Number(first);
  });
  fill(by_id('people'), people, (key) => {
    const online = model.online.has(key);
    return entry(key, online ? 'online' : 'away', online ? 'online' : 'away');
  }, 'Nobody else is here yet.');
}

function redraw_find() {
  const text = find_text();
  by_id('find-problem').textContent = '';
  const choices = [];
  const bare = text.replace(/^#/, '');
  if (name_rule.test(bare)) {
    const room = `#${bare}`;
    if (!model.rooms.get(room)?.joined) choices.push([`${model.rooms.has(room) ? 'Join' : 'Open'} ${room}`, room]);
    if (text === bare && bare !== model.user) choices.push([`Write to ${bare}`, bare]);
  }
  by_id('find-actions').replaceChildren(...choices.map(([label, key]) => {
    const button = element('button', 'quiet', label);
    button.type = 'button';
    button.addEventListener('click', () => go_to(key));
    return button;
  }));
}

let redraw_asked = false;

/** Changes come in bursts (a hundred people signing in): the lists are drawn once for each picture on the screen. */
function redraw_soon() {
  if (redraw_asked) return;
  redraw_asked = true;
  requestAnimationFrame(() => { redraw_asked = false; redraw(); });
}

function redraw() {
  redraw_rooms();
  redraw_people();
  redraw_head();
  const unread = model.unread();
  document.title = unread ? `(${unread}) Coppice chat` : 'Coppice chat';
}

for (const id of ['rooms', 'people']) {
  by_id(id).addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button) go_to(button.dataset.key);
  });
}

by_id('find').addEventListener('input', () => { redraw_find(); redraw_soon(); });
by_id('find-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = find_text();
  if (name_rule.test(text) || room_rule.test(text)) go_to(text);
  else by_id('find-problem').textContent = 'A name has 1 to 32 letters, digits, dots, dashes or underscores.';
});

// --- the conversation ----------------------------------------------------------------------------------------------

const text_box = by_id('text');
const app = by_id('app');

/** Opens a conversation; a room is joined by opening it. */
function go_to(key) {
  if (is_room(key) && !model.rooms.get(key)?.joined) model.join(key);
  if (open) model.conversation(open).draft = text_box.value;
  open = key;
  by_id('find').value = '';
  redraw_find();
  app.dataset.pane = 'talk';
  by_id('empty').hidden = true;
  by_id('conversation').hidden = false;
  by_id('members-box').open = false;
  text_box.value = model.conversation(key).draft;
  text_changed();
  show_log();
  model.read(key);
  redraw();
  // On a phone the focus would cover half of the conversation with a keyboard.
  if (matchMedia('(pointer: fine)').matches) text_box.focus();
}

function close_conversation() {
  if (open) model.conversation(open).draft = text_box.value;
  open = null;
  by_id('empty').hidden = false;
  by_id('conversation').hidden = true;
  app.dataset.pane = 'lists';
  redraw();
}

function show_log() {
  log.show(model.user, model.conversation(open).messages);
}

function redraw_head() {
  if (!open) return;
  const room = is_room(open);
  const { joined = false, members = 0, names = [] } = model.rooms.get(open) ?? {};
  by_id('title').textContent = open;
  by_id('subtitle').textContent = room ? plural(members, 'member') : model.online.has(open) ? 'online' : 'away';
  by_id('members-box').hidden = !room || !joined;
  by_id('leave').hidden = !room || !joined;
  by_id('members').replaceChildren(...[...names].sort(by_name).map((name) => {
    const item = element('li', model.online.has(name) ? 'online' : 'away');
    item.append(avatar(name), element('span', 'name', name));
    item.append(element('span', 'detail', model.online.has(name) ? 'online' : 'away'));
    return item;
  }));
}

by_id('back').addEventListener('click', () => {
  const key = open;
  close_conversation();
  [...document.querySelectorAll('.entry')].find((button) => button.dataset.key === key)?.focus();
});
by_id('leave').addEventListener('click', () => { model.leave(open); close_conversation(); });

/** Shows how much room is left; true if the text can be sent. */
function text_changed() {
  text_box.rows = Math.min(6, text_box.value.split('\n').length);
  const text = text_box.value.trim();
  const problem = open && text ? text_problem(open, text) : null;
  const length = text.length > count_from ? [...text].length : 0;
  by_id('text-hint').textContent = problem ?? (length > count_from ? `${4000 - length} characters left` : '');
  by_id('text-hint').classList.toggle('problem', problem !== null);
  return text !== '' && problem === null;
}

function send() {
  if (!text_changed()) return;
  const text = text_box.value.trim().replaceAll('\0', '');
  model.send(open, text.toWellFormed?.() ?? text);
  text_box.value = '';
  model.conversation(open).draft = '';
  text_changed();
}

text_box.addEventListener('input', text_changed);
text_box.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
by_id('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  send();
  text_box.focus();
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  if (by_id('members-box').open) by_id('members-box').open = false;
  else if (open) by_id('back').click();
});
document.addEventListener('click', (event) => {
  const box = by_id('members-box');
  if (box.open && !box.contains(event.target)) box.open = false;
});
document.addEventListener('visibilitychange', () => {
  if (open && document.visibilityState === 'visible') model.read(open);
});

// --- what the model tells --------------------------------------------------------------------------------------------

model.addEventListener('change', redraw_soon);
model.addEventListener('message', ({ detail: message }) => {
  const key = is_room(message.to) || message.from === model.user ? message.to : message.from;
  if (key === open) log.add(message);
});
model.addEventListener('update', ({ detail: message }) => log.update(message));
let notice_timer = null;
model.addEventListener('notice', ({ detail: text }) => {
  by_id('notice').textContent = text;
  clearTimeout(notice_timer);
  notice_timer = setTimeout(() => { by_id('notice').textContent = ''; }, notice_for);
});

if (model.restore()) enter();
else by_id('name').focus();
