// What comes from the node, and what is asked of it. See PROTOCOL.md.

const first_delay = 200;
const longest_delay = 5_000;
const silence = 10_000;
const closed_bad_token = 4403;

/**
 * Events: `connection` (read .state: connecting, live, waiting), `snapshot`, `state`, `trace` (the frames, as detail), `stale`
 * (the token is of an earlier start).
 */
export class Feed extends EventTarget {
  state = 'connecting';

  #token;
  #socket = null;
  #tries = 0;
  #last_report = 0;
  #last_point = 0;
  #watch = null;
  #timer = null;

  constructor(token) {
    super();
    this.#token = token;
  }

  start() {
    const url = new URL('ws', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#send({ type: 'hello', v: 1, token: this.#token, reports: this.#last_report,
        points: this.#last_point });
      if (this.#watch) this.#send(this.#watch);
    };
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = (event) => this.#closed(event.code);
    this.#expect(silence);
  }

  /** What the page looks at from now on. */
  watch(what) {
    const frame = structuredClone({ type: 'watch', ...what }); // what it was made of may change
    if (JSON.stringify(frame) === JSON.stringify(this.#watch)) return;
    this.#watch = frame;
    this.#send(frame);
  }

  /** Asks for the state of a process: `state` comes. */
  read_state(pid) { return this.#send({ type: 'state', pid }); }

  /** Turns the trace of a process on or off: `trace` comes. */
  trace(pid, on) { return this.#send({ type: 'trace', pid, on }); }

  /** Tries at once, instead of waiting for the next time. */
  hurry() { if (this.state === 'waiting') { this.#drop(); this.start(); } }

  /** Null if it is done, else what went wrong. */
  async kill(pid) {
    try {
      const answer = await fetch('api/kill', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Coppice-Token': this.#token },
        body: JSON.stringify({ pid }),
      });
      if (answer.ok) return null;
      const { error } = await answer.json();
      return error.text;
    } catch {
      return `No answer from the node about ${pid}.`;
    }
  }

  /** False if there is no connection. */
  #send(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #receive(frame) {
    this.#tries = 0;
    this.#expect(silence);
    this.#become('live');
    if (frame.reports?.length > 0) this.#last_report = frame.reports.at(-1).seq;
    if (frame.points?.length > 0) this.#last_point = frame.points.at(-1).at;
    this.dispatchEvent(new CustomEvent(frame.type, { detail: frame }));
  }

  #closed(code) {
    this.#drop();
    if (code === closed_bad_token) {
      this.dispatchEvent(new Event('stale'));
      return;
    }
    const longest = Math.min(longest_delay, first_delay * 2 ** this.#tries);
    this.#tries += 1;
    this.#become('waiting');
    this.#timer = setTimeout(() => this.start(), longest * (0.5 + Math.random() / 2));
  }

  /** Takes the connection for dead if nothing comes for so long. */
  #expect(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#closed(0), ms);
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event('connection'));
  }
}
