// The console: what it shows, what it does, and whom it refuses.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, afterEach, before } from 'node:test';
import { Stage, fresh, test } from './harness.js';

let stage;
before(async () => { stage = await Stage.open(); });
afterEach(() => stage.clear());
after(() => stage?.close());

/** One request as any program can make it, with whatever Host and Origin. */
function ask(path, { method = 'GET', headers = {}, body } = {}) {
  const url = new URL(path, stage.node.url);
  return new Promise((resolve, reject) => {
    const made = request({ host: url.hostname, port: url.port, path: url.pathname + url.search, method, headers: {
      Host: url.host, ...headers, ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
    } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part) => { text += part; });
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text,
        json: () => JSON.parse(text) }));
    });
    made.on('upgrade', (answer, socket) => {
      socket.destroy();
      resolve({ status: answer.statusCode, headers: answer.headers, text: '' });
    });
    made.on('error', reject);
    made.end(body);
  });
}

const own_origin = () => new URL(stage.node.url).origin;

async function token() {
  const { text } = await ask('console/');
  const found = /<meta name="coppice-token" content="([A-Za-z0-9_-]{43})">/.exec(text);
  assert.ok(found, 'the page has a token of 32 bytes');
  return found[1];
}

const kill_headers = async () =>
  ({ 'X-Coppice-Token': await token(), 'Content-Type': 'application/json', Origin: own_origin() });

async function pid_of(name) {
  const answer = await ask(`console/api/tree?filter=${encodeURIComponent(name)}`, { headers: { 'X-Coppice-Token': await token() } });
  assert.equal(answer.status, 200, answer.text);
  return answer.json().processes.find((process) => process.name === name)?.pid;
}

function refused(answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers['content-type'], /^application\/json/);
  const { error } = answer.json();
  assert.equal(error.code, code);
  assert.ok(error.text.length > 0);
}

test('shows the node and its supervision tree', async () => {
  const user = await stage.person(fresh('ann'));
  const { page } = await stage.console();
  await page.locator('#connection[data-state="live"]').waitFor();
  await page.locator('#node').filter({ hasText: '@' }).waitFor();
  await page.getByRole('navigation').getByRole('link', { name: 'Tree' }).waitFor();
  assert.match(await page.locator('#uptime').textContent(), /\d+ s$/);
  assert.ok(Number((await page.locator('#processes').textContent()).replaceAll(',', '')) >= 8);
  assert.match(await page.locator('#memory').textContent(), /^[\d.]+ [KMG]iB$/);
  const row = page.locator('#rows tr[data-name="session_sup"]');
  await row.getByRole('button', { name: 'Open session_sup' }).click();
  const session = page.locator(`#rows tr[data-name="session:${user.name}"]`);
  await session.waitFor();
  assert.match(await session.getAttribute('data-pid'), /^<\d+\.\d+\.\d+>$/);
  await session.locator('[data-of="mailbox"]').filter({ hasText: /^\d+$/ }).waitFor();
  await session.locator('[data-of="reductions"]').filter({ hasText: /^[\d,.]+[KMB]?$/ }).waitFor({ state: 'attached' });
  await row.getByRole('button', { name: 'Close session_sup' }).click();
  await session.waitFor({ state: 'detached' });
});

test('finds processes by name, and clears', async () => {
  const user = await stage.person(fresh('ann'));
  const { page } = await stage.console();
  await page.getByLabel(/^Filter processes/).fill(`SESSION:${user.name}`);
  await page.locator(`#rows tr[data-name="session:${user.name}"]`).waitFor();
  await page.getByRole('status').filter({ hasText: '1 found' }).waitFor();
  await page.locator('#rows tr[data-name="room_sup"]').waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await page.locator('#rows tr[data-name="room_sup"]').waitFor();
});

