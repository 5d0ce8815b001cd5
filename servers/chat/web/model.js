// What a user has seen and said: conversations, the outbox, people and rooms. No page, no socket; only the rules of
// PROTOCOL.md (shown once, resent until accepted, in order within a conversation).

const kept_messages = 500;
const accept_within = 10_000;
const ack_after = 50;
const frame_limit = 16 * 1024;
const text_limit = 4000;

export const name_rule = /^[A-Za-z0-9._-]{1,32}$/;
export const room_rule = /^#[A-Za-z0-9._-]{1,32}$/;
export const is_room = (key) => key.startsWith('#');

const new_id = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(15));
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_');
};

/** Null if `text` can be sent to `to`, else what is wrong with it. */
export function text_problem(to, text) {
  const points = [...text].length;
  if (points > text_limit) return `${points - text_limit} characters too long`;
  const frame = JSON.stringify({ type: 'send', id: 'x'.repeat(20), to, text });
  return new TextEncoder().encode(frame).length > frame_limit ? 'Too long' : null;
}

/**
 * Events: `change` (people, rooms, unread, state), `message` and `update` (detail: the message; new, or with a new mark),
 * `notice` (detail: a text for the user).
 */
export class Model extends EventTarget {
  user = null;
  online = new Set();
  online_total = 0;
  rooms = new Map();         // name -> { members: number, joined: bool, names: [] }
  conversations = new Map(); // user or #room -> { messages: [], unread: number, draft: '' }

  #connection = null;
  #storage;
  #epoch = null;
  #seq = 0;
  #known = new Map();        // "from id" -> message
  #outbox = [];              // own messages not yet accepted, oldest first
  #in_flight = new Map();    // id -> timer
  #wanted = new Map();       // room -> 'join' | 'leave', until the server says it is so
  #ack_timer = null;
  #looking_at = () => false;

  constructor(storage, looking_at) {
    super();
    this.#storage = storage;
    this.#looking_at = looking_at;
  }

