// What a user of @xmpp/client sees of the messaging server, over WebSocket and over TCP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, Server, WebSocket, xml } from './client_harness.js';

const entrances = ['websocket', 'wss', 'tls', 'starttls'];

function on_a_server(name, body, ...options) {
  test(name, async () => {
    const server = new Server(...options);
    const clients = [];
    const come = (...what) => {
      clients.push(new Client(server, ...what));
      return clients.at(-1);
    };
    try {
      await server.start();
      await body(server, come);
    } finally {
      for (const one of clients) one.xmpp.reconnect.stop();
      await Promise.all(clients.map((one) => one.leave().catch(() => {})));
      await server.remove();
    }
  });
}

on_a_server('signs_in_over_each_entrance', async (_, come) => {
  for (const entrance of entrances) {
    const alice = await come('alice', entrance, { resource: entrance }).enter();
    assert.equal(alice.address.toString(), `alice@localhost/${entrance}`);
    const answer = await alice.xmpp.iqCaller.get(xml('ping', { xmlns: 'urn:xmpp:ping' }), 'localhost');
    assert.equal(answer, undefined);
    await alice.leave();
    assert.deepEqual(alice.events.filter((e) => e.startsWith('error')), []);
  }
});

on_a_server('messages_go_both_ways', async (_, come) => {
  for (const entrance of entrances) {
    const alice = await come('alice', 'websocket', { resource: `a-${entrance}` }).enter();
    const bob = await come('bob', entrance, { resource: `b-${entrance}` }).enter();
    await alice.say('bob@localhost', `to all of bob over ${entrance}`);
    const first = await bob.got(`to all of bob over ${entrance}`);
    assert.equal(first.attrs.from, `alice@localhost/a-${entrance}`);
    await bob.say(alice.address.toString(), 'to one of alice: <&"> ☃');
    await alice.got('to one of alice: <&"> ☃');
    const numbers = Array.from({ length: 300 }, (_, i) => `${i}`);
    await Promise.all(numbers.map((n) => alice.say(bob.address.toString(), n)));
    await bob.got('299');
    assert.deepEqual(bob.bodies().slice(1), numbers, 'in order, each once');
    await alice.leave();
    await bob.leave();
  }
});

// XEP-0156, section 3
on_a_server('asks_where_the_websocket_is', async (server) => {
  const rel = 'urn:xmpp:alt-connections:websocket';
  const href = server.url('websocket');
  const json = await fetch(server.web('/.well-known/host-meta.json'), { headers: { Origin: 'https://elsewhere.example' } });
  assert.equal(json.headers.get('access-control-allow-origin'), '*');
  assert.deepEqual(await json.json(), { links: [{ rel, href }] });
  const xrd = await fetch(server.web('/.well-known/host-meta'));
  assert.equal(xrd.headers.get('access-control-allow-origin'), '*');
  assert.match(xrd.headers.get('content-type'), /^application\/xrd\+xml/);
  const text = await xrd.text();
  assert.ok(text.includes(`rel="${rel}"`) && text.includes(`href="${href}"`), text);
  const secure = await fetch(server.secure_web('/.well-known/host-meta.json'));
  assert.deepEqual(await secure.json(), { links: [{ rel, href: server.url('wss') }] });
});

on_a_server('serves_browsers_over_tls_and_administers_nothing_there', async (server) => {
  const status = async (path, more) => (await fetch(server.secure_web(path), more)).status;
  const page = await fetch(server.secure_web('/'));
  assert.equal(new URL(page.url).pathname, '/messaging/');
  assert.ok(!(await page.text()).includes('console'), 'no way to the supervision');
  assert.equal(await status('/upload/nothing/x'), 404);
  for (const path of ['/console/', '/console/api/tree', '/metrics', '/api/messaging/users', '/chat/']) {
    assert.equal(await status(path), 404, path);
    assert.notEqual((await fetch(server.web(path))).status, 404, path);
  }
});

on_a_server('resumes_a_lost_connection', async (_, come) => {
  const alice = await come('alice', 'tls').enter();
  for (const entrance of entrances) {
    const bob = await come('bob', entrance, { resource: entrance }).enter();
    await alice.say(bob.address.toString(), 'before');
    await bob.got('before');
    bob.cut();
    await bob.seen('disconnect');
    await alice.say(bob.address.toString(), 'while it was gone');
    await bob.seen('resumed');
    await bob.got('while it was gone');
    assert.deepEqual(bob.bodies(), ['before', 'while it was gone'], 'each once');
    await bob.leave();
  }
});

on_a_server('comes_back_after_a_restart', async (server, come) => {
  for (const entrance of entrances) {
    const alice = await come('alice', 'tls', { resource: `a-${entrance}` }).enter();
    const bob = await come('bob', entrance, { resource: `b-${entrance}` }).enter();
    await alice.say('bob@localhost', 'before');
    await bob.got('before');
    await server.stop();
    await Promise.all([alice.seen('disconnect'), bob.seen('disconnect')]);
    await server.start();
    await Promise.all([alice.seen('online', 2), bob.seen('online', 2)]);
    await alice.say(bob.address.toString(), 'after');
    await bob.got('after');
    await alice.leave();
    await bob.leave();
  }
});

on_a_server('refuses_wrong_passwords', async (_, come) => {
  for (const entrance of entrances) {
    const alice = come('alice', entrance, { password: 'wrong' });
    await assert.rejects(alice.enter(), /not-authorized/);
  }
});

/// Whether a page of that origin gets its WebSocket; '': it is no page.
async function is_let_in(server, origin, entrance = 'websocket') {
  const socket = new WebSocket(server.url(entrance), ['xmpp'], origin ? { origin } : {});
  return new Promise((resolve) => {
    socket.on('open', () => { resolve(true); socket.close(); });
    socket.on('unexpected-response', (_, answer) => { resolve(answer.statusCode); socket.terminate(); });
    socket.on('error', () => {});
  });
}

on_a_server('lets_in_the_pages_that_it_should', async (server) => {
  assert.equal(await is_let_in(server, ''), true);
  assert.equal(await is_let_in(server, server.web('')), true);
  assert.equal(await is_let_in(server, 'https://chat.example.org'), true);
  assert.equal(await is_let_in(server, 'https://elsewhere.example'), 403);
  assert.equal(await is_let_in(server, '', 'wss'), true);
  assert.equal(await is_let_in(server, server.secure_web(''), 'wss'), true);
  assert.equal(await is_let_in(server, 'https://chat.example.org', 'wss'), true);
  assert.equal(await is_let_in(server, server.secure_web('').replace('https', 'http'), 'wss'), 403);
  assert.equal(await is_let_in(server, server.web(''), 'wss'), 403);
}, '--xmpp-origin', 'https://chat.example.org');