test('a kill is marked, restarted, counted and reported', async () => {
  const user = await stage.person(fresh('ann'));
  const name = `session:${user.name}`;
  const watcher = await stage.console();
  const pid = await watcher.kill(name);
  await watcher.back(name, pid);
  await watcher.row(name).locator('[data-of="restarts"]').filter({ hasText: /^[1-9]/ }).waitFor();
  const report = watcher.page.locator('#reports .report.restarted').filter({ hasText: name }).filter({ hasText: pid });
  await report.first().waitFor();
  await report.first().getByText('Full report').click();
  await report.first().locator('pre').filter({ hasText: 'killed' }).waitFor();
  await user.connected();
});

test('the pages lead to each other', async () => {
  const { page } = await stage.console();
  await page.getByRole('link', { name: 'Chat', exact: true }).click();
  await page.getByRole('link', { name: 'Look inside the node' }).click();
  await page.getByRole('slider', { name: 'Messages per second' }).waitFor();
});

test('the tree walks by arrow keys', async () => {
  const { page } = await stage.console();
  await page.locator('#rows tr[data-name="chat_sup"]').waitFor();
  await page.locator('#rows tr').first().focus();
  await page.keyboard.press('ArrowDown');
  const second = await page.locator('#rows tr').nth(1).getAttribute('data-key');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.key), second);
});

test('a page asks for more children only when told, and draws no more than it was sent', async () => {
  const all = 10_000;
  const page = await stage.page('chat/');
  const watches = [];
  await page.routeWebSocket(/\/console\/ws$/, (socket) => {
    const node = { name: 'big@node', version: '0', uptime: 1000, processes: all, workers: 2, run_queue: 0, memory: 1,
      messages_per_s: 0, restarts: 0 };
    const place = (key, parent, more) => ({ key, parent, pid: `<0.${key.length}.1>`, name: key, kind: 'supervisor',
      module: 'm', status: 'waiting', mailbox: 0, reductions: 0, restarts: 0, ...more });
    socket.onMessage((text) => {
      const frame = JSON.parse(text);
      if (frame.type === 'watch') watches.push(frame);
      const limit = frame.limits?.root ?? 100;
      const children = Array.from({ length: limit }, (_, n) => place(`root/${n}`, 'root', { kind: 'process' }));
      socket.send(JSON.stringify({ type: 'snapshot', v: 1, at: 0, node, reports: [],
        processes: [place('root', null, { children: all }), ...children] }));
    });
  });
  await page.goto(new URL('console/#tree', stage.node.url).href);
  const more = page.locator('#rows tr.more');
  await more.filter({ hasText: '100 of 10,000 shown' }).waitFor();
  await more.getByRole('button', { name: 'Show more' }).click();
  await more.filter({ hasText: '300 of 10,000 shown' }).waitFor();
  assert.equal(watches.at(-1).limits.root, 300);
  assert.equal(await page.locator('#rows tr').count(), 302);
});

