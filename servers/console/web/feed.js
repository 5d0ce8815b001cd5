// The stream of snapshots from the node, and the kill request. See PROTOCOL.md.

const first_delay = 200;
const longest_delay = 5_000;
const silence = 10_000;
const closed_bad_token = 4403;

/** Events: `state` (read .state: connecting, live, waiting), `snapshot` (detail), `stale` (the token is of an earlier start). */
export class Feed extends EventTarget {
  state = 'connecting';

  #token;
  #socket = null;
  #tries = 0;
  #last_report = 0;
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
      this.#send({ type: 'hello', v: 1, token: this.#token, reports: this.#last_report });
      if (this.#watch) this.#send(this.#watch);
    };
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = (event) => this.#closed(event.code);
    this.#expect(silence);
  }

  /** What the page looks at from now on. */
  watch(open, limits, filter) {
    this.#watch = { type: 'watch', open, limits, filter };
    if (this.#socket?.readyState === WebSocket.OPEN) this.#send(this.#watch);
  }

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

  #send(frame) { this.#socket.send(JSON.stringify(frame)); }

  #receive(frame) {
    if (frame.type !== 'snapshot') return;
    this.#tries = 0;
    this.#expect(silence);
    this.#become('live');
    if (frame.reports.length > 0) this.#last_report = frame.reports.at(-1).seq;
    this.dispatchEvent(new CustomEvent('snapshot', { detail: frame }));
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
    this.dispatchEvent(new Event('state'));
  }
}
