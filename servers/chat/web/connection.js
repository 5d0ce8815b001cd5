// A WebSocket that comes back by itself. It knows how to stay connected and nothing of conversations.

const first_delay = 150;
const longest_delay = 10_000;
const ping_every = 15_000;
const pong_within = 10_000;
const welcome_within = 10_000;
const stable_after = 5_000;

// After these codes the server would say no again.
const final_codes = new Set([4400, 4403, 4409]);

/**
 * Events: `state` (read .state and .delay), `frame` (detail: the parsed frame).
 * States: `stopped`, `connecting`, `online` (welcome came), `waiting` (for the next try).
 */
export class Connection extends EventTarget {
  state = 'stopped';
  /** Milliseconds until the next try, while `waiting`. */
  delay = 0;
  /** The last error that came before a final close, to be shown. */
  problem = '';

  #url;
  #hello;
  #socket = null;
  #tries = 0;
  #pings = 0;
  #timers = new Map();

  /** `hello` is called at each connect and gives the first frame. */
  constructor(url, hello) {
    super();
    this.#url = url;
    this.#hello = hello;
    globalThis.addEventListener('online', () => this.retry());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.retry();
    });
  }

  start() {
    this.problem = '';
    this.#tries = 0;
    this.#open();
  }

  stop() {
    this.#drop();
    this.#become('stopped');
  }

  /** Ends the wait for the next try, if there is one. */
  retry() {
    if (this.state === 'waiting') this.#open();
  }

  /** False if there is no connection; the frame is then gone. */
  send(frame) {
    if (this.state !== 'online' || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #open() {
    this.#drop();
    this.#become('connecting');
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify(this.#hello()));
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#closed(event.code);
    this.#after('welcome', welcome_within, () => this.#lost());
  }

  #receive(data) {
    this.#stop_timer('pong');
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    if (frame.type === 'welcome') {
      this.#stop_timer('welcome');
      this.#after('stable', stable_after, () => { this.#tries = 0; });
      this.#ping_later();
      this.#become('online');
    } else if (frame.type === 'error') {
      this.problem = String(frame.text ?? frame.code);
    }
    if (frame.type !== 'pong') this.dispatchEvent(new CustomEvent('frame', { detail: frame }));
  }

  #ping_later() {
    this.#after('ping', ping_every, () => {
      this.send({ type: 'ping', n: ++this.#pings });
      this.#after('pong', pong_within, () => this.#lost());
      this.#ping_later();
    });
  }

  #closed(code) {
    if (!final_codes.has(code)) return this.#lost();
    this.#drop();
    this.problem ||= `The server closed the connection (${code}).`;
    this.#become('stopped');
  }

  #lost() {
    this.#drop();
    const longest = Math.min(longest_delay, first_delay * 2 ** this.#tries);
    this.#tries += 1;
    this.delay = Math.round(longest * (0.5 + Math.random() / 2));
    this.#after('retry', this.delay, () => this.#open());
    this.#become('waiting');
  }

  #drop() {
    for (const name of [...this.#timers.keys()]) this.#stop_timer(name);
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event('state'));
  }

  #after(name, ms, action) {
    this.#stop_timer(name);
    this.#timers.set(name, setTimeout(action, ms));
  }

  #stop_timer(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}