test('the pages carry a strict content policy, and the console page is never stored', async () => {
  for (const path of ['chat/', 'chat/chat.js', 'console/', 'console/console.js']) {
    const { status, headers } = await ask(path);
    assert.equal(status, 200, path);
    assert.match(headers['content-security-policy'], /default-src 'none'/, path);
    assert.doesNotMatch(headers['content-security-policy'], /unsafe/, path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
  }
  assert.equal((await ask('console/')).headers['cache-control'], 'no-store');
});

test('another Host is refused everywhere, the token with it', async () => {
  const { port } = new URL(stage.node.url);
  for (const host of [`evil.example:${port}`, 'evil.example', `127.0.0.1.evil.example:${port}`, '127.0.0.1:1']) {
    for (const path of ['chat/', 'console/', 'console/api/tree']) {
      const answer = await ask(path, { headers: { Host: host } });
      refused(answer, 403, 'bad_host');
      assert.doesNotMatch(answer.text, /coppice-token/);
    }
  }
  assert.equal((await ask('console/', { headers: { Host: `localhost:${port}` } })).status, 200);
});

test('a kill needs the right token, Origin and form, and kills nothing else', async () => {
  const user = await stage.person(fresh('ann'));
  const pid = await pid_of(`session:${user.name}`);
  const body = JSON.stringify({ pid });
  const right = await kill_headers();
  const kill = (change, what = body) =>
    ask('console/api/kill', { method: 'POST', headers: { ...right, ...change }, body: what });
  const without = (name) => Object.fromEntries(Object.entries(right).filter(([key]) => key !== name));

  refused(await kill({ Host: 'evil.example' }), 403, 'bad_host');
  refused(await kill({ Origin: 'http://evil.example' }), 403, 'bad_origin');
  refused(await kill({ Origin: 'null' }), 403, 'bad_origin');
  refused(await kill({ Origin: own_origin().replace('http:', 'https:') }), 403, 'bad_origin');
  refused(await ask('console/api/kill', { method: 'POST', headers: without('Origin'), body }), 403, 'bad_origin');
  refused(await kill({ 'X-Coppice-Token': 'A'.repeat(43) }), 403, 'bad_token');
  refused(await kill({ 'X-Coppice-Token': right['X-Coppice-Token'].slice(0, -1) }), 403, 'bad_token');
  refused(await ask('console/api/kill', { method: 'POST', headers: without('X-Coppice-Token'), body }), 403, 'bad_token');
  refused(await kill({ 'Content-Type': 'text/plain' }), 415, 'bad_type');
  refused(await kill({}, '{'), 400, 'bad_request');
  refused(await kill({}, '{"pid":7}'), 400, 'bad_request');
  refused(await kill({}, '{"pid":"root_sup"}'), 400, 'bad_request');
  refused(await kill({}, `{"pid":"${'9'.repeat(5000)}"}`), 413, 'too_big');
  refused(await kill({}, '{"pid":"<0.67108863.1>"}'), 404, 'no_process');
  refused(await ask('console/api/kill', { headers: right }), 405, 'bad_method');
  assert.equal(await pid_of(`session:${user.name}`), pid, 'the session still runs');

  const done = await kill({});
  assert.deepEqual([done.status, done.json()], [200, { ok: true, pid }]);
  refused(await kill({}), 404, 'no_process');
});

test('the tree needs the token too', async () => {
  refused(await ask('console/api/tree'), 403, 'bad_token');
  refused(await ask('console/api/tree', { headers: { 'X-Coppice-Token': 'no' } }), 403, 'bad_token');
  refused(await ask('console/api/tree', { headers: { 'X-Coppice-Token': await token(), Origin: 'http://evil.example' } }),
    403, 'bad_origin');
});

test('WebSockets of other origins are refused, and one without the token is closed', async () => {
  const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
  for (const path of ['chat/ws', 'console/ws']) {
    refused(await ask(path, { headers: { ...upgrade, Origin: 'http://evil.example' } }), 403, 'bad_origin');
    refused(await ask(path, { headers: upgrade }), 403, 'bad_origin');
    refused(await ask(path, { headers: { ...upgrade, Origin: own_origin(), Host: 'evil.example' } }), 403, 'bad_host');
    assert.equal((await ask(path, { headers: { ...upgrade, Origin: own_origin() } })).status, 101);
  }
  const { page } = await stage.console();
  const closed_with = (first) => page.evaluate((frame) => new Promise((resolve) => {
    const socket = new WebSocket(`ws://${location.host}/console/ws`);
    socket.onopen = () => socket.send(frame);
    socket.onmessage = () => resolve('a snapshot');
    socket.onclose = ({ code }) => resolve(code);
  }), JSON.stringify(first));
  assert.equal(await closed_with({ type: 'hello', v: 1, token: 'B'.repeat(43), reports: 0 }), 4403);
  assert.equal(await closed_with({ type: 'watch', open: [], limits: {}, filter: '' }), 4401);
  assert.equal(await closed_with({ type: 'hello', v: 1, token: await token(), reports: 0 }), 'a snapshot');
});