  /** Takes back what this tab knew before a reload. False if nobody was signed in. */
  restore() {
    const saved = JSON.parse(this.#storage.getItem('coppice-chat') ?? 'null');
    if (!saved) return false;
    this.user = saved.user;
    this.#epoch = saved.epoch;
    this.#seq = saved.seq;
    for (const [key, messages] of saved.conversations) {
      for (const message of messages) this.#keep(key, message);
    }
    const unsent = new Set(saved.outbox);
    for (const message of this.#known.values()) if (unsent.has(message.id)) this.#outbox.push(message);
    this.#outbox.sort((a, b) => saved.outbox.indexOf(a.id) - saved.outbox.indexOf(b.id));
    return true;
  }

  attach(connection) {
    this.#connection = connection;
    connection.addEventListener('frame', (event) => this.#take(event.detail));
    connection.addEventListener('state', () => {
      if (connection.state !== 'online') this.#forget_flights();
    });
  }

  hello() {
    const frame = { type: 'hello', v: 1, user: this.user };
    if (this.#epoch) frame.resume = { epoch: this.#epoch, seq: this.#seq };
    return frame;
  }

  sign_out() {
    this.#forget_flights();
    clearTimeout(this.#ack_timer);
    this.#storage.removeItem('coppice-chat');
  }

  conversation(key) {
    if (!this.conversations.has(key)) this.conversations.set(key, { messages: [], unread: 0, draft: '' });
    return this.conversations.get(key);
  }

  unread() {
    let sum = 0;
    for (const conversation of this.conversations.values()) sum += conversation.unread;
    return sum;
  }

  read(key) {
    const conversation = this.conversation(key);
    if (conversation.unread === 0) return;
    conversation.unread = 0;
    this.#changed();
  }

  send(to, text) {
    const message = { id: new_id(), from: this.user, to, text, at: Date.now(), state: 'sending', by: [] };
    this.#keep(to, message);
    this.#outbox.push(message);
    this.#save();
    this.#tell('message', message);
    this.#pump();
  }

  /** For a message that was refused: as a new one, at the end. */
  send_again(message) {
    const messages = this.conversation(message.to).messages;
    messages.splice(messages.indexOf(message), 1);
    this.#known.delete(`${message.from} ${message.id}`);
    this.send(message.to, message.text);
  }

  join(room) { this.#want(room, 'join'); }
  leave(room) { this.#want(room, 'leave'); }

  #want(room, what) {
    this.#wanted.set(room, what);
    this.#connection.send({ type: what, room });
  }

  // --- frames -------------------------------------------------------------------------------------------------------

  #take(frame) {
    const handlers = {
      welcome: () => this.#welcome(frame),
      message: () => this.#event(frame, () => this.#message(frame)),
      delivered: () => this.#event(frame, () => this.#delivered(frame)),
      accepted: () => this.#accepted(frame),
      presence: () => this.#presence(frame),
      online: () => this.#people(frame),
      rooms: () => this.#rooms(frame),
      room: () => this.#room(frame),
      left: () => this.#left(frame),
      error: () => this.#error(frame),
    };
    handlers[frame.type]?.();
  }

  #welcome(frame) {
    if (frame.epoch !== this.#epoch) {
      // Where the numbering began again, the memberships may be gone too; joining again does no harm.
      if (this.#epoch) for (const [room, { joined }] of this.rooms) if (joined) this.#wanted.set(room, 'join');
      this.#epoch = frame.epoch;
      this.#seq = 0;
    }
    this.#people(frame);
    for (const [room, what] of this.#wanted) this.#connection.send({ type: what, room });
    this.#ack();
    this.#pump();
  }

  /** An event of the mailbox: taken once, then acked. */
  #event(frame, take) {
    if (frame.seq <= this.#seq) return;
    take();
    this.#seq = frame.seq;
    this.#ack_timer ??= setTimeout(() => this.#ack(), ack_after);
  }

  #ack() {
    clearTimeout(this.#ack_timer);
    this.#ack_timer = null;
    this.#save();
    if (this.#seq > 0) this.#connection.send({ type: 'ack', seq: this.#seq });
  }

  #message(frame) {
    const known = this.#known.get(`${frame.from} ${frame.id}`);
    if (known) return;
    const { id, from, to, text, at } = frame;
    const message = { id, from, to, text, at, state: 'sent', by: [] };
    const key = is_room(to) || from === this.user ? to : from;
    const conversation = this.#keep(key, message);
    if (from !== this.user && !this.#looking_at(key)) conversation.unread += 1;
    this.#tell('message', message);
    this.#changed();
  }

  #delivered(frame) {
    const message = this.#known.get(`${this.user} ${frame.id}`);
    if (!message || message.by.includes(frame.by)) return;
    message.by.push(frame.by);
    this.#tell('update', message);
  }

  #accepted(frame) {
    const message = this.#landed(frame.id);
    if (!message) return;
    message.state = 'sent';
    message.recipients = frame.recipients;
    this.#save();
    this.#tell('update', message);
    this.#pump();
  }

  #people(frame) {
    this.online = new Set(frame.online);
    this.online_total = frame.online_total;
    this.#changed();
  }

  #presence(frame) {
    const before = this.online.size;
    if (frame.online) this.online.add(frame.user);
    else this.online.delete(frame.user);
    this.online_total += this.online.size - before;
    this.#changed();
  }

  #rooms(frame) {
    const names = new Map([...this.rooms].map(([room, { names }]) => [room, names]));
    this.rooms = new Map(frame.rooms.map(({ room, members, joined }) =>
      [room, { members, joined, names: joined ? names.get(room) ?? [] : [] }]));
    this.#changed();
  }

  #room(frame) {
    const joined = frame.members.includes(this.user);
    this.rooms.set(frame.room, { members: frame.members.length, joined, names: frame.members });
    if (joined && this.#wanted.get(frame.room) === 'join') this.#wanted.delete(frame.room);
    this.#changed();
  }

  #left(frame) {
    if (this.#wanted.get(frame.room) === 'leave') this.#wanted.delete(frame.room);
    const room = this.rooms.get(frame.room);
    if (room?.joined) Object.assign(room, { joined: false, members: room.members - 1, names: [] });
    if (room?.members === 0) this.rooms.delete(frame.room);
    this.#changed();
  }

  #error(frame) {
    if (frame.retry !== undefined) {
      clearTimeout(this.#in_flight.get(frame.id));
      if (frame.id) this.#in_flight.set(frame.id, setTimeout(() => this.#try_again(frame.id), frame.retry));
      else setTimeout(() => this.#repeat(frame.room), frame.retry);
      return;
    }
    const message = frame.id && this.#landed(frame.id);
    if (message) {
      message.state = 'failed';
      message.problem = frame.text;
      this.#save();
      this.#tell('update', message);
      this.#pump();
    } else {
      if (frame.room) this.#wanted.delete(frame.room);
      this.#tell('notice', frame.text);
    }
  }

  #repeat(room) {
    if (room && this.#wanted.has(room)) this.#connection.send({ type: this.#wanted.get(room), room });
    if (!room) this.#ack_timer ??= setTimeout(() => this.#ack(), ack_after);
  }

  // --- the outbox: one message in flight for each conversation, so that their order stays -----------------------------

  #pump() {
    const busy = new Set();
    for (const message of this.#outbox) {
      if (!busy.has(message.to) && !this.#in_flight.has(message.id)) this.#fly(message);
      busy.add(message.to);
    }
  }

  #fly({ id, to, text }) {
    if (!this.#connection.send({ type: 'send', id, to, text })) return;
    this.#in_flight.set(id, setTimeout(() => this.#try_again(id), accept_within));
  }

  #try_again(id) {
    this.#in_flight.delete(id);
    this.#pump();
  }

  #landed(id) {
    clearTimeout(this.#in_flight.get(id));
    this.#in_flight.delete(id);
    const at = this.#outbox.findIndex((message) => message.id === id);
    return at < 0 ? null : this.#outbox.splice(at, 1)[0];
  }

  #forget_flights() {
    for (const timer of this.#in_flight.values()) clearTimeout(timer);
    this.#in_flight.clear();
  }

  // --- keeping ------------------------------------------------------------------------------------------------------

  #keep(key, message) {
    const conversation = this.conversation(key);
    conversation.messages.push(message);
    this.#known.set(`${message.from} ${message.id}`, message);
    if (conversation.messages.length > kept_messages) {
      const oldest = conversation.messages.shift();
      if (oldest.state !== 'sending') this.#known.delete(`${oldest.from} ${oldest.id}`);
    }
    return conversation;
  }

  #save() {
    const conversations = [...this.conversations].map(([key, { messages }]) => [key, messages.slice(-100)]);
    const outbox = this.#outbox.map(({ id }) => id);
    const state = { user: this.user, epoch: this.#epoch, seq: this.#seq, conversations, outbox };
    try {
      this.#storage.setItem('coppice-chat', JSON.stringify(state));
    } catch {
      // A full storage costs the history over a reload, nothing else.
      this.#storage.removeItem('coppice-chat');
    }
  }

  #changed() { this.dispatchEvent(new Event('change')); }
  #tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }
}
