// Starts the program with the messaging server, and clients by @xmpp/client that wait for what must come.
import { spawn, spawnSync } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import WebSocket from 'ws';

// What newer versions of Node have by themselves.
globalThis.crypto ??= webcrypto;
globalThis.WebSocket = WebSocket;
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // the server's certificate is its own
const { client, xml } = await import('@xmpp/client');
export { WebSocket, xml };

const program = process.env.COPPICE_BIN;
const patience = 30_000; // ms until something that must come counts as missing

export class Server {
  constructor(...options) {
    this.options = options;
    this.folder = mkdtempSync(join(tmpdir(), 'coppice_xmpp_'));
    this.ports = { http: 0, starttls: 0, tls: 0, https: 0 };
    for (const user of ['alice', 'bob']) {
      const added = spawnSync(program, ['messaging', 'user', 'add', user, '--data', this.folder],
        { input: `pw-${user}\n` });
      if (added.status !== 0) throw new Error(`no account: ${added.stderr}`);
    }
  }

  /// Again at the same ports, once they are known.
  async start() {
    const { http, starttls, tls, https } = this.ports;
    this.process = spawn(program, ['run', '--port', `${http}`, '--data', this.folder,
      '--xmpp', `127.0.0.1:${starttls}`, '--xmpp-tls', `127.0.0.1:${tls}`, '--xmpp-https', `127.0.0.1:${https}`,
      ...this.options],
    { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: this.process.stdout })) {
      const [, kind, name, where] = line.split(' ');
      if (kind === 'xmpp') this.ports[name] = Number(where.split(':').at(-1));
      if (!kind.startsWith('http://')) continue;
      this.ports.http = Number(new URL(kind).port);
      return this;
    }
    throw new Error('the program ended');
  }

  async stop(signal = 'SIGTERM') {
    if (!this.process || this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill(signal);
    await ended;
  }

  async remove() {
    await this.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  url(entrance) {
    if (entrance === 'wss') return `wss://127.0.0.1:${this.ports.https}/xmpp-websocket`;
    if (entrance === 'websocket') return `ws://127.0.0.1:${this.ports.http}/xmpp-websocket`;
    return `${entrance === 'tls' ? 'xmpps' : 'xmpp'}://127.0.0.1:${this.ports[entrance]}`;
  }

  web(path) { return `http://127.0.0.1:${this.ports.http}${path}`; }

  secure_web(path) { return `https://127.0.0.1:${this.ports.https}${path}`; }
}

/// Waits until `holds` gives something; whatever may change it calls `changed`.
class Watch {
  #waiting = new Set();

  changed() { for (const look of this.#waiting) look(); }

  async until(holds, what) {
    const stop = new AbortController();
    let look;
    const found = new Promise((resolve) => {
      look = () => { const value = holds(); if (value) resolve(value); };
    });
    this.#waiting.add(look);
    look();
    try {
      const value = await Promise.race([found, after(patience, null, { signal: stop.signal })]);
      if (!value) throw new Error(`waited in vain for ${what()}`);
      return value;
    } finally {
      this.#waiting.delete(look);
      stop.abort();
    }
  }
}

export class Client {
  messages = [];
  presences = [];
  events = [];
  #watch = new Watch();

  constructor(server, user, entrance, { resource = '', password = `pw-${user}`, domain = 'localhost' } = {}) {
    this.xmpp = client({ service: server.url(entrance), domain, resource, username: user, password });
    this.xmpp.reconnect.delay = 50;
    for (const event of ['online', 'disconnect', 'offline', 'error']) {
      this.xmpp.on(event, (what) => this.#note(event === 'error' ? `error:${what.condition ?? what.code}` : event));
    }
    this.xmpp.streamManagement.on('resumed', () => this.#note('resumed'));
    this.xmpp.streamManagement.on('ack', () => this.#note('ack'));
    this.xmpp.on('stanza', (stanza) => {
      if (stanza.is('presence')) this.presences.push(stanza.attrs.from);
      if (stanza.is('message') && stanza.getChildText('body') !== null) this.messages.push(stanza);
      this.#watch.changed();
    });
    // The client has not taken an element into account yet when it tells of it.
    this.xmpp.on('element', () => setImmediate(() => this.#watch.changed()));
  }

  #note(event) { this.events.push(event); this.#watch.changed(); }

  /// Signs in and is available. The client miscounts what comes in one go with the answer to its wish for
  /// stream management, and would lose the session for that; so the answer is waited for.
  async enter() {
    this.address = await this.xmpp.start();
    await this.#watch.until(() => this.xmpp.streamManagement.enabled, () => 'stream management');
    await this.xmpp.send(xml('presence'));
    await this.#watch.until(() => this.presences.includes(this.address.toString()), () => 'its own presence');
    return this;
  }

  say(to, body) {
    return this.xmpp.send(xml('message', { to, type: 'chat', id: body }, xml('body', {}, body)));
  }

  bodies() { return this.messages.map((m) => m.getChildText('body')); }

  got(body) {
    return this.#watch.until(() => this.messages.find((m) => m.getChildText('body') === body),
      () => `the message ${body}; messages ${this.bodies()}, events ${this.events}`);
  }

  /// The event, for the n-th time.
  seen(event, times = 1) {
    return this.#watch.until(() => this.events.filter((e) => e === event).length >= times,
      () => `${event}; events ${this.events}`);
  }

  /// Cuts the connection without a word.
  cut() {
    const carrier = this.xmpp.socket.socket;
    if (carrier.terminate) carrier.terminate(); else (carrier.socket ?? carrier).destroy();
  }

  leave() { return this.xmpp.stop(); }
}
